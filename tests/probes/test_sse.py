"""The sse probe against aiohttp, nginx as ingress, and scripted servers."""

from __future__ import annotations

import gzip
import zlib
from asyncio import StreamReader, StreamWriter, sleep
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.core.outcome import Verdict
from agent.core.reasons import Phase, Reason
from agent.probes import settings_of
from agent.probes._event_stream import MAX_EVENT, EventStream
from agent.probes._http import STATUS_CODE
from agent.probes._tls import CERTIFICATE_EXPIRY
from tests.probes.bounds import enough_for, probe_in_time
from tests.probes.support import (
    Script,
    answering,
    answering_then_resetting,
    assert_failed,
    assert_up,
    ca_file,
    closing,
    endless,
    measured,
    probe,
    refusing,
    resetting,
    server_context,
    serving,
    silent,
)
from tests.servers.run import nginx

TOKEN = "s3cret-of-the-test"


@pytest.fixture
def auth(tmp_path: Path) -> dict[str, object]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    return {"authorization": {"credentials_file": str(token)}}


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PROVIDER = b'event: provider\ndata: {"key":"Meshery"}\n\n'


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def streaming(*pieces: bytes, head: bytes = CHUNKED) -> Script:
    """Script: the head of a stream at once, its pieces as chunks, then silence."""
    return answering(head + b"".join(map(chunk, pieces)), stay=True)


def says(status: str, *headers: str, body: str = "") -> Script:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", body)
    return answering("\r\n".join(lines).encode())


def compressed(coding: str, body: bytes) -> Script:
    return streaming(body, head=HEAD + f"Content-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())


def flushed_gzip(text: bytes) -> bytes:
    """A gzip stream that goes on, as of a proxy that flushes."""
    packer = zlib.compressobj(wbits=31)
    return packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)


NAMED: dict[str, object] = {"expect": {"event": "provider"}}
HTML = "Content-Type: text/html"
STREAM = "Content-Type: text/event-stream; charset=utf-8"

