"""The ingress: ends TLS and hands everything on to Meshery Server, well or badly."""

import re
from asyncio import StreamReader, StreamWriter, open_connection
from pathlib import Path

from agent.demo.certificates import server_context
from agent.demo.listening import TcpPart, copy, relay
from agent.probes._endpoint import Endpoint

_END_OF_HEAD = b"\r\n\r\n"
_CHUNK = 65536
_BUFFER = 1024 * 1024
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HOP_BY_HOP = re.compile(rb"^(?:connection|upgrade):.*\r\n", re.IGNORECASE | re.MULTILINE)
_WEBSOCKET = re.compile(rb"^upgrade: *websocket", re.IGNORECASE | re.MULTILINE)


class Ingress:
    """A reverse proxy with TLS for HTTP, WebSocket and server-sent events."""

    def __init__(self, place: Endpoint, server: Endpoint, certificate: Path) -> None:
        self.place = place
        self.url = f"https://{place}"
        self.drops_upgrades = False
        """Hands on no Upgrade, as a proxy does that was never told to."""
        self.buffers = False
        """Keeps an answer until it has ended, or is large."""
        self._server = server
        self._tls = server_context(certificate)
        self._part = TcpPart(place, self._serve, self._tls)
        self.start = self._part.start
        self.stop = self._part.stop

    def show(self, certificate: Path) -> None:
        """Presents this certificate from now on."""
        self._tls.load_cert_chain(certificate)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(_END_OF_HEAD)
        try:
            upstream = await open_connection(*self._server)
        except OSError:
            writer.write(_BAD_GATEWAY)
            await writer.drain()
            return
        upgrade = _WEBSOCKET.search(head) is not None and not self.drops_upgrades
        try:
            upstream[1].write(_handed_on(head, upgrade))
            await relay((reader, writer), upstream, _buffered if self.buffers and not upgrade else copy)
        finally:
            upstream[1].transport.abort()


def _handed_on(head: bytes, upgrade: bool) -> bytes:
    request_line, _, headers = head.partition(b"\r\n")
    hop = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" if upgrade else b"Connection: close\r\n"
    return request_line + b"\r\nX-Forwarded-Proto: https\r\n" + hop + _HOP_BY_HOP.sub(b"", headers)


async def _buffered(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(await reader.readuntil(_END_OF_HEAD))
    kept = b""
    while data := await reader.read(_CHUNK):
        kept += data
        if len(kept) > _BUFFER:
            writer.write(kept)
            await writer.drain()
            kept = b""
    writer.write(kept)
    await writer.drain()
