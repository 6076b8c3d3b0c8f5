"""The websocket probe against aiohttp, nginx as ingress, and scripted servers."""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.core.outcome import Verdict
from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure
from agent.probes import settings_of
from agent.probes._frames import MAX_MESSAGE, Message, MessageReader, Opcode, apply_mask, client_frame
from agent.probes._http import STATUS_CODE
from agent.probes._network import Network
from agent.probes._proxy import Proxies, Proxy
from agent.probes._tls import CERTIFICATE_EXPIRY
from agent.probes._upgrade import accept_of
from agent.probes.websocket import PONG
from tests.probes.bounds import enough_for, little_memory, probe_in_time
from tests.probes.support import (
    Script,
    answering,
    assert_failed,
    assert_up,
    ca_file,
    closing,
    dripping,
    measured,
    probe,
    refusing,
    reset,
    resetting,
    server_context,
    serving,
    silent,
)
from tests.servers.run import nginx, tinyproxy

TOKEN = "s3cret-of-the-test"


@pytest.fixture
def auth(tmp_path: Path) -> dict[str, object]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    return {"authorization": {"credentials_file": str(token)}}


# Real servers


class WebSocketServer:
    """aiohttp with a WebSocket at every path; remembers requests and how each WebSocket was closed."""

    def __init__(self, *subprotocols: str, keep_alive: float = 0.0) -> None:
        self.subprotocols = subprotocols
        self.keep_alive = keep_alive
        self.requests: list[web.Request] = []
        self.closes: asyncio.Queue[int | None] = asyncio.Queue()
        self.messages: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/query"

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        self.requests.append(request)
        socket = web.WebSocketResponse(protocols=self.subprotocols, heartbeat=self.keep_alive or None)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.messages.append(message.data)
                await self.answer(socket, json.loads(message.data))
        self.closes.put_nowait(socket.close_code)
        return socket

    async def answer(self, socket: web.WebSocketResponse, message: dict[str, object]) -> None:
        if message["type"] == "connection_init":
            await socket.send_json({"type": "connection_ack"})
            await socket.send_json({"type": "ka" if socket.ws_protocol == "graphql-ws" else "ping"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[WebSocketServer]:
        application = web.Application()
        application.router.add_get("/{path:.*}", self.handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await runner.cleanup()


async def test_upgrade_ping_and_a_clean_close() -> None:
    async with WebSocketServer().running() as server:
        outcome = await probe({"kind": "websocket", "url": server.url, "headers": {"X-Test": "1"}})
        assert_up(outcome)
        assert 0 < measured(outcome, PONG) < 1
        assert measured(outcome, STATUS_CODE) == 101
        async with asyncio.timeout(30):
            assert await server.closes.get() == 1000
        assert server.requests[0].headers["X-Test"] == "1"
        assert server.requests[0].headers["Sec-WebSocket-Version"] == "13"
        assert_up(await probe({"kind": "websocket", "url": server.url, "ping": False}))
        keys = {request.headers["Sec-WebSocket-Key"] for request in server.requests}
        assert len(keys) == 2


@pytest.mark.parametrize("subprotocol", ["graphql-transport-ws", "graphql-ws"])
async def test_graphql_begins_in_both_subprotocols(subprotocol: str) -> None:
    async with WebSocketServer("graphql-transport-ws", "graphql-ws").running() as server:
        url = server.url.replace("ws://", "http://")
        outcome = await probe({"kind": "websocket", "url": url, "subprotocol": subprotocol})
        assert_up(outcome)
        async with asyncio.timeout(30):
            assert await server.closes.get() == 1000
    kinds = [json.loads(message)["type"] for message in server.messages]
    assert kinds == (["connection_init", "pong"] if subprotocol == "graphql-transport-ws" else ["connection_init"])


async def test_a_subprotocol_the_server_does_not_speak() -> None:
    async with WebSocketServer("graphql-ws").running() as server:
        outcome = await probe({"kind": "websocket", "url": server.url, "subprotocol": "graphql-transport-ws"})
    assert_failed(outcome, Reason.SUBPROTOCOL_REFUSED)
    assert outcome.detail == 'the subprotocol is none, not "graphql-transport-ws"'


async def test_a_silent_hold() -> None:
    async with WebSocketServer().running() as server:
        outcome = await probe({"kind": "websocket", "url": server.url, "hold": "200ms"})
    assert_up(outcome)
    assert outcome.detail == "held for 0.2 s"
    assert outcome.duration >= 0.2
    assert 0.19 < outcome.waited <= outcome.duration


async def test_keep_alives_during_a_hold_are_answered_and_told() -> None:
    async with WebSocketServer(keep_alive=0.1).running() as server:
        outcome = await probe({"kind": "websocket", "url": server.url, "hold": "450ms"})
    assert_up(outcome)
    assert outcome.detail.startswith("held for 0.45 s; the server sent ")
    assert outcome.detail.endswith(" messages meanwhile, so the connection was not idle")


async def test_a_hold_longer_than_the_timeout_is_no_verdict() -> None:
    outcome = await probe({"kind": "websocket", "url": "ws://127.0.0.1:1/", "hold": "70s"})
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert outcome.detail == "a hold of 70 s does not fit into the check's timeout"
    assert outcome.advice


async def test_a_hold_for_which_the_upgrade_leaves_no_time_is_no_verdict() -> None:
    async def late(reader: StreamReader, writer: StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await scripted(pongs)(reader, writer)

    async with serving(late) as server:
        settings = {"kind": "websocket", "url": f"ws://{server.address}/", "hold": "300ms"}
        outcome = await probe(settings, timeout=0.45)
        assert_up(await probe(settings, timeout=2))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert "does not fit" in outcome.detail
    assert outcome.duration < 0.3, "nothing is waited for in vain"


async def test_over_tls(tmp_path: Path) -> None:
    async with serving(scripted(pongs), tls=server_context()) as server:
        settings = {"kind": "websocket", "url": f"wss://{server.address}/", "tls": {"ca_file": ca_file(tmp_path)}}
        outcome = await probe(settings)
        assert_up(outcome)
        assert measured(outcome, CERTIFICATE_EXPIRY) > 0
        assert_failed(await probe({**settings, "tls": None}), Reason.TLS_UNTRUSTED)


# nginx as ingress

UPGRADING = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
)


def ingress(upstream: str, directives: str) -> str:
    return f"server {{ listen 127.0.0.1:PORT; location / {{ proxy_pass http://{upstream}; {directives} }} }}"


@pytest.mark.servers("nginx")
async def test_through_nginx() -> None:
    async with WebSocketServer("graphql-transport-ws").running() as server:
        upstream = f"127.0.0.1:{server.port}"
        with nginx(ingress(upstream, UPGRADING)) as proxy:
            settings = {
                "kind": "websocket",
                "url": f"ws://{proxy.address}/query",
                "subprotocol": "graphql-transport-ws",
            }
            assert_up(await probe(settings))


@pytest.mark.servers("nginx")
@pytest.mark.parametrize("directives", ["", "proxy_http_version 1.1;", 'proxy_set_header Connection "upgrade";'])
async def test_nginx_strips_the_upgrade(directives: str) -> None:
    async with WebSocketServer().running() as server:
        with nginx(ingress(f"127.0.0.1:{server.port}", directives)) as proxy:
            outcome = await probe({"kind": "websocket", "url": f"ws://{proxy.address}/query"})
    assert_failed(outcome, Reason.UPGRADE_STRIPPED)


@pytest.mark.servers("nginx")
async def test_nginx_cuts_an_idle_connection() -> None:
    async with WebSocketServer().running() as server:
        with nginx(ingress(f"127.0.0.1:{server.port}", f"{UPGRADING} proxy_read_timeout 300ms;")) as proxy:
            settings = {"kind": "websocket", "url": f"ws://{proxy.address}/query"}
            assert_up(await probe(settings))
            outcome = await probe({**settings, "hold": "2s"})
    assert_failed(outcome, Reason.IDLE_CUT)
    assert outcome.phase is Phase.TRANSFER
    assert outcome.detail.startswith("the connection was cut after 0.3 s of silence")


@pytest.mark.servers("nginx")
async def test_nginx_without_its_upstream() -> None:
    with refusing() as upstream, nginx(ingress(upstream, UPGRADING)) as proxy:
        outcome = await probe({"kind": "websocket", "url": f"ws://{proxy.address}/query"})
    assert_failed(outcome, Reason.SERVER_ERROR)


@pytest.mark.servers("tinyproxy")
async def test_through_a_forward_proxy_in_a_tunnel() -> None:
    """A name that only the proxy can reach: loopback itself is never reached through one."""
    async with WebSocketServer().running() as server:
        with tinyproxy("ConnectPort 1") as refuses:
            network = Network(proxies=Proxies(http=Proxy("127.0.0.1", refuses.port, "")))
            outcome = await probe(
                {"kind": "websocket", "url": f"ws://meshery.test:{server.port}/query"}, network=network
            )
            assert_failed(outcome, Reason.PROXY_REFUSED)
            assert "CONNECT meshery.test" in refuses.log()


async def test_through_a_tunnel() -> None:
    asked: list[bytes] = []

    async def proxy(reader: StreamReader, writer: StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await scripted(pongs)(reader, writer)

    async with serving(proxy) as server:
        network = Network(proxies=Proxies(http=Proxy("127.0.0.1", server.port, "")))
        assert_up(await probe({"kind": "websocket", "url": "ws://meshery.test/query"}, network=network))
    assert asked[0].startswith(b"CONNECT meshery.test:80 HTTP/1.1\r\n")


# Scripted servers

Talk = Callable[[StreamReader, StreamWriter], Awaitable[None]]


def server_frame(opcode: int, payload: bytes = b"", *, first: int = 0x80, mask: int = 0) -> bytes:
    """A frame as a server sends it: not masked."""
    size = len(payload)
    if size < 126:
        length = bytes((mask | size,))
    elif size < 2**16:
        length = bytes((mask | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((mask | 127,)) + size.to_bytes(8, "big")
    return bytes((first | opcode,)) + length + payload


def scripted(talk: Talk, headers: str = "", accept: str = "", status: str = "101 Switching Protocols") -> Script:
    """Script: answers the upgrade rightly, save what is given, then plays `talk`."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line for line in request.split("\r\n") if line.startswith("Sec-WebSocket-Key")).split(": ")[1]
        writer.write(
            f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{headers}"
            f"Sec-WebSocket-Accept: {accept or accept_of(key)}\r\n\r\n".encode()
        )
        await talk(reader, writer)

    return script


async def next_frame(reader: StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the probe's next frame, which must be masked."""
    first, second = await reader.readexactly(2)
    assert second & 0x80
    size = second & 0x7F
    mask = await reader.readexactly(4)
    return first & 0x0F, apply_mask(await reader.readexactly(size), mask)


async def pongs(reader: StreamReader, writer: StreamWriter) -> None:
    """Answers pings until the probe closes."""
    while True:
        opcode, payload = await next_frame(reader)
        if opcode == Opcode.CLOSE:
            return
        if opcode == Opcode.PING:
            writer.write(server_frame(Opcode.PONG, payload))


def pongs_once_then(talk: Talk) -> Talk:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        _, payload = await next_frame(reader)
        writer.write(server_frame(Opcode.PONG, payload))
        await talk(reader, writer)

    return script


def sends(data: bytes, then: Talk = silent) -> Talk:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(data)
        await then(reader, writer)

    return script


def close_frame(code: int, words: bytes = b"") -> bytes:
    return server_frame(Opcode.CLOSE, code.to_bytes(2, "big") + words)


def floods(data: bytes) -> Talk:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            writer.write(data * 1000)
            await writer.drain()

    return script


async def resets(reader: StreamReader, writer: StreamWriter) -> None:
    await writer.drain()
    reset(writer)


TRANSPORT = "graphql-transport-ws"
CHOSEN = f"Sec-WebSocket-Protocol: {TRANSPORT}\r\n"
GRAPHQL: dict[str, object] = {"subprotocol": TRANSPORT}
HOLD: dict[str, object] = {"hold": "150ms"}
OTHER_UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
ACK = server_frame(Opcode.TEXT, b'{"type":"connection_ack"}')


def graphql(talk: Talk) -> Script:
    return scripted(talk, CHOSEN)


# What the server does, the probe's keys, the reason (None: up) and how the detail begins
CONVERSATIONS: Sequence[tuple[Script, dict[str, object], Reason | None, str]] = (
    (scripted(pongs), {}, None, ""),
    (scripted(sends(b"", then=pongs)), {"ping": False}, None, ""),
    (scripted(sends(server_frame(1, b"news") + server_frame(10, b"other"), then=pongs)), {}, None, ""),
    (scripted(sends(server_frame(1, b"ne", first=0) + server_frame(0, b"ws"), then=pongs)), {}, None, ""),
    (scripted(silent), {}, Reason.PONG_TIMEOUT, "no answer came within 0.3 s"),
    (scripted(floods(server_frame(1, b"x"))), {}, Reason.PROTOCOL_ERROR, "the target floods us: over 1000 messages"),
    (scripted(dripping(server_frame(1, b"x"))), {}, Reason.PONG_TIMEOUT, "no answer came within 0.3 s"),
    (scripted(closing), {}, Reason.CONNECTION_CLOSED, "the WebSocket's connection was closed without a close frame"),
    (scripted(resets), {}, Reason.CONNECTION_RESET, ""),
    (scripted(sends(close_frame(1001))), {}, Reason.SHUTTING_DOWN, "the target closed the WebSocket: 1001"),
    (
        scripted(sends(close_frame(1012, b"bye"))),
        {},
        Reason.SHUTTING_DOWN,
        'the target closed the WebSocket: 1012 "bye"',
    ),
    (scripted(sends(close_frame(1011))), {}, Reason.SERVER_ERROR, "the target closed the WebSocket: 1011"),
    (scripted(sends(close_frame(1008))), {}, Reason.CONNECTION_CLOSED, "the target closed the WebSocket: 1008"),
    (scripted(sends(server_frame(8))), {}, Reason.CONNECTION_CLOSED, "the target closed the WebSocket: 1005"),
    (
        scripted(sends(server_frame(1, b"abcdxxxx", mask=0x80))),
        {},
        Reason.PROTOCOL_ERROR,
        "not a valid WebSocket: a fr",
    ),
    (scripted(sends(server_frame(3))), {}, Reason.PROTOCOL_ERROR, "not a valid WebSocket: a frame begins with 0x83"),
    (scripted(sends(server_frame(1, first=0xC0))), {}, Reason.PROTOCOL_ERROR, "not a valid WebSocket: a frame begins"),
    (scripted(sends(server_frame(9, first=0))), {}, Reason.PROTOCOL_ERROR, "not a valid WebSocket: a control frame"),
    (scripted(sends(server_frame(9, bytes(126)))), {}, Reason.PROTOCOL_ERROR, "not a valid WebSocket: a control frame"),
    (scripted(sends(server_frame(0, b"x"))), {}, Reason.PROTOCOL_ERROR, "not a valid WebSocket: a fragment"),
    (scripted(sends(b"\x81\x7f\x7f" + bytes(7))), {}, Reason.RESPONSE_TOO_LARGE, "the WebSocket's messages are longer"),
    (graphql(sends(b"\x81\x7f\x7f" + bytes(7))), GRAPHQL, Reason.RESPONSE_TOO_LARGE, "a WebSocket message is longer"),
    (scripted(floods(server_frame(0, bytes(1000), first=0))), {}, Reason.PROTOCOL_ERROR, "not a valid WebSocket"),
    (
        scripted(sends(server_frame(1, b"x", first=0), then=floods(server_frame(0, bytes(1000), first=0)))),
        {},
        Reason.RESPONSE_TOO_LARGE,
        "the WebSocket's messages are longer",
    ),
    (
        graphql(sends(server_frame(1, b"x", first=0), then=floods(server_frame(0, bytes(1000), first=0)))),
        GRAPHQL,
        Reason.RESPONSE_TOO_LARGE,
        "a WebSocket message is longer",
    ),
    # The hold
    (scripted(pongs_once_then(closing)), HOLD, Reason.IDLE_CUT, "the connection was cut after 0.0 s of silence"),
    (scripted(pongs_once_then(resets)), HOLD, Reason.IDLE_CUT, "the connection was cut after 0.0 s of silence"),
    (scripted(pongs_once_then(silent)), HOLD, Reason.IDLE_CUT, "no answer came within 0.3 s"),
    (
        scripted(pongs_once_then(sends(close_frame(1001)))),
        HOLD,
        Reason.SHUTTING_DOWN,
        "the target closed the WebSocket",
    ),
    (
        scripted(pongs_once_then(floods(server_frame(1)))),
        HOLD,
        Reason.PROTOCOL_ERROR,
        "the target floods us: over 101",
    ),
    (scripted(closing), {"ping": False, **HOLD}, Reason.IDLE_CUT, "the connection was cut"),
    # GraphQL
    (graphql(sends(ACK, then=pongs)), GRAPHQL, None, ""),
    (graphql(silent), GRAPHQL, Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
    (graphql(sends(server_frame(1, b"hello"))), GRAPHQL, Reason.PROTOCOL_ERROR, 'not a message of GraphQL: "hello"'),
    (graphql(sends(server_frame(2, b"{}"))), GRAPHQL, Reason.PROTOCOL_ERROR, 'not a message of GraphQL: "{}"'),
    (
        graphql(sends(server_frame(1, b'{"type":"connection_error"}'))),
        GRAPHQL,
        Reason.SUBPROTOCOL_REFUSED,
        'connection_init is answered "{\\"type\\":\\"connection_error\\"}"',
    ),
    # The answer to the upgrade
    (scripted(pongs, accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA="), {}, Reason.PROTOCOL_ERROR, "Sec-WebSocket-Accept is"),
    (scripted(pongs, "Sec-WebSocket-Extensions: x\r\n"), {}, Reason.PROTOCOL_ERROR, "extensions nobody asked for"),
    (scripted(pongs, CHOSEN), {}, Reason.SUBPROTOCOL_REFUSED, f'the subprotocol is "{TRANSPORT}", though none was'),
    (
        scripted(pongs, "Sec-WebSocket-Protocol: graphql-ws\r\n"),
        GRAPHQL,
        Reason.SUBPROTOCOL_REFUSED,
        "the subprotocol is",
    ),
    (answering(OTHER_UPGRADE), {}, Reason.PROTOCOL_ERROR, "the answer is 101, but not to a WebSocket"),
    (answering(b"HTTP/1.1 101 OK\r\n\r\n"), {}, Reason.PROTOCOL_ERROR, "the answer is"),
    (resetting, {}, Reason.CONNECTION_RESET, ""),
    (closing, {}, Reason.CONNECTION_CLOSED, "the target closed the connection without an answer"),
    (silent, {}, Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
    (answering(b"+OK\r\n", stay=True), {}, Reason.PROTOCOL_ERROR, "the answer is not HTTP"),
)


@pytest.mark.parametrize(("script", "keys", "reason", "detail"), CONVERSATIONS)
async def test_conversations(script: Script, keys: dict[str, object], reason: Reason | None, detail: str) -> None:
    async with serving(script) as server:
        settings = {"kind": "websocket", "url": f"ws://{server.address}/", **keys}
        outcome = await probe_in_time(settings, enough_for(reason, detail))
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert outcome.detail.startswith(detail)


def says(status: str, body: str = "", *headers: str) -> Script:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body)
    return answering("\r\n".join(lines).encode())


GQLGEN = (
    '{"errors":[{"message":"no operation provided","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}],"data":null}'
)

REFUSALS: Sequence[tuple[Script, Reason]] = (
    (says("422 Unprocessable Entity", GQLGEN), Reason.UPGRADE_STRIPPED),
    (says("400 Bad Request", GQLGEN), Reason.UPGRADE_STRIPPED),
    (says("200 OK", GQLGEN), Reason.UPGRADE_STRIPPED),
    (says("200 OK", "<!DOCTYPE html>", "Content-Type: text/html"), Reason.UPGRADE_STRIPPED),
    (says("400 Bad Request", "'upgrade' token not found in 'Connection' header"), Reason.UPGRADE_STRIPPED),
    (says("400 Bad Request", "Bad Request", "Sec-Websocket-Version: 13"), Reason.UPGRADE_STRIPPED),
    (says("426 Upgrade Required", "", "Upgrade: websocket", "Connection: Upgrade"), Reason.UPGRADE_STRIPPED),
    (says("400 Bad Request"), Reason.UPGRADE_REFUSED),
    (says("404 Not Found", "404 page not found"), Reason.UPGRADE_REFUSED),
    (says("405 Method Not Allowed"), Reason.UPGRADE_REFUSED),
    (says("422 Unprocessable Entity", "{}"), Reason.UPGRADE_REFUSED),
    (says("407 Proxy Authentication Required"), Reason.PROXY_REFUSED),
    (says("429 Too Many Requests"), Reason.RATE_LIMITED),
    (says("500 Internal Server Error"), Reason.SERVER_ERROR),
    (says("502 Bad Gateway"), Reason.SERVER_ERROR),
    (says("302 Found", "", "Location: /elsewhere"), Reason.REDIRECT_UNEXPECTED),
    (says("308 Permanent Redirect", "", "Location: https://x/"), Reason.REDIRECT_UNEXPECTED),
)


@pytest.mark.parametrize(("script", "reason"), REFUSALS)
async def test_answers_other_than_101(script: Script, reason: Reason) -> None:
    async with serving(script) as server:
        outcome = await probe({"kind": "websocket", "url": f"ws://{server.address}/"})
    assert_failed(outcome, reason)


SIGN_INS: Sequence[Script] = (
    says("302 Found", "", "Location: /provider?x=y"),
    says("303 See Other", "", "Location: https://cloud.example.com/login?source=x"),
    says("401 Unauthorized", "who are you"),
    says("403 Forbidden"),
    graphql(sends(close_frame(4401, b"Unauthorized"))),
    graphql(sends(close_frame(4403, b"Forbidden"))),
)


@pytest.mark.parametrize("script", SIGN_INS)
async def test_a_sign_in_is_no_verdict_without_credentials_and_a_failure_with_them(
    script: Script, auth: dict[str, object]
) -> None:
    async with serving(script) as server:
        settings = {
            "kind": "websocket",
            "url": f"ws://{server.address}/",
            "subprotocol": TRANSPORT,
            "expect": {"login_paths": ["/provider", "https://cloud.example.com/login"]},
        }
        anonymous = await probe(settings)
        known = await probe({**settings, "auth": auth})
    assert (anonymous.verdict, anonymous.reason) == (Verdict.UNKNOWN, None)
    assert anonymous.detail.startswith("it wants a sign-in")
    assert "session: {provider: ..., token_file: ...}" in anonymous.advice
    assert_failed(known, Reason.AUTH_REJECTED)
    assert TOKEN not in repr(known)


async def test_a_sign_in_is_told_as_the_server_named_it() -> None:
    """Resolved, the redirect of a WebSocket would lead to a page at ws://, which nothing opens."""
    async with serving(says("302 Found", "", "Location: /provider?x=ü")) as server:
        url = f"ws://{server.address}/"
        outcome = await probe({"kind": "websocket", "url": url, "expect": {"login_paths": ["/provider"]}})
    assert outcome.detail == 'it wants a sign-in before anything else: 302 to "/provider?x=ü"'


async def test_nothing_listens() -> None:
    with refusing() as address:
        assert_failed(await probe({"kind": "websocket", "url": f"ws://{address}/"}), Reason.CONNECT_REFUSED)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"url": "ftp://x/"}, "expected a URL that starts with ws://"),
        ({"url": "ws://x/", "subprotocol": "a, b"}, "expected one subprotocol"),
        ({"url": "ws://x/", "hold": "long"}, "expected a duration"),
    ],
)
def test_settings_that_are_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings_of("websocket").model_validate(keys)


# The codec


def test_the_accept_key_of_the_standard() -> None:
    """RFC 6455, section 1.3."""
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


LONG = bytes(MAX_MESSAGE + 1)


@pytest.mark.parametrize(
    "pushed",
    [
        server_frame(Opcode.TEXT, LONG),
        server_frame(Opcode.BINARY, LONG, first=0) + server_frame(0, LONG, first=0) + server_frame(0, b"end"),
        server_frame(Opcode.BINARY, LONG) * 20,
    ],
)
@pytest.mark.parametrize("keys", [{}, HOLD])
async def test_a_message_that_nobody_asked_for_may_be_long(pushed: bytes, keys: dict[str, object]) -> None:
    async with serving(scripted(sends(pushed, then=pongs))) as server:
        outcome = await probe({"kind": "websocket", "url": f"ws://{server.address}/", **keys})
    assert_up(outcome)


async def test_messages_that_nobody_asked_for_are_not_kept() -> None:
    endless_message = sends(server_frame(Opcode.BINARY, first=0), then=floods(server_frame(0, bytes(1000), first=0)))
    async with serving(scripted(endless_message)) as server:
        with little_memory():
            outcome = await probe({"kind": "websocket", "url": f"ws://{server.address}/"}, timeout=20)
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


@given(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=70_000))
def test_a_client_frame_is_what_aiohttp_would_read(opcode: Opcode, payload: bytes) -> None:
    frame = client_frame(opcode, payload)
    assert (frame[0], frame[1] & 0x80) == (0x80 | opcode, 0x80)
    head = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
    size = frame[1] & 0x7F if head == 2 else int.from_bytes(frame[2:head], "big")
    assert size == len(payload)
    assert apply_mask(frame[head + 4 :], frame[head : head + 4]) == payload


@given(
    st.lists(
        st.one_of(
            st.builds(Message, st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=300)),
            st.builds(Message, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
        ),
        max_size=8,
    ),
    st.integers(1, 50),
    st.integers(1, 100),
)
def test_messages_are_read_back_however_they_are_cut(messages: list[Message], chunk: int, fragment: int) -> None:
    stream = b""
    for message in messages:
        pieces = [message.payload]
        if message.opcode < Opcode.CLOSE:
            pieces = [message.payload[at : at + fragment] for at in range(0, len(message.payload), fragment)] or [b""]
        for index, piece in enumerate(pieces):
            final = 0x80 if index == len(pieces) - 1 else 0
            stream += server_frame(message.opcode if index == 0 else 0, piece, first=final)
    for reader in (MessageReader(), MessageReader(skipped=1_000_000)):
        read = []
        for at in range(0, len(stream), chunk):
            reader.feed(stream[at : at + chunk])
            while (found := reader.next()) is not None:
                read.append(found)
        if reader.skips:
            messages = [Message(opcode, payload * (opcode >= Opcode.CLOSE)) for opcode, payload in messages]
        assert read == messages


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_a_failure(data: bytes) -> None:
    reader = MessageReader(data)
    with suppress(ProbeFailure):
        while (message := reader.next()) is not None:
            assert len(message.payload) <= MAX_MESSAGE
