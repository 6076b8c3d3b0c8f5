"""The nats probe against real servers, and against servers that say what no real one would."""

import json
import signal
import socket
from asyncio import StreamReader, StreamWriter, sleep
from collections.abc import Iterator
from contextlib import closing as closed
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.core.outcome import Verdict
from agent.core.reasons import Phase, Reason
from agent.probes._settings import EnvironmentText
from agent.probes._tls import CERTIFICATE_EXPIRY
from agent.probes.nats import NatsSettings
from tests.probes.bounds import little_memory, probe_in_time
from tests.probes.nats_identities import Operator, user_key
from tests.probes.support import (
    Script,
    answering,
    assert_failed,
    assert_up,
    authority,
    ca_file,
    closing,
    dripping,
    endless,
    measured,
    probe,
    refusing,
    resetting,
    saying,
    serving,
    silent,
    unaccepting,
)
from tests.servers.process import accepts, wait_until
from tests.servers.run import nats_server

SERVERS = [
    pytest.param("nats-server", marks=pytest.mark.servers("nats-server")),
    pytest.param("nats-server-2.14", marks=pytest.mark.servers("nats-server-2.14")),
]
TOKEN = EnvironmentText("a-token-of-the-tests")
INFO = b'INFO {"server_id":"N","version":"2.9.10","client_id":7}\r\n'
INFO_OF_TLS = b'INFO {"client_id":1,"tls_required":true}\r\n'


# --- real servers


@pytest.mark.parametrize("program", SERVERS)
async def test_without_credentials_it_reads_info_and_the_server_logs_nothing(program: str) -> None:
    with nats_server(program=program, token=TOKEN) as nats:
        before = nats.log()
        for _ in range(20):
            outcome = await probe({"kind": "nats", "address": nats.address})
            assert_up(outcome)
        with closed(socket.create_connection(("127.0.0.1", nats.port))) as client:
            client.sendall(b"nonsense\r\n")  # the line that this leaves in the log comes after all of the probe's
            wait_until(lambda: len(nats.log()) > len(before), 5, "the server logs a faulty client")
        added = nats.log()[len(before) :]
    assert "wants authentication" in outcome.detail
    assert 'nats-server "2.' in outcome.detail
    assert len(added.splitlines()) == 1, added
    assert Phase.REQUEST not in outcome.phase_seconds()


