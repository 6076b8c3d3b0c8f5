"""The listener's bounds: callers who are slow, silent, broken, too many, or gone."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientError, ClientSession, ClientTimeout
from structlog.testing import capture_logs

from agent.core.reasons import Reason
from agent.settings.model import ListenerTls, Web
from agent.web.server import ListenError
from tests.web.support import Agent, Board, Faults, check, listening


def _port(agent: Agent) -> int:
    return int(agent.url.rpartition(":")[2])


async def _raw(agent: Agent, request: bytes) -> str:
    """What the listener answers to these bytes, until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", _port(agent))
    writer.write(request)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        (b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"DELETE /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", 405),
        (b"POST /-/reload HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 403),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n<script>: x\r\n\r\n", 400),
    ],
)
async def test_no_answer_names_a_program_and_its_version(request_line: bytes, status: int) -> None:
    agent = Agent(Board(check()))
    async with listening(agent):
        answer = await _raw(agent, request_line)
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith((f"HTTP/1.1 {status}", f"HTTP/1.0 {status}"))
    assert "Server: reachd\r\n" in f"{head}\r\n"
    assert "aiohttp" not in answer
    assert "Python" not in answer
    assert status != 400 or body == "this is no request that can be understood\n"


async def test_ipv6() -> None:
    agent = Agent(Board(check()))
    async with listening(agent, "::1") as session, session.post("/-/reload") as answer:
        assert agent.url.startswith("http://[::1]:")
        assert answer.status == 200


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("192.0.2.1", "cannot listen on 192.0.2.1:0: Cannot assign requested address"),
        ("2001:db8::1", "cannot listen on [2001:db8::1]:0: Cannot assign requested address"),
    ],
)
async def test_an_address_that_cannot_be_had_is_said_in_plain_words(host: str, problem: str) -> None:
    with pytest.raises(ListenError) as raised:
        await Agent(Board()).server.start(host, 0)
    assert str(raised.value).startswith(problem)
    assert "attempting" not in str(raised.value)


async def test_connections_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.server.MOST_CONNECTIONS", 3)
    agent = Agent(Board(check()))
    async with listening(agent):
        held = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", _port(agent))
            writer.write(b"GET /healthz/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            held.append(writer)
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(agent))
        async with asyncio.timeout(30):
            assert await _rest(reader) == b""
        writer.close()
        for one in held:
            one.close()
        async with asyncio.timeout(30), ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{agent.url}/healthz/live") as answer:
                        assert answer.status == 200
                        break
                except ClientError:
                    await asyncio.sleep(0.01)


async def test_streams_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.api._MOST_STREAMS", 2)
    async with listening(Agent(Board(check()))) as session:
        streams = [await session.get("/api/v1/events") for _ in range(2)]
        async with session.get("/api/v1/events") as answer:
            assert answer.status == 503
        streams.pop().close()
        async with asyncio.timeout(30):
            while (answer := await session.get("/api/v1/events")).status != 200:
                answer.close()
                await asyncio.sleep(0.01)
        answer.close()
        streams.pop().close()


async def test_a_silent_stream_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.api._HEARTBEAT", 0.02)
    board = Board(check("a"))
    async with listening(Agent(board)) as session, session.get("/api/v1/events") as answer, asyncio.timeout(30):
        lines = [await answer.content.readline() for _ in range(7)]
        assert lines[3:] == [b": alive\n", b"\n", b": alive\n", b"\n"]
        board.down("a", Reason.DNS_TIMEOUT)
        while await answer.content.readline() != b"event: state\n":
            pass


class EndlessAgent(Agent):
    """An agent whose metrics never end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ended = asyncio.Event()

    def _render(self, accept: str, accept_encoding: str) -> tuple[dict[str, str], AsyncGenerator[bytes, None]]:
        return {"Content-Type": "text/plain"}, self._endless()

    async def _endless(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            self.ended.set()


async def test_a_reader_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.answers._LONGEST_ANSWER", 0.2)
    agent = EndlessAgent(Board(check()))
    async with listening(agent):
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(agent), limit=1)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(30):
            await agent.ended.wait()
            assert not (await _rest(reader)).endswith(b"0\r\n\r\n")
        writer.close()


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes before the connection ends, one way or the other."""
    found = b""
    with suppress(ConnectionError):
        while chunk := await reader.read(1 << 20):
            found += chunk
    return found


