"""The tls probe, and what every probe tells of a handshake."""

from __future__ import annotations

import ssl
from asyncio import to_thread
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection, create_server
from threading import Event, Thread
from time import time

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.probes import _files
from agent.probes._certificate import validity
from agent.probes._network import Network
from agent.probes._resolve import Resolver
from agent.probes._tls import CERTIFICATE_EXPIRY, TLS_INFO
from tests.probes.bounds import enough_for, probe_in_time, two_hundred_in_time
from tests.probes.dns_server import name_server, records
from tests.probes.support import (
    Script,
    answering,
    assert_failed,
    assert_up,
    authority,
    ca_file,
    closing,
    dripping,
    measured,
    probe,
    resetting,
    saying,
    serving,
    silent,
)

VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
DAY = timedelta(days=1)
PRIVATE_PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
IN_VAIN = 2.0
"""Seconds after which `plain_server` leaves: who waits for more than it says after a handshake takes so long."""


def context_of(
    *names: str,
    issuer: trustme.CA | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    begin: timedelta = -DAY,
    end: timedelta = DAY,
    clients: trustme.CA | None = None,
) -> ssl.SSLContext:
    """A server's context: whose certificate, for which names, valid from when to when, and whose clients it takes."""
    now = datetime.now(UTC).replace(tzinfo=None)
    certificate = (issuer or authority()).issue_cert(
        *(names or ("localhost", "127.0.0.1")), not_before=now + begin, not_after=now + end
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    context.minimum_version = context.maximum_version = version
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def plain_server(context: ssl.SSLContext) -> Iterator[str]:
    """A server on blocking sockets, whose alerts are sent: asyncio's drops them. It is silent after a handshake."""
    stopped = False

    def serve() -> None:
        while not stopped:
            sock, _ = listener.accept()
            with sock, suppress(OSError), context.wrap_socket(sock, server_side=True) as secured:
                secured.settimeout(IN_VAIN)
                while secured.recv(100):
                    pass

    with create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopped = True
            create_connection(listener.getsockname()).close()
            thread.join()


async def handshake(
    context: ssl.SSLContext,
    folder: Path,
    options: Mapping[str, object] | None = None,
    *,
    host: str = "127.0.0.1",
) -> Outcome:
    """Probes a server once, trusting the tests' authority; `host` is what it is called in the check."""
    with plain_server(context) as address:
        async with name_server({"*": records("@ A 127.0.0.1")}) as names:
            network = Network(Resolver(servers=[names.server]))
            settings = {
                "kind": "tls",
                "address": f"{host}:{address.rpartition(':')[2]}",
                "tls": {"ca_file": ca_file(folder), **(options or {})},
            }
            return await probe(settings, timeout=5, network=network)


@VERSIONS
async def test_a_good_certificate_is_up_and_its_facts_are_measured(version: ssl.TLSVersion, tmp_path: Path) -> None:
    outcome = await handshake(context_of(version=version), tmp_path)
    assert_up(outcome)
    assert {Phase.RESOLVE, Phase.CONNECT, Phase.TLS} <= set(outcome.phase_seconds())
    assert measured(outcome, CERTIFICATE_EXPIRY) == pytest.approx(time() + 86400, abs=60)
    (labels,) = [measure.labels for measure in outcome.measures if measure.metric is TLS_INFO]
    assert labels[0] == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    assert labels[1] in (TLS_INFO.labels[1].values or ())
    assert outcome.duration < IN_VAIN


@VERSIONS
@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [(-3 * DAY, -DAY, Reason.TLS_EXPIRED), (DAY, 3 * DAY, Reason.TLS_NOT_YET_VALID)],
)
async def test_dates(begin: timedelta, end: timedelta, reason: Reason, version: ssl.TLSVersion, tmp_path: Path) -> None:
    context = context_of(version=version, begin=begin, end=end)
    outcome = await handshake(context, tmp_path)
    assert_failed(outcome, reason)
    assert outcome.phase is Phase.TLS
    assert measured(outcome, CERTIFICATE_EXPIRY) == pytest.approx(time() + end.total_seconds(), abs=60)
    for moment in (begin, end):
        assert (datetime.now(UTC) + moment).strftime("%Y-%m-%d") in outcome.detail
    unverified = await handshake(context, tmp_path, {"insecure_skip_verify": True})
    assert_up(unverified)
    assert measured(unverified, CERTIFICATE_EXPIRY) == measured(outcome, CERTIFICATE_EXPIRY)