@pytest.mark.parametrize("program", SERVERS)
async def test_signs_in_with_a_token(program: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with nats_server(program=program, token=TOKEN) as nats:
        outcome = await probe({"kind": "nats", "address": nats.address, "token_file": str(file)})
        assert_up(outcome)
        assert {Phase.CONNECT, Phase.REQUEST, Phase.RESPONSE} <= outcome.phase_seconds().keys()
        assert outcome.peer == nats.address
        assert_up(await probe({"kind": "nats", "address": nats.address, "token": TOKEN}))
        outcome = await probe({"kind": "nats", "address": nats.address, "token": EnvironmentText("another")})
    assert_failed(outcome, Reason.AUTH_REJECTED)
    assert "Authorization Violation" in outcome.detail
    assert "another" not in repr(outcome)


@pytest.mark.servers("nats-server")
async def test_signs_in_as_a_user(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("right")
    with nats_server(user="meshery", password="right") as nats:
        settings = {"kind": "nats", "address": nats.address, "username": "meshery"}
        assert_up(await probe({**settings, "password_file": str(file)}))
        assert_up(await probe({**settings, "password": EnvironmentText("right")}))
        assert_failed(await probe({**settings, "password": EnvironmentText("wrong")}), Reason.AUTH_REJECTED)


@pytest.mark.parametrize("program", SERVERS)
async def test_signs_in_with_an_nkey(program: str, tmp_path: Path) -> None:
    user, stranger = user_key(), user_key()
    mine, other = tmp_path / "mine.nk", tmp_path / "other.nk"
    mine.write_text(user.seed + "\n")
    other.write_text(f"{stranger.seed}\n{stranger.public}\n")
    with nats_server(program=program, config=f"authorization {{ users = [{{ nkey: {user.public} }}] }}") as nats:
        assert_up(await probe({"kind": "nats", "address": nats.address, "nkey_file": str(mine)}))
        outcome = await probe({"kind": "nats", "address": nats.address, "nkey_file": str(other)})
    assert_failed(outcome, Reason.AUTH_REJECTED)
    assert stranger.seed not in repr(outcome)


@pytest.mark.parametrize("program", SERVERS)
async def test_signs_in_with_a_credentials_file(program: str, tmp_path: Path) -> None:
    operator = Operator()
    good = operator.credentials(tmp_path / "good.creds")
    expired = operator.credentials(tmp_path / "expired.creds", valid_for=-60)
    stranger = Operator().credentials(tmp_path / "stranger.creds")
    with nats_server(program=program, config=operator.config()) as nats:
        assert_up(await probe({"kind": "nats", "address": nats.address, "credentials_file": str(good)}))
        for file in (expired, stranger):
            outcome = await probe({"kind": "nats", "address": nats.address, "credentials_file": str(file)})
            assert_failed(outcome, Reason.AUTH_REJECTED)


@pytest.mark.parametrize("program", SERVERS)
async def test_tls_begins_after_info(program: str, tmp_path: Path) -> None:
    trusted = {"ca_file": ca_file(tmp_path)}
    with nats_server(program=program, token=TOKEN, config=_tls(tmp_path)) as nats:
        settings: dict[str, object] = {"kind": "nats", "address": nats.address}
        outcome = await probe({**settings, "tls": trusted})
        assert_up(outcome)
        assert Phase.TLS in outcome.phase_seconds()
        assert measured(outcome, CERTIFICATE_EXPIRY) > datetime.now(UTC).timestamp()
        outcomes = [await probe({**settings, "tls": trusted, "token": TOKEN}) for _ in range(5)]
        for outcome in outcomes:
            assert_up(outcome)
        quickest = min(outcome.phase_seconds()[Phase.RESPONSE] - outcome.waited for outcome in outcomes)
        assert quickest < 0.03, "a delayed acknowledgement was waited for"
        assert_failed(await probe(settings), Reason.TLS_UNTRUSTED)
        other_name = {**trusted, "server_name": "other.example.com"}
        assert_failed(await probe({**settings, "tls": other_name}), Reason.TLS_HOSTNAME_MISMATCH)


@pytest.mark.servers("nats-server")
@pytest.mark.parametrize(
    ("begins", "ends", "reason"),
    [(-20, -10, Reason.TLS_EXPIRED), (10, 20, Reason.TLS_NOT_YET_VALID)],
)
async def test_dates_of_a_refused_certificate_are_shown(begins: int, ends: int, reason: Reason, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    ends_at = now + timedelta(days=ends)
    with nats_server(config=_tls(tmp_path, not_before=now + timedelta(days=begins), not_after=ends_at)) as nats:
        outcome = await probe({"kind": "nats", "address": nats.address, "tls": {"ca_file": ca_file(tmp_path)}})
    assert_failed(outcome, reason)
    assert outcome.phase is Phase.TLS
    assert f"{ends_at:%Y-%m-%d}" in outcome.detail
    assert measured(outcome, CERTIFICATE_EXPIRY) == ends_at.timestamp()


@pytest.mark.parametrize("program", SERVERS)
async def test_a_client_certificate_is_wanted_and_given(program: str, tmp_path: Path) -> None:
    certificate = authority().issue_cert("reachd.example.com")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    tls = {"ca_file": ca_file(tmp_path)}
    with nats_server(program=program, config=_tls(tmp_path, verify=True)) as nats:
        settings = {"kind": "nats", "address": nats.address}
        for credentials in ({}, {"token": TOKEN}):
            outcome = await probe({**settings, **credentials, "tls": tls})
            assert_failed(outcome, Reason.TLS_CLIENT_CERTIFICATE_REQUIRED)
            certified = {**tls, "cert_file": str(tmp_path / "client.pem")}
            assert_up(await probe({**settings, **credentials, "tls": certified}))


@pytest.mark.servers("nats-server-2.14")
@pytest.mark.parametrize("credentials", [{}, {"token": TOKEN}])
async def test_tls_before_info(credentials: dict[str, str], tmp_path: Path) -> None:
    certificate = authority().issue_cert("reachd.example.com")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    tls = {"ca_file": ca_file(tmp_path)}
    config = _tls(tmp_path, verify=True, handshake_first="true")
    with nats_server(program="nats-server-2.14", token=TOKEN, config=config) as nats:
        settings = {"kind": "nats", "address": nats.address, "tls_handshake_first": True, **credentials}
        outcome = await probe({**settings, "tls": {**tls, "cert_file": str(tmp_path / "client.pem")}})
        assert_up(outcome)
        assert 'nats-server "2.14' in outcome.detail
        assert ("wants authentication" in outcome.detail) == (not credentials)
        assert {Phase.TLS, Phase.RESPONSE} <= outcome.phase_seconds().keys()
        assert measured(outcome, CERTIFICATE_EXPIRY) > datetime.now(UTC).timestamp()
        assert_failed(await probe({**settings, "tls": tls}), Reason.TLS_CLIENT_CERTIFICATE_REQUIRED)
        assert_failed(await probe(settings), Reason.TLS_UNTRUSTED)


@pytest.mark.servers("nats-server-2.14")
@pytest.mark.parametrize("first", [False, True])
async def test_a_server_takes_either_order_of_tls_and_info(first: bool, tmp_path: Path) -> None:
    config = _tls(tmp_path, handshake_first='"auto"')
    with nats_server(program="nats-server-2.14", config=config) as nats:
        settings = {"kind": "nats", "address": nats.address, "tls": {"ca_file": ca_file(tmp_path)}}
        assert_up(await probe({**settings, "tls_handshake_first": first}))


@pytest.mark.servers("nats-server-2.14")
async def test_a_server_that_may_want_tls_before_info(tmp_path: Path) -> None:
    words = "the server may want TLS before its INFO, which takes tls_handshake_first"
    config = _tls(tmp_path, handshake_first="true", timeout=1)
    with nats_server(program="nats-server-2.14", config=config) as nats:
        settings = {"kind": "nats", "address": nats.address}
        closed_after = await probe({**settings, "tls": {}}, timeout=20)
        silent_for = await probe_in_time({**settings, "tls": {}})
        plain = await probe_in_time(settings)
    assert_failed(closed_after, Reason.CONNECTION_CLOSED)
    assert closed_after.detail == f"the server closed the connection without a further word; {words}"
    assert_failed(silent_for, Reason.RESPONSE_TIMEOUT)
    assert silent_for.detail == f"no answer came within 0.3 s; {words}"
    assert_failed(plain, Reason.RESPONSE_TIMEOUT)
    assert words not in plain.detail


async def test_a_server_that_has_sent_its_info_does_not_want_tls_before_it() -> None:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"N","tls_required":true}\r\n')
        await silent(reader, writer)

    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "nats", "address": server.address, "tls": {}})
    assert_failed(outcome, Reason.TLS_TIMEOUT)
    assert "handshake_first" not in outcome.detail


