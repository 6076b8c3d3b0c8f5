"""TLS as a client: contexts that are shared, and what a handshake tells."""

import os
import re
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import NamedTuple, Protocol

from pydantic import SecretStr

from agent.core.measures import Label, Metric, MetricType
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._certificate import validity
from agent.probes._files import Files

TLS_VERSIONS = frozenset({"TLSv1.2", "TLSv1.3"})
_CIPHERS = frozenset(cipher["name"] for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers())

CERTIFICATE_EXPIRY = Metric(
    "probe_ssl_earliest_cert_expiry",
    MetricType.GAUGE,
    "Unix time at which the first certificate of the chain that the target sent expires; of an expired one too.",
)
TLS_INFO = Metric(
    "probe_tls_info",
    MetricType.INFO,
    "TLS version and cipher suite that were negotiated.",
    (Label("version", TLS_VERSIONS), Label("cipher", _CIPHERS)),
)
TLS_METRICS = (CERTIFICATE_EXPIRY, TLS_INFO)


class TlsIdentity(NamedTuple):
    """What makes one TLS context different from another."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    insecure_skip_verify: bool = False
    min_version: str = "TLS12"
    alpn: tuple[str, ...] = ()
    ca_data: str = ""
    """Certificates to trust, PEM, in place of `ca_file`."""
    client_data: SecretStr | None = None
    """Client certificate and its key, PEM, in place of `cert_file` and `key_file`."""


class TlsOptions(Protocol):
    """The TLS part of a probe's settings."""

    @property
    def ca_file(self) -> Path | None: ...
    @property
    def cert_file(self) -> Path | None: ...
    @property
    def key_file(self) -> Path | None: ...
    @property
    def insecure_skip_verify(self) -> bool: ...
    @property
    def min_version(self) -> str: ...


def tls_identity(options: TlsOptions | None, alpn: tuple[str, ...] = ()) -> TlsIdentity:
    """The context that a probe's settings ask for; without settings, the system's trust."""
    if options is None:
        return TlsIdentity(alpn=alpn)
    return TlsIdentity(
        options.ca_file, options.cert_file, options.key_file, options.insecure_skip_verify, options.min_version, alpn
    )


class TlsContexts:
    """TLS contexts by what they are made of. A fresh one costs 24 ms of CPU, so they are kept until a file changes."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._contexts: dict[TlsIdentity, tuple[tuple[tuple[int, int, int], ...], ssl.SSLContext]] = {}

    def context(self, identity: TlsIdentity) -> ssl.SSLContext:
        """The context for `identity`. Raises ProbeFailure when one of its files cannot be used."""
        paths = [path for path in identity[:3] if path is not None]
        try:
            versions = tuple([self._files.version(path) for path in paths]) if paths else ()
            known = self._contexts.get(identity)
            if known is not None and known[0] == versions:
                return known[1]
            context = _new_context(identity)
        except OSError as error:
            names = ", ".join(str(path) for path in paths) or "that are embedded in the kubeconfig"
            # OpenSSL's errors have their words in `reason`, in capitals, or nowhere; the system's own have none there.
            reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            words = reason.lower().replace("_", " ") if reason else "no certificates or keys in the form PEM"
            raise ProbeFailure(Reason.PERMISSION_DENIED, f"cannot use the TLS files {names}: {words}") from error
        self._contexts[identity] = (versions, context)
        return context

    def forget(self, identity: TlsIdentity) -> None:
        """Gives up the context for `identity`; whoever still needs it gets a new one."""
        self._contexts.pop(identity, None)


def _new_context(identity: TlsIdentity) -> ssl.SSLContext:
    """A context that judges certificates as Go, and so Meshery Server and kubectl, does where OpenSSL does otherwise.

    The name in a certificate's subject counts for nothing, and any certificate may be trusted, not only a root's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if identity.min_version == "TLS13" else ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if identity.alpn:
        context.set_alpn_protocols(list(identity.alpn))
    if identity.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif identity.ca_data:
        context.load_verify_locations(cadata=identity.ca_data)
    elif identity.ca_file is not None:
        context.load_verify_locations(cafile=str(identity.ca_file))
    else:
        context.load_default_certs()
    if identity.cert_file is not None:
        context.load_cert_chain(identity.cert_file, identity.key_file, password=_NO_PASSWORD)
    elif identity.client_data is not None:
        _load_client_data(context, identity.client_data)
    return context