@pytest.mark.parametrize(
    ("host", "names", "options", "reason"),
    [
        ("wrong.test", ("right.test",), {}, Reason.TLS_HOSTNAME_MISMATCH),
        ("127.0.0.1", ("127.0.0.2",), {}, Reason.TLS_HOSTNAME_MISMATCH),
        ("127.0.0.1", ("right.test",), {}, Reason.TLS_HOSTNAME_MISMATCH),
        ("right.test", ("right.test",), {}, None),
        ("right.test.", ("right.test",), {}, None),
        ("a.right.test", ("*.right.test",), {}, None),
        ("127.0.0.1", ("right.test",), {"server_name": "right.test"}, None),
        ("wrong.test", ("right.test",), {"insecure_skip_verify": True}, None),
        ("127.0.0.1", (), {"server_name": "a..b"}, Reason.TLS_HOSTNAME_MISMATCH),
        ("127.0.0.1", (), {"server_name": ".b"}, Reason.TLS_HOSTNAME_MISMATCH),
        ("127.0.0.1", (), {"ca_file": None}, Reason.TLS_UNTRUSTED),
        ("127.0.0.1", (), {"min_version": "TLS13"}, None),
    ],
)
async def test_names_and_trust(
    host: str, names: tuple[str, ...], options: dict[str, object], reason: Reason | None, tmp_path: Path
) -> None:
    outcome = await handshake(context_of(*names), tmp_path, options, host=host)
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
        assert outcome.phase is Phase.TLS


async def test_an_authority_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    outcome = await handshake(context_of(issuer=trustme.CA()), tmp_path)
    assert_failed(outcome, Reason.TLS_UNTRUSTED)
    assert measured(outcome, CERTIFICATE_EXPIRY) > time()


@pytest.mark.parametrize("pinned", [False, True])
async def test_any_certificate_of_the_file_is_trusted_without_what_stands_above_it(
    pinned: bool, tmp_path: Path
) -> None:
    # As in Go, so in kubectl, and in curl: the authority of many a cluster is an intermediate one.
    issuer = authority().create_child_ca()
    context, certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), issuer.issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    trusted = tmp_path / "trusted.pem"
    (certificate.cert_chain_pems[0] if pinned else issuer.cert_pem).write_to_path(str(trusted))
    assert_up(await handshake(context, tmp_path, {"ca_file": str(trusted)}))


async def test_a_name_in_the_subject_alone_is_none_as_for_browsers_and_go(tmp_path: Path) -> None:
    pem = tmp_path / "server.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = signed("right.test", key, "right.test", key)
    pem.write_bytes(certificate.public_bytes(Encoding.PEM) + key.private_bytes(*PRIVATE_PEM))
    outcome = await handshake(context_with(pem), tmp_path, {"ca_file": str(pem)}, host="right.test")
    assert_failed(outcome, Reason.TLS_HOSTNAME_MISMATCH)


async def test_an_authority_that_has_expired_is_told_from_the_certificate_itself(tmp_path: Path) -> None:
    root, authority_s, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    trusted, pem = tmp_path / "trusted.pem", tmp_path / "server.pem"
    trusted.write_bytes(signed("root", root, "root", root, is_authority=True).public_bytes(Encoding.PEM))
    expired = signed("authority", authority_s, "root", root, end=-DAY, is_authority=True)
    certificate = signed("right.test", own, "authority", authority_s, alternative_name=True)
    chain = certificate.public_bytes(Encoding.PEM) + expired.public_bytes(Encoding.PEM)
    pem.write_bytes(chain + own.private_bytes(*PRIVATE_PEM))
    outcome = await handshake(context_with(pem), tmp_path, {"ca_file": str(trusted)}, host="right.test")
    assert_failed(outcome, Reason.TLS_EXPIRED)
    assert "that of an authority" in outcome.detail
    assert (datetime.now(UTC) - DAY).strftime("%Y-%m-%d") in outcome.detail


def signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    end: timedelta = DAY,
    is_authority: bool = False,
    alternative_name: bool = False,
) -> x509.Certificate:
    """A certificate with its name in the subject, and only there unless it is an alternative name, too."""
    subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer))
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        by, subject, key.public_key(), x509.random_serial_number(), now - 3 * DAY, now + end
    ).add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    if alternative_name:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def context_with(pem: Path) -> ssl.SSLContext:
    """A server's context with the certificates and the key of a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


async def test_the_earliest_certificate_of_the_chain_counts(tmp_path: Path) -> None:
    outcome = await handshake(context_of(issuer=authority().create_child_ca(), end=100000 * DAY), tmp_path)
    assert_up(outcome)
    assert measured(outcome, CERTIFICATE_EXPIRY) < time() + 100000 * 86400


async def test_a_version_below_the_lowest_accepted_is_a_protocol_error(tmp_path: Path) -> None:
    outcome = await handshake(context_of(version=ssl.TLSVersion.TLSv1_2), tmp_path, {"min_version": "TLS13"})
    assert_failed(outcome, Reason.TLS_PROTOCOL_ERROR)
    assert "protocol version" in outcome.detail


async def test_no_cipher_in_common_is_a_protocol_error(tmp_path: Path) -> None:
    context = context_of(version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES256-SHA")
    outcome = await handshake(context, tmp_path)
    assert_failed(outcome, Reason.TLS_PROTOCOL_ERROR)


@pytest.mark.parametrize("tickets", [0, 2])
@VERSIONS
async def test_client_certificates(version: ssl.TLSVersion, tickets: int, tmp_path: Path) -> None:
    clients, strangers = trustme.CA(), trustme.CA()
    context = context_of(version=version, clients=clients)
    context.num_tickets = tickets
    assert_failed(await handshake(context, tmp_path), Reason.TLS_CLIENT_CERTIFICATE_REQUIRED)
    for issuer, reason in ((clients, None), (strangers, Reason.TLS_CLIENT_CERTIFICATE_REQUIRED)):
        pem = tmp_path / "client.pem"
        issuer.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(pem))
        outcome = await handshake(context, tmp_path, {"cert_file": str(pem)})
        assert outcome.reason is reason
        assert outcome.duration < IN_VAIN


@VERSIONS
@pytest.mark.parametrize("dialogue", [[], [{"send": "hello"}], [{"send": "hello"}, {"expect": "ready"}]])
async def test_a_missing_client_certificate_is_told_by_the_tcp_probe_too(
    dialogue: list[dict[str, str]], version: ssl.TLSVersion, tmp_path: Path
) -> None:
    with plain_server(context_of(version=version, clients=trustme.CA())) as address:
        settings = {"address": address, "tls": {"ca_file": ca_file(tmp_path)}, "dialogue": dialogue}
        outcome = await probe({"kind": "tcp", **settings})
    assert_failed(outcome, Reason.TLS_CLIENT_CERTIFICATE_REQUIRED)


@pytest.mark.parametrize("kind", ["tcp", "tls"])
async def test_the_moment_for_an_objection_is_nobodys_latency(kind: str, tmp_path: Path) -> None:
    context = context_of()
    context.num_tickets = 0  # the server has nothing to say after the handshake
    with plain_server(context) as address:
        outcome = await probe({"kind": kind, "address": address, "tls": {"ca_file": ca_file(tmp_path)}})
    assert_up(outcome)
    assert 0 < outcome.waited <= outcome.phase_seconds()[Phase.RESPONSE] < IN_VAIN


@VERSIONS
async def test_the_target_sees_the_end_of_a_handshake_after_which_nothing_is_said(
    version: ssl.TLSVersion, tmp_path: Path
) -> None:
    context, ended = context_of(version=version), Event()

    def serve() -> None:
        sock, _ = listener.accept()
        with sock, suppress(OSError), context.wrap_socket(sock, server_side=True):
            ended.set()

    with create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve)
        thread.start()
        settings = {"kind": "tcp", "address": f"127.0.0.1:{listener.getsockname()[1]}"}
        assert_up(await probe({**settings, "tls": {"ca_file": ca_file(tmp_path)}}))
        await to_thread(thread.join)
    assert ended.is_set()


async def test_a_target_that_leaves_without_a_word_after_the_handshake(tmp_path: Path) -> None:
    # What asyncio's own servers do when the client's certificate is missing.
    async with serving(silent, tls=context_of(clients=trustme.CA())) as server:
        settings = {"kind": "tls", "address": server.address, "tls": {"ca_file": ca_file(tmp_path)}}
        outcome = await probe(settings)
    assert_failed(outcome, Reason.CONNECTION_CLOSED)
    assert "it may want a client certificate" in outcome.detail


async def test_a_target_that_ends_the_session_in_order_is_up(tmp_path: Path) -> None:
    async with serving(closing, tls=context_of()) as server:
        assert_up(await probe({"kind": "tls", "address": server.address, "tls": {"ca_file": ca_file(tmp_path)}}))


@pytest.mark.parametrize(
    ("script", "reason", "phase"),
    [
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), Reason.TLS_NOT_TLS, Phase.TLS),
        (saying(b'INFO {"server_id":"x"}\r\n'), Reason.TLS_NOT_TLS, Phase.TLS),
        (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.TLS_NOT_TLS, Phase.TLS),
        (answering(b"\x00" * 100), Reason.TLS_NOT_TLS, Phase.TLS),
        (answering(b"\x15\x03\x03\x00\x02\x02\x28"), Reason.TLS_PROTOCOL_ERROR, Phase.TLS),
        (answering(b"\x15\x03\x03\x00\x02\x02\x50"), Reason.TLS_PROTOCOL_ERROR, Phase.TLS),
        (answering(b"\x15\x03\x03\x00\x02\x02\x70"), Reason.TLS_HOSTNAME_MISMATCH, Phase.TLS),
        (answering(b"\x15\x03\x03\x00\x02\x02\x2b"), Reason.TLS_CLIENT_CERTIFICATE_REQUIRED, Phase.TLS),
        (answering(b"\x15\x03\x03\x00\x02\x02\x74"), Reason.TLS_CLIENT_CERTIFICATE_REQUIRED, Phase.TLS),
        (closing, Reason.TLS_PROTOCOL_ERROR, Phase.TLS),
        (resetting, Reason.CONNECTION_RESET, Phase.TLS),
        (silent, Reason.TLS_TIMEOUT, Phase.TLS),
        (dripping(b"\x16\x03\x03\x3f\xff"), Reason.TLS_TIMEOUT, Phase.TLS),
    ],
)
async def test_what_is_no_tls_server(script: Script, reason: Reason, phase: Phase) -> None:
    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "tls", "address": server.address}, enough_for(reason))
    assert_failed(outcome, reason)
    assert outcome.phase is phase
    assert outcome.detail.isprintable()


async def test_files_that_cannot_be_used_are_the_agents_own_fault(tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("nonsense")
    (tmp_path / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n")
    for name, words in (
        ("none.pem", "no such file or directory"),
        ("broken.pem", "no certificate or crl found"),
        ("damaged.pem", "no certificates or keys in the form PEM"),
    ):
        outcome = await handshake(context_of(), tmp_path, {"ca_file": str(tmp_path / name)})
        assert_failed(outcome, Reason.PERMISSION_DENIED)
        assert outcome.verdict is Verdict.UNKNOWN
        assert outcome.detail == f"cannot use the TLS files {tmp_path / name}: {words}"


async def test_a_certificate_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(_files, "monotonic", lambda: now)
    trusted = tmp_path / "trusted.pem"
    trustme.CA().cert_pem.write_to_path(str(trusted))
    network = Network()
    async with serving(silent, tls=context_of()) as server:
        settings = {"kind": "tls", "address": server.address, "tls": {"ca_file": str(trusted)}}
        assert_failed(await probe(settings, network=network), Reason.TLS_UNTRUSTED)
        authority().cert_pem.write_to_path(str(trusted))
        now = 2.0
        assert_up(await probe(settings, network=network))


async def test_two_hundred_handshakes_that_hang_keep_their_deadline() -> None:
    network = Network()
    async with serving(silent) as server, serving(dripping(b"\x16\x03\x03\x3f\xff")) as dripper:
        await probe({"kind": "tls", "address": server.address}, timeout=0.1, network=network)
        targets = [{"kind": "tls", "address": each.address} for each in (server, dripper)]
        outcomes = await two_hundred_in_time(*targets, network=network)
    assert {outcome.reason for outcome in outcomes} == {Reason.TLS_TIMEOUT}


@pytest.mark.parametrize("year", [1951, 1999, 2000, 2049, 2050, 2500, 9999])
def test_dates_are_read_as_the_cryptography_package_reads_them(year: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    built = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=datetime(1950, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC),
    ).sign(key, hashes.SHA256())
    begin, end = built.not_valid_before_utc.timestamp(), built.not_valid_after_utc.timestamp()
    assert validity(built.public_bytes(Encoding.DER)) == (begin, end)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_a_damaged_certificate_is_a_value_error_at_most(at: int, noise: bytes) -> None:
    certificate = _certificate()
    damaged = certificate[:at] + noise + certificate[at + len(noise) :]
    for data in (damaged, certificate[:at]):
        try:
            begin, end = validity(data)
        except ValueError:
            continue
        assert isinstance(begin, float)
        assert isinstance(end, float)


def _certificate() -> bytes:
    return ssl.PEM_cert_to_DER_cert(authority().cert_pem.bytes().decode())