@pytest.mark.servers("nats-server")
async def test_a_server_that_begins_with_info_where_tls_was_to_come_first(tmp_path: Path) -> None:
    with nats_server(config=_tls(tmp_path)) as nats:
        settings = {"kind": "nats", "address": nats.address, "tls": {"ca_file": ca_file(tmp_path)}}
        outcome = await probe({**settings, "tls_handshake_first": True})
    assert_failed(outcome, Reason.TLS_NOT_TLS)


@pytest.mark.servers("nats-server")
async def test_tls_that_the_server_does_not_offer_fails_before_a_secret_is_sent() -> None:
    with nats_server(token=TOKEN) as nats:
        outcome = await probe({"kind": "nats", "address": nats.address, "tls": {}, "token": TOKEN})
    assert_failed(outcome, Reason.TLS_NOT_TLS)
    assert "offers none in its INFO" in outcome.detail


@pytest.mark.parametrize("program", SERVERS)
async def test_lame_duck_of_a_real_server(program: str) -> None:
    duck = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "10s"'
    with nats_server(program=program, config=duck) as nats, _client(nats.port):
        nats.signal(signal.SIGUSR2)
        wait_until(lambda: "lame duck" in nats.log(), 5, "the server enters lame duck mode")
        wait_until(lambda: not accepts(nats.port), 5, "the server stops listening")
        outcome = await probe({"kind": "nats", "address": nats.address})
        nats.stop(signal.SIGKILL)  # it would wait for its clients
    assert_failed(outcome, Reason.CONNECT_REFUSED)  # new clients are refused; only those connected hear of it in INFO


