"""A scripted web server: pages by path, over kept connections."""

import json
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping

from tests.probes.support import Script

Page = tuple[int, bytes]
"""Status and body."""


def page(document: object, status: int = 200) -> Page:
    """A page with a JSON document."""
    return status, json.dumps(document).encode()


def serving_pages(
    pages: Mapping[str, Page], *, seen: list[str] | None = None, headers: list[str] | None = None, keep: bool = True
) -> Script:
    """Script: answers requests by their path and query, or by their path alone, and 404 to all others.

    seen, headers: take the request targets, and the lines of all headers. keep: the connection stays open; else the
    server closes it after each answer.
    """

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        while request := await reader.readline():
            target = request.split(b" ")[1].decode()
            if seen is not None:
                seen.append(target)
            while (line := await reader.readline()) not in (b"\r\n", b""):
                if headers is not None:
                    headers.append(line.decode().strip())
            status, body = pages.get(target) or pages.get(target.partition("?")[0]) or (404, b"404 page not found\n")
            close = b"" if keep else b"Connection: close\r\n"
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), close, body))
            await writer.drain()
            if not keep:
                return

    return script
