"""Certificates for the simulated parts, made when the simulation starts. Their keys are worth nothing to anybody."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=90)
_CLOCK_SKEW = timedelta(hours=1)


class Authority:
    """A certificate authority whose key lives in memory only."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where the certificates are written; private to the user."""
        self._folder = folder
        self._key = generate_private_key(SECP256R1())
        self._name = _name("reachd demo authority")
        begin = datetime.now(UTC) - 2 * _LIFETIME
        builder = _builder(self._name, self._key, begin, begin + 4 * _LIFETIME).issuer_name(self._name)
        certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.ca_file = folder / "authority.pem"
        """What to trust."""
        self.ca_file.write_bytes(certificate.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str, hosts: Sequence[str]) -> Path:
        """A file with a valid certificate for `hosts`, which are IP addresses, and its key."""
        begin = datetime.now(UTC) - _CLOCK_SKEW
        return self._issue(name, hosts, begin, begin + _LIFETIME)

    def issue_expired(self, name: str, hosts: Sequence[str]) -> Path:
        """The same, expired an hour ago."""
        end = datetime.now(UTC) - _CLOCK_SKEW
        return self._issue(name, hosts, end - _LIFETIME, end)

    def _issue(self, name: str, hosts: Sequence[str], begin: datetime, end: datetime) -> Path:
        key = generate_private_key(SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host)) for host in hosts])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(_name(name), key, begin, end)
            .issuer_name(self._name)
            .add_extension(names, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self._folder / f"{name}.pem"
        file.touch(mode=0o600)
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return file


def server_context(certificate: Path) -> SSLContext:
    """TLS as a server. Another certificate loaded into the context later is shown to new connections at once."""
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, key: EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