@pytest.mark.parametrize("credentials", [{}, {"token": TOKEN}])
@pytest.mark.parametrize("program", SERVERS)
async def test_a_full_server_is_degraded(program: str, credentials: dict[str, str]) -> None:
    with nats_server(program=program, config="max_connections: 1") as nats, _client(nats.port):
        outcomes = [await probe({"kind": "nats", "address": nats.address, **credentials}) for _ in range(20)]
    for outcome in outcomes:
        assert_failed(outcome, Reason.DEGRADED)
        assert "maximum connections exceeded" in outcome.detail


@pytest.mark.parametrize("program", SERVERS)
async def test_ports_for_other_servers_are_recognised(program: str) -> None:
    ports = {name: _free() for name in ("route", "leaf node", "gateway")}
    config = "\n".join(
        (
            f'cluster {{ name: one, listen: "127.0.0.1:{ports["route"]}" }}',
            f'leafnodes {{ listen: "127.0.0.1:{ports["leaf node"]}" }}',
            f'gateway {{ name: one, listen: "127.0.0.1:{ports["gateway"]}" }}',
            "accounts { SYS { users = [{ user: a, password: b }] } }",
            "system_account: SYS",
        )
    )
    with nats_server(program=program, config=config) as nats:
        assert_up(await probe({"kind": "nats", "address": nats.address}))
        for name, port in ports.items():
            outcome = await probe({"kind": "nats", "address": f"127.0.0.1:{port}"})
            assert_failed(outcome, Reason.PROTOCOL_ERROR)
            assert f"the {name} port" in outcome.detail


@pytest.mark.servers("nats-server")
async def test_a_frozen_server_and_a_stopped_one() -> None:
    with nats_server() as nats:
        nats.pause()
        outcome = await probe_in_time({"kind": "nats", "address": nats.address})
        assert_failed(outcome, Reason.RESPONSE_TIMEOUT)
        assert outcome.phase is Phase.RESPONSE
        nats.stop()
        assert_failed(await probe({"kind": "nats", "address": nats.address}), Reason.CONNECT_REFUSED)
        nats.start()
        assert_up(await probe({"kind": "nats", "address": nats.address}))


async def test_nobody_listens() -> None:
    with refusing() as address:
        assert_failed(await probe({"kind": "nats", "address": address}), Reason.CONNECT_REFUSED)
    with unaccepting() as address:
        assert_failed(await probe_in_time({"kind": "nats", "address": address}), Reason.CONNECT_TIMEOUT)


# --- scripted servers


@pytest.mark.parametrize(
    ("script", "reason", "words"),
    [
        (closing, Reason.CONNECTION_CLOSED, "closed the connection without a further word"),
        (resetting, Reason.CONNECTION_RESET, ""),
        (saying(b"INFO {"), Reason.CONNECTION_CLOSED, "in the middle of a line"),
        (saying(b"220 mail.example.com ESMTP\r\n"), Reason.PROTOCOL_ERROR, '"220 mail.example.com ESMTP'),
        (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.PROTOCOL_ERROR, "not a NATS server"),
        (saying(b"\x16\x03\x01\x00\xff"), Reason.PROTOCOL_ERROR, "\\x16"),
        (saying(b"INFO []\r\n"), Reason.PROTOCOL_ERROR, "not a JSON object"),
        (saying(b"INFO not-json\r\n"), Reason.PROTOCOL_ERROR, "not a JSON object"),
        (saying(b"INFO " + b"[" * 60000 + b"\r\n"), Reason.PROTOCOL_ERROR, "not a JSON object"),
        (saying(b"INFO " + b"1" * 60000 + b"\r\n"), Reason.PROTOCOL_ERROR, "not a JSON object"),
        (saying(b'INFO {"client_id":1,"ldm":true}\r\n'), Reason.SHUTTING_DOWN, "lame duck"),
        (saying(INFO + b"-ERR 'maximum connections exceeded'\r\n"), Reason.DEGRADED, "maximum connections"),
        (saying(b"-ERR 'Connection throttling is active.'\r\n"), Reason.RATE_LIMITED, "throttling"),
        (saying(b"-ERR 'Something \x1b[31m new'\r\n"), Reason.PROTOCOL_ERROR, "\\x1b[31m"),
    ],
)
async def test_what_a_server_says_first(script: Script, reason: Reason, words: str) -> None:
    async with serving(script) as server:
        outcome = await probe({"kind": "nats", "address": server.address})
    assert_failed(outcome, reason)
    assert words in outcome.detail
    assert len(outcome.detail) < 400
    assert outcome.detail.isprintable()


