"""The certificates of a cluster for tests, and the key that signs the tokens of its service accounts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files in PEM."""

    certificate: Path
    key: Path

    @classmethod
    def write(cls, folder: Path, name: str, issued: trustme.LeafCert) -> Pair:
        """Writes what was issued to `name`."""
        pair = cls(folder / f"{name}.crt", folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(pair.certificate)
        issued.private_key_pem.write_to_path(pair.key)
        return pair


@dataclass(frozen=True, slots=True)
class Certificates:
    """One authority, and what it issued."""

    authority: Path
    server: Pair
    admin: Pair
    service_accounts: Pair

    @classmethod
    def issue(cls, folder: Path) -> Certificates:
        """New ones, in `folder`. Kubernetes takes the administrator's group from the name of the organization."""
        authority = trustme.CA()
        file = folder / "authority.crt"
        authority.cert_pem.write_to_path(file)
        admin = authority.issue_cert("admin", common_name="admin", organization_name="system:masters")
        return cls(
            authority=file,
            server=Pair.write(folder, "server", authority.issue_cert("127.0.0.1", "localhost")),
            admin=Pair.write(folder, "admin", admin),
            service_accounts=Pair.write(folder, "service-accounts", authority.issue_cert("service-accounts")),
        )

    def tls(self, client: Pair | None = None) -> ssl.SSLContext:
        """What trusts the server, and shows it the certificate of `client`."""
        context = ssl.create_default_context(cafile=self.authority)
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        return context