# What the server does, the probe's keys, the reason (None: up) and how the detail begins
CASES: Sequence[tuple[Script, dict[str, object], Reason | None, str]] = (
    (streaming(PROVIDER), {}, None, ""),
    (streaming(b": keepalive\n\n"), {}, None, ""),
    (streaming(b"data: x\r\n\r\n"), {}, None, ""),
    (streaming(PROVIDER), NAMED, None, ""),
    (streaming(b": hello\n\n", b"data: 1\n\n", PROVIDER[:9], PROVIDER[9:]), NAMED, None, ""),
    (answering(HEAD + b"\r\n" + PROVIDER, stay=True), {}, None, ""),
    (says("200 OK", STREAM, body="data: only\n\n"), {}, None, ""),
    (
        compressed("gzip", flushed_gzip(PROVIDER)),
        {},
        None,
        'the stream is compressed ("gzip"), which may hold events back',
    ),
    (compressed("gzip", gzip.compress(PROVIDER)), {}, None, 'the stream is compressed ("gzip")'),
    (compressed("deflate", zlib.compress(PROVIDER)), {}, None, 'the stream is compressed ("deflate")'),
    (streaming(), {}, Reason.STREAM_BUFFERED, "no event came within 0.3 s"),
    (streaming(), NAMED, Reason.STREAM_BUFFERED, "no event came within 0.3 s"),
    (
        compressed("gzip", flushed_gzip(b"")),
        {},
        Reason.STREAM_BUFFERED,
        'the stream is compressed ("gzip"), which may hold events back; no event came within 0.3 s',
    ),
    (streaming(b"data: half"), {}, Reason.RESPONSE_TIMEOUT, "no whole event came within 0.3 s"),
    (
        streaming(b": hello\n\n", PROVIDER[:15]),
        NAMED,
        Reason.RESPONSE_TIMEOUT,
        'no event named "provider" came within 0.3 s',
    ),
    (
        streaming(b"data: 1\n\n", b"event: provider\n\n"),
        NAMED,
        Reason.RESPONSE_TIMEOUT,
        '1 event came, none named "provider" within 0.3 s',
    ),
    (
        compressed("gzip", flushed_gzip(b"event: other\ndata: x\n\n" * 12)),
        NAMED,
        Reason.RESPONSE_TIMEOUT,
        'the stream is compressed ("gzip"), which may hold events back; 12 events came, none named "provider" within',
    ),
    (silent, {}, Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
    (answering(HEAD, stay=True), {}, Reason.RESPONSE_TIMEOUT, "the answer did not end within 0.3 s"),
    (endless(chunk(b"data: 1\n\n"), first=CHUNKED), NAMED, Reason.RESPONSE_TOO_LARGE, "no wanted event in the first"),
    (endless(chunk(b"x" * 8192), first=CHUNKED), {}, Reason.RESPONSE_TOO_LARGE, "a line of the stream is longer"),
    (compressed("gzip", gzip.compress(b"x" * 10**7)), {}, Reason.RESPONSE_TOO_LARGE, "a piece of the stream unpacks"),
    (
        compressed("gzip", gzip.compress(b"") + PROVIDER),
        {},
        Reason.PROTOCOL_ERROR,
        "the stream goes on after the end of its content coding",
    ),
    (compressed("gzip", PROVIDER), {}, Reason.PROTOCOL_ERROR, "the stream is not in its content coding"),
    (compressed("br", PROVIDER), {}, Reason.PROTOCOL_ERROR, 'the stream has the content coding "br"'),
    (answering(b"+OK\r\n", stay=True), {}, Reason.PROTOCOL_ERROR, "the answer is not HTTP"),
    (answering(CHUNKED + b"zz\r\n", stay=True), {}, Reason.PROTOCOL_ERROR, "the answer breaks the rules of HTTP (Inv"),
    (answering(HEAD + b"\r\n"), {}, Reason.CONNECTION_CLOSED, "the stream ended without an event"),
    (
        answering(CHUNKED + b"0\r\n\r\n"),
        NAMED,
        Reason.CONNECTION_CLOSED,
        'the stream ended without the event "provider"',
    ),
    (answering(CHUNKED), {}, Reason.CONNECTION_CLOSED, "the target closed the connection in the middle"),
    (closing, {}, Reason.CONNECTION_CLOSED, "the target closed the connection without an answer"),
    (resetting, {}, Reason.CONNECTION_RESET, ""),
    (answering_then_resetting(CHUNKED), {}, Reason.CONNECTION_RESET, ""),
    (
        says("200 OK", HTML, body="<html>"),
        {},
        Reason.HEADER_MISMATCH,
        'the content type is "text/html", not te',
    ),
    (says("204 No Content"), {}, Reason.HEADER_MISMATCH, 'the content type is "", not text/event-stream'),
    (says("404 Not Found", HTML, body="gone"), {}, Reason.STATUS_UNEXPECTED, 'the answer is 404: "gone"'),
    (says("429 Too Many Requests"), {}, Reason.RATE_LIMITED, "the answer is 429"),
    (says("502 Bad Gateway"), {}, Reason.SERVER_ERROR, "the answer is 502"),
    (says("599 Odd"), {}, Reason.SERVER_ERROR, "the answer is 599"),
    (says("999 Odd"), {}, Reason.STATUS_UNEXPECTED, "the answer is 999"),
    (says("302 Found", "Location: /x"), {}, Reason.REDIRECT_UNEXPECTED, 'the answer is 302 to "/x"'),
)


@pytest.mark.parametrize(("script", "keys", "reason", "detail"), CASES)
async def test_cases(script: Script, keys: dict[str, object], reason: Reason | None, detail: str) -> None:
    async with serving(script) as server:
        settings = {"kind": "sse", "url": f"http://{server.address}/stream", **keys}
        outcome = await probe_in_time(settings, enough_for(reason, detail))
    if reason is None:
        assert_up(outcome)
        assert measured(outcome, STATUS_CODE) == 200
    else:
        assert_failed(outcome, reason)
    assert outcome.detail.startswith(detail)
    assert outcome.detail.endswith(detail) or not detail.endswith(" 1 s")


async def test_a_buffered_stream_fails_in_its_transfer() -> None:
    async with serving(streaming()) as server:
        outcome = await probe({"kind": "sse", "url": f"http://{server.address}/"}, timeout=0.2)
    assert_failed(outcome, Reason.STREAM_BUFFERED)
    assert outcome.phase is Phase.TRANSFER


async def test_the_request_asks_for_a_stream(auth: dict[str, object]) -> None:
    asked: list[bytes] = []

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(CHUNKED + chunk(PROVIDER))

    async with serving(script) as server:
        url = f"http://{server.address}/api/providers/stream?x=1"
        outcome = await probe({"kind": "sse", "url": url, "headers": {"X-Test": "1"}, "auth": auth})
    assert_up(outcome)
    request = asked[0].decode()
    assert request.startswith("GET /api/providers/stream?x=1 HTTP/1.1\r\n")
    assert "Accept: text/event-stream\r\n" in request
    assert "X-Test: 1\r\n" in request
    assert f"Authorization: Bearer {TOKEN}\r\n" in request
    assert TOKEN not in repr(outcome)


async def test_over_tls(tmp_path: Path) -> None:
    async with serving(streaming(PROVIDER), tls=server_context()) as server:
        settings = {"kind": "sse", "url": f"https://{server.address}/", "tls": {"ca_file": ca_file(tmp_path)}}
        outcome = await probe(settings)
        assert_up(outcome)
        assert measured(outcome, CERTIFICATE_EXPIRY) > 0
        assert_failed(await probe({**settings, "tls": None}), Reason.TLS_UNTRUSTED)


@pytest.mark.parametrize(
    "script", [says("302 Found", "Location: /provider"), says("401 Unauthorized"), says("403 Forbidden", body="no")]
)
async def test_a_sign_in_is_no_verdict_without_credentials_and_a_failure_with_them(
    script: Script, auth: dict[str, object]
) -> None:
    async with serving(script) as server:
        settings = {"kind": "sse", "url": f"http://{server.address}/", "expect": {"login_paths": ["/provider"]}}
        anonymous = await probe(settings)
        known = await probe({**settings, "auth": auth})
    assert (anonymous.verdict, anonymous.reason) == (Verdict.UNKNOWN, None)
    assert anonymous.advice
    assert_failed(known, Reason.AUTH_REJECTED)


async def test_nothing_listens() -> None:
    with refusing() as address:
        assert_failed(await probe({"kind": "sse", "url": f"http://{address}/"}), Reason.CONNECT_REFUSED)


def test_a_websocket_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected a URL that starts with http://"):
        settings_of("sse").model_validate({"url": "ws://x/"})


# nginx as ingress


def ingress(upstream: str, directives: str) -> str:
    return f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ proxy_pass http://{upstream}; proxy_http_version 1.1; {directives} }}
        }}
    """


def late(head: bytes) -> Script:
    """Script: a head, and the first event a moment later, as of a server that has to look something up."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await writer.drain()
        await sleep(0.1)
        writer.write(chunk(PROVIDER))
        await silent(reader, writer)

    return script


