"""A scrape: the format and coding that the reader takes, and the text, in slices so that probes keep their time."""

import zlib
from asyncio import Lock, sleep
from collections.abc import AsyncGenerator, Callable, Iterator
from itertools import chain
from time import perf_counter

from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.store import Store
from agent.metrics.text import Format

_LONGEST_TURN = 0.001
"""Seconds of work after which other tasks get their turn."""
_CHUNK = 64 * 1024
"""Bytes that are handed on at once, at least."""
_MOST_SCRAPES = 8
_GZIP = 31
"""zlib's window bits for a gzip stream with the largest window."""


Texts = Callable[[Format], Iterator[str]]
"""What else there is to export: whole families one after the other, in pieces that are quick to make."""


class TooManyScrapesError(Exception):
    """As many scrapes as are allowed are in progress."""


class Exposition:
    """Renders all series. However many scrapes there are, only one of them works in any turn of the event loop."""

    def __init__(self, store: Store, agent: AgentMetrics, others: Texts = lambda _: iter(())) -> None:
        """`others`: families besides those of the checks and of the agent itself; none of them may be one of those."""
        self._store = store
        self._agent = agent
        self._others = others
        self._turn = Lock()
        self._in_progress = 0

    def render(self, accept: str, accept_encoding: str) -> tuple[dict[str, str], AsyncGenerator[bytes, None]]:
        """The headers and the body for a scrape with these request headers.

        Raises TooManyScrapesError when eight scrapes are in progress, which a reader that takes its time prolongs.
        """
        if self._in_progress >= _MOST_SCRAPES:
            raise TooManyScrapesError(f"{_MOST_SCRAPES} scrapes are in progress already")
        form = negotiate_format(accept)
        compressed = accepts_gzip(accept_encoding)
        headers = {"Content-Type": form.value, "Vary": "Accept, Accept-Encoding"}
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return headers, self._body(form, compressed)

    async def _body(self, form: Format, compressed: bool) -> AsyncGenerator[bytes, None]:
        self._in_progress += 1
        spent = 0.0
        chunks = self._chunks(form, compressed)
        try:
            chunk: bytes | None = b""
            while chunk is not None:
                async with self._turn:
                    began = perf_counter()
                    chunk = _next_chunk(chunks, began + _LONGEST_TURN)
                    spent += perf_counter() - began
                    await sleep(0)
                if chunk:
                    yield chunk
        finally:
            self._in_progress -= 1
        self._agent.exposition(spent)

    def _chunks(self, form: Format, compressed: bool) -> Iterator[bytes]:
        """The body; an empty chunk where there is not enough yet to hand on."""
        compressor = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, _GZIP) if compressed else None
        ready = bytearray()
        for text in self._texts(form):
            ready += compressor.compress(text) if compressor else text
            if len(ready) >= _CHUNK:
                yield bytes(ready)
                ready.clear()
            else:
                yield b""
        if compressor:
            ready += compressor.flush()
        yield bytes(ready)

    def _texts(self, form: Format) -> Iterator[bytes]:
        for text in chain(self._store.texts(form), self._others(form)):
            yield text.encode()
        yield self._agent.text(form)


def _next_chunk(chunks: Iterator[bytes], deadline: float) -> bytes | None:
    """The next chunk that is not empty; empty when the time is over before, None at the end."""
    for chunk in chunks:
        if chunk or perf_counter() >= deadline:
            return chunk
    return None


def negotiate_format(accept: str) -> Format:
    """OpenMetrics where the reader prefers it over plain text, in a version that we write."""
    text = openmetrics = 0.0
    for media_type, parameters, quality in _preferences(accept):
        if media_type == "application/openmetrics-text":
            if parameters.get("version", "1.0.0") in ("1.0.0", "0.0.1"):
                openmetrics = max(openmetrics, quality)
        elif media_type in ("text/plain", "text/*", "*/*"):
            text = max(text, quality)
    return Format.OPENMETRICS if openmetrics > 0 and openmetrics >= text else Format.TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the reader takes gzip."""
    qualities = {coding: quality for coding, _, quality in _preferences(accept_encoding)}
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _preferences(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """The values of an Accept header: name, parameters and quality, 0 where that cannot be read (RFC 9110, 12.4.2)."""
    for value in header.lower().split(","):
        name, *raw = [part.strip() for part in value.split(";")]
        parameters = {key.strip(): given.strip(' "') for key, _, given in [part.partition("=") for part in raw]}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        yield name, parameters, quality