async def test_closing_does_not_wait_for_a_reader_that_takes_nothing() -> None:
    agent = EndlessAgent(Board(check()))
    await agent.server.start("127.0.0.1", 0)
    agent.url = agent.server.address
    reader, writer = await asyncio.open_connection("127.0.0.1", _port(agent), limit=1)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await reader.readexactly(1)
    async with asyncio.timeout(30):
        await agent.server.close()
    assert agent.ended.is_set()
    writer.transport.abort()


class LeftAgent(EndlessAgent):
    """An agent whose reader leaves in the middle of the metrics, which the transport knows before the handler does."""

    async def _endless(self) -> AsyncGenerator[bytes, None]:
        yield b"half"
        assert self.server._runner.server is not None
        for connection in self.server._runner.server.connections:
            assert connection.transport is not None
            connection.transport.abort()
        yield b"the other half"


async def test_a_reader_that_leaves_early_is_no_fault_of_the_agent() -> None:
    agent = LeftAgent(Board(check()))
    with capture_logs() as logs:
        async with listening(agent), asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", _port(agent))
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            await _rest(reader)
            writer.close()
    assert logs == []


async def test_a_caller_who_hangs_up_does_not_stop_a_reload_half_way() -> None:
    begun, go_on, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reload() -> Sequence[str]:
        begun.set()
        await go_on.wait()
        finished.set()
        return ()

    agent = Agent(Board(check()), reload=reload)
    async with listening(agent):
        _, writer = await asyncio.open_connection("127.0.0.1", _port(agent))
        writer.write(b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
        async with asyncio.timeout(30):
            await begun.wait()
            writer.transport.abort()
            while agent.server._runner.server is not None and agent.server._runner.server.connections:
                await asyncio.sleep(0.01)
            go_on.set()
            await finished.wait()


async def test_a_form_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.demo._LONGEST_REQUEST", 0.05)
    agent = Agent(Board(check()), faults=Faults())
    async with listening(agent):
        head = b"POST /api/v1/demo/broker-down HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        answer = await _raw(agent, head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\non=")
    assert answer.startswith("HTTP/1.1 408")


async def test_without_a_request_a_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.server.IDLE_TIMEOUT", 0.2)
    agent = Agent(Board(check()))
    async with listening(agent):
        assert await _raw(agent, b"") == ""
        assert await _raw(agent, b"GET / HTTP/1.1\r\nHost: a\r\nX-Half") == ""


async def test_half_of_a_renewal_leaves_the_old_certificate_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that does not fit the key makes OpenSSL drop the key, unless it is tried elsewhere first."""
    monkeypatch.setattr("agent.web.certificate._LOOK_EVERY", 0.02)
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    cert_file, key_file = tmp_path / "tls.crt", tmp_path / "tls.key"
    first, second = authority.issue_cert("127.0.0.1"), authority.issue_cert("127.0.0.1")

    def write(certificate: trustme.LeafCert, key: trustme.LeafCert) -> None:
        certificate.cert_chain_pems[0].write_to_path(cert_file)
        key.private_key_pem.write_to_path(key_file)

    async def shown(agent: Agent) -> str:
        _, writer = await asyncio.open_connection("127.0.0.1", _port(agent), ssl=context)
        serial: str = writer.get_extra_info("peercert")["serialNumber"]
        writer.close()
        return serial

    await asyncio.to_thread(write, first, first)
    agent = Agent(Board(check()), settings=Web(tls=ListenerTls(cert_file=cert_file, key_file=key_file)))
    async with listening(agent):
        old = await shown(agent)
        await asyncio.to_thread(write, second, first)
        for _ in range(10):
            await asyncio.sleep(0.02)
            assert await shown(agent) == old
        await asyncio.to_thread(write, second, second)
        async with asyncio.timeout(30):
            while await shown(agent) == old:
                await asyncio.sleep(0.02)


async def test_a_page_in_the_making_lets_others_work() -> None:
    board = Board(*[check(f"check-{number}") for number in range(400)])
    for number in range(400):
        board.up(f"check-{number}")
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with listening(Agent(board)) as session:
        await (await session.get("/", timeout=ClientTimeout(10))).read()  # the first page is made with cold caches
        working = asyncio.create_task(work())
        for path in ("/", "/api/v1/checks"):
            turns = 0
            async with session.get(path) as answer:
                assert answer.status == 200
                assert await answer.read()
            assert turns > 10, turns
        working.cancel()


async def test_the_kernel_gives_up_a_reader_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.web.connection._UNREAD_TIMEOUT", 300)
    agent = EndlessAgent(Board(check()))
    async with listening(agent):
        _, writer = await asyncio.open_connection("127.0.0.1", _port(agent), limit=1)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(30):
            await agent.ended.wait()
        writer.transport.abort()