_NO_PASSWORD = ""
"""For a key that is encrypted: an error, where OpenSSL would otherwise ask at the terminal and wait."""


def _load_client_data(context: ssl.SSLContext, client_data: SecretStr) -> None:
    """OpenSSL takes certificate and key from a file only, so they get one that exists in memory alone."""
    with os.fdopen(os.memfd_create("client-certificate"), "wb") as file:
        file.write(client_data.get_secret_value().encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}", password=_NO_PASSWORD)


class _Certificate(Protocol):
    def public_bytes(self, format: int = ...) -> bytes: ...  # noqa: A002


_DER = 2
"""`_ssl.ENCODING_DER`. The chain has a public name only from Python 3.13 on; the object below has it since 3.10."""


def _validities(tls: ssl.SSLObject) -> list[tuple[float, float]]:
    """When the certificates that the target has sent are valid, its own first; there even when verification failed."""
    sent = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    certificates: list[_Certificate] = sent or []
    found = []
    for certificate in certificates:
        # Without verification OpenSSL lets dates pass that are none; those say nothing.
        with suppress(ValueError):
            found.append(validity(certificate.public_bytes(_DER)))
    return found


def measure_tls(run: Run, tls: ssl.SSLObject) -> None:
    """Notes version, cipher and the earliest expiry of the chain after a handshake."""
    cipher = tls.cipher()
    run.measure(TLS_INFO, 1.0, tls.version() or "", cipher[0] if cipher else "")
    _measure_expiry(run, _validities(tls))


def _measure_expiry(run: Run, validities: list[tuple[float, float]]) -> None:
    if validities:
        run.measure(CERTIFICATE_EXPIRY, min([end for _, end in validities]))


_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "HTTPS_PROXY_REQUEST",
}
_CLIENT_CERTIFICATE = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "TLSV1_ALERT_UNKNOWN_CA",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "TLSV1_ALERT_ACCESS_DENIED",
}
_EXPIRED, _NOT_YET_VALID = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID of OpenSSL's x509_vfy.h
_NAME_ERRORS = {62, 64}  # X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH


def handshake_failure(run: Run, tls: ssl.SSLObject, error: ssl.SSLError) -> ProbeFailure:
    """What a failed handshake says of the target. Notes the expiry of a certificate that was not accepted."""
    failure = tls_failure(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        validities = _validities(tls)
        _measure_expiry(run, validities)
        now = time()
        for position, (begin, end) in enumerate(validities):
            if not begin <= now <= end:
                whose = "that of an authority, which the target sends along," if position else "it"
                dates = f"{whose} is valid from {_date(begin)} to {_date(end)}"
                return ProbeFailure(failure.reason, f"{failure.detail}: {dates}")
    elif error.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE" and tls.cipher() is not None:
        # Up to TLS 1.2 a missing client certificate is refused so; with a cipher agreed on, little else is left.
        return ProbeFailure(Reason.TLS_CLIENT_CERTIFICATE_REQUIRED, failure.detail)
    return failure


def tls_failure(error: ssl.SSLError) -> ProbeFailure:
    """What a failed handshake, or an alert after it, says of the target."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = {_EXPIRED: Reason.TLS_EXPIRED, _NOT_YET_VALID: Reason.TLS_NOT_YET_VALID}.get(
            error.verify_code,
            Reason.TLS_HOSTNAME_MISMATCH if error.verify_code in _NAME_ERRORS else Reason.TLS_UNTRUSTED,
        )
        return ProbeFailure(reason, error.verify_message)
    name = error.reason or ""
    words = re.sub(r"[^a-z0-9 ]", "", name.lower().replace("_", " ")) or "the handshake failed"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ProbeFailure(Reason.TLS_PROTOCOL_ERROR, "the target closed the connection during the TLS handshake")
    if name == "TLSV1_UNRECOGNIZED_NAME":
        return ProbeFailure(Reason.TLS_HOSTNAME_MISMATCH, f"the target has no certificate for this name: {words}")
    if name in _NOT_TLS:
        return ProbeFailure(Reason.TLS_NOT_TLS, f"the target does not answer with TLS: {words}")
    if name in _CLIENT_CERTIFICATE:
        return ProbeFailure(Reason.TLS_CLIENT_CERTIFICATE_REQUIRED, f"the target did not accept us: {words}")
    return ProbeFailure(Reason.TLS_PROTOCOL_ERROR, words)


def _date(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M UTC")