def _after_connect(*answers: bytes) -> Script:
    """A server that sends INFO, reads CONNECT and PING, and goes on with `answers`, reading after each."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(INFO)
        connect = await reader.readline()
        options = json.loads(connect.removeprefix(b"CONNECT "))
        assert options["auth_token"] == TOKEN
        assert options["name"] == "reachd"
        assert await reader.readline() == b"PING\r\n"
        for answer in answers:
            writer.write(answer)
            if answer == b"PING\r\n":
                assert await reader.readline() == b"PONG\r\n"

    return script


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([b"PONG\r\n"], None),
        ([b"+OK\r\n", b"PING\r\n", INFO, b"PONG\r\n"], None),
        ([b"-ERR 'Authorization Violation'\r\n"], Reason.AUTH_REJECTED),
        ([b"-ERR 'Authentication Timeout'\r\n"], Reason.AUTH_REJECTED),
        ([b"-ERR 'User Authentication Expired'\r\n"], Reason.AUTH_REJECTED),
        ([b"-ERR 'maximum account active connections exceeded'\r\n"], Reason.DEGRADED),
        ([b"-ERR 'Unknown Protocol Operation'\r\n"], Reason.PROTOCOL_ERROR),
        ([b'INFO {"client_id":1,"ldm":true}\r\n', b"PONG\r\n"], Reason.SHUTTING_DOWN),
        ([b"HELLO\r\n"], Reason.PROTOCOL_ERROR),
        ([b"+OK\r\n" * 1000], Reason.PROTOCOL_ERROR),
        ([], Reason.CONNECTION_CLOSED),
    ],
)
async def test_what_a_server_says_after_connect(answers: list[bytes], reason: Reason | None) -> None:
    async with serving(_after_connect(*answers)) as server:
        outcome = await probe({"kind": "nats", "address": server.address, "token": TOKEN})
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
        assert outcome.phase is Phase.RESPONSE


@pytest.mark.parametrize(
    ("info", "words", "reason"),
    [
        (INFO, [b"-ERR 'maximum connections exceeded'\r\n"], Reason.DEGRADED),
        (INFO, [b"-E", b"RR 'maximum connections exceeded'\r\n"], Reason.DEGRADED),
        (INFO_OF_TLS, [b"-ERR 'maximum connections exceeded'\r\n"], Reason.DEGRADED),
        (INFO, [], Reason.CONNECTION_CLOSED),
    ],
)
async def test_a_server_that_refuses_a_moment_after_its_info(info: bytes, words: list[bytes], reason: Reason) -> None:
    async def refuse(reader: StreamReader, writer: StreamWriter) -> None:
        for segment in (info, *words):
            writer.write(segment)
            await sleep(0.02)

    async with serving(refuse) as server:
        outcome = await probe({"kind": "nats", "address": server.address})
    assert_failed(outcome, reason)
    assert outcome.phase is Phase.RESPONSE


async def test_the_moment_for_a_refusal_is_nobodys_latency() -> None:
    async with serving(saying(INFO, stay=True)) as server:
        outcome = await probe({"kind": "nats", "address": server.address})
    assert_up(outcome)
    assert 0 < outcome.waited <= outcome.phase_seconds()[Phase.RESPONSE]


async def test_words_before_tls_are_not_trusted(tmp_path: Path) -> None:
    async with serving(saying(INFO_OF_TLS + b"PONG\r\n")) as server:
        outcome = await probe({"kind": "nats", "address": server.address, "token": TOKEN})
    assert_failed(outcome, Reason.PROTOCOL_ERROR)

    async def leave(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(INFO_OF_TLS)
        await reader.read(1)

    async with serving(leave) as server:
        outcome = await probe({"kind": "nats", "address": server.address, "token": TOKEN})
    assert_failed(outcome, Reason.TLS_PROTOCOL_ERROR)
    async with serving(saying(INFO_OF_TLS, stay=True)) as server:
        assert_failed(await probe_in_time({"kind": "nats", "address": server.address}), Reason.TLS_TIMEOUT)


@pytest.mark.parametrize(
    "script", [silent, dripping(b"x", first=b"INFO "), answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")]
)
async def test_a_slow_server_meets_the_deadline(script: Script) -> None:
    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "nats", "address": server.address})
    assert_failed(outcome, Reason.RESPONSE_TIMEOUT)


async def test_an_endless_line_is_cut_off() -> None:
    async with serving(endless(b"x", first=b"INFO ")) as server:
        with little_memory():
            outcome = await probe({"kind": "nats", "address": server.address})
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


# --- files and settings


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("token_file", None, "cannot read the file"),
        ("nkey_file", "not a seed", "no nkey seed"),
        ("nkey_file", "SUAAAA", "damaged"),
        ("credentials_file", "not credentials", "no NATS user JWT"),
        ("credentials_file", "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n", "no nkey seed"),
    ],
)
async def test_a_file_that_cannot_be_used_is_the_agents_fault(
    key: str, text: str | None, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if text is not None:
        file.write_text(text)
    async with serving(_after_connect()) as server:
        outcome = await probe({"kind": "nats", "address": server.address, key: str(file)})
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert outcome.verdict is Verdict.UNKNOWN
    assert words in outcome.detail
    assert str(file) in outcome.detail


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"token_file": "t", "nkey_file": "n"}, "token_file and nkey_file exclude each other"),
        ({"username": "u"}, "exactly one of password_file and password"),
        ({"password_file": "p"}, "a user needs username"),
        ({"token": "in the open"}, "must not be written"),
    ],
)
def test_wrong_settings_are_told(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NatsSettings.model_validate({"address": "broker.example.com:4222", **keys})


def _tls(
    folder: Path,
    *,
    verify: bool = False,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    **options: object,
) -> str:
    """A server's block `tls`; `options` are more of it, as its configuration writes them."""
    certificate = authority().issue_cert("localhost", "127.0.0.1", not_before=not_before, not_after=not_after)
    certificate.private_key_pem.write_to_path(str(folder / "server.key"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "server.crt"))
    block = f'cert_file: "{folder}/server.crt", key_file: "{folder}/server.key"'
    if verify:
        block += f', ca_file: "{ca_file(folder)}", verify: true'
    block += "".join(f", {key}: {value}" for key, value in options.items())
    return f"tls {{ {block} }}"


@contextmanager
def _client(port: int) -> Iterator[None]:
    """A client that stays connected; tries again while the server still counts one that has just left."""
    clients: list[socket.socket] = []

    def connected() -> bool:
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        clients.append(client)
        received = b""
        with suppress(ConnectionError):
            client.sendall(b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n')
            while b"PONG" not in received and (data := client.recv(4096)):
                received += data
        return b"PONG" in received

    try:
        wait_until(connected, 5, "a client connects")
        yield
    finally:
        for client in clients:
            client.close()


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def test_an_empty_token_file_is_the_agents_fault(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    async with serving(saying(INFO, stay=True)) as server:
        outcome = await probe({"kind": "nats", "address": server.address, "token_file": str(file)})
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, Reason.PERMISSION_DENIED)
    assert outcome.detail == f"the file {file} is empty"