COMPRESSING = "gzip on; gzip_types text/event-stream;"
PLAIN, UNBUFFERED = b"", b"X-Accel-Buffering: no\r\n"

# nginx's directives, what the server asks of it, and what becomes of the stream; seen with nginx 1.22
INGRESSES: Sequence[tuple[str, bytes, Reason | None]] = (
    ("", PLAIN, None),
    ("proxy_buffering off;", PLAIN, None),
    (COMPRESSING, UNBUFFERED, None),
    (COMPRESSING, PLAIN, Reason.RESPONSE_TIMEOUT),  # it holds back the head as well
    (f"{COMPRESSING} postpone_output 0;", PLAIN, Reason.STREAM_BUFFERED),
)


@pytest.mark.servers("nginx")
@pytest.mark.parametrize(("directives", "asking", "reason"), INGRESSES)
async def test_through_nginx(directives: str, asking: bytes, reason: Reason | None) -> None:
    async with serving(late(HEAD + asking + b"Transfer-Encoding: chunked\r\n\r\n")) as server:
        with nginx(ingress(server.address, directives)) as proxy:
            outcome = await probe({"kind": "sse", "url": f"http://{proxy.address}/"}, timeout=0.6)
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)


# The format


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data\n\n", ["message"]),
        (b"data: a\ndata: b\n\n", ["message"]),
        (b"event: x\ndata: a\n\nevent: y\ndata\n\n", ["x", "y"]),
        (b"event: x\n\ndata: a\n\n", ["", "message"]),
        (b"event:x\rdata\r\r", ["x"]),
        (b"event: x\r\ndata: a\r\n\r\n", ["x"]),
        (b"\xef\xbb\xbfevent: x\ndata: a\n\n", ["x"]),
        (b": ping\n", [""]),
        (b"retry: 3000\n\n", [""]),
        (b"id: 1\nevent: x\nunknown: y\ndata: a\n", []),
    ],
)
def test_events_of_a_stream(stream: bytes, events: list[str]) -> None:
    assert EventStream().feed(stream) == events


NAMES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(NAMES.filter(lambda name: not name.startswith(" "))), st.sampled_from(["\n", "\r", "\r\n"]), st.data())
def test_events_are_read_however_they_are_cut(names: list[str], end: str, data: st.DataObject) -> None:
    stream = "".join(f"event: {name}{end}data: x{end}{end}" for name in names).encode()
    events, read = EventStream(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        read += events.feed(stream[:size])
        stream = stream[size:]
    assert read == names


@given(st.binary(max_size=300))
def test_any_bytes_are_a_stream(stream: bytes) -> None:
    assert all(len(name) <= MAX_EVENT for name in EventStream().feed(stream))


def test_a_line_that_comes_byte_by_byte_costs_no_more_with_every_byte() -> None:
    stream, begin = EventStream(), perf_counter()
    for _ in range(MAX_EVENT):
        stream.feed(b"x")
    assert perf_counter() - begin < 2  # 10 s where each byte searches the line so far
