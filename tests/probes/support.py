"""What the tests of probes share: a run through the contract, and loopback servers that behave as scripted.

A server's script is a coroutine of a reader and a writer. Servers take a free port, count their connections, and are
gone with their tasks at the end of their `async with`.
"""

from __future__ import annotations

import ssl
from asyncio import (
    CancelledError,
    Event,
    IncompleteReadError,
    StreamReader,
    StreamWriter,
    Task,
    current_task,
    gather,
    sleep,
    start_server,
)
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from socket import AF_INET, AF_INET6, SO_LINGER, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, socket
from struct import pack

import trustme

from agent.core.measures import Metric
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from agent.probes import settings_of
from agent.probes._door import run_probe
from agent.probes._network import Network

_TURNS_TO_ACCEPT = 5
"""Turns of the event loop after which a connection that was made has met its script."""

Script = Callable[[StreamReader, StreamWriter], Awaitable[None]]


async def probe(settings: Mapping[str, object], *, timeout: float = 5.0, network: Network | None = None) -> Outcome:
    """Runs a probe once, as the engine does: `settings` is what a configuration says under `probe`."""
    model = settings_of(str(settings["kind"])).model_validate(settings)
    return await run_probe(model.probe(network or Network()), timeout)


def assert_up(outcome: Outcome) -> None:
    """The run found its target up; its phases add up."""
    assert (outcome.verdict, outcome.reason) == (Verdict.UP, None), outcome
    assert_phases_add_up(outcome)


def assert_failed(outcome: Outcome, reason: Reason) -> None:
    """The run failed for `reason`, with a sentence for people."""
    assert outcome.reason is reason, outcome
    assert outcome.verdict is not Verdict.UP
    assert outcome.phase is not None
    assert outcome.detail
    assert_phases_add_up(outcome)


def assert_phases_add_up(outcome: Outcome) -> None:
    """The phases of the run sum up to its duration."""
    total = sum(outcome.phase_seconds().values())
    assert abs(total - outcome.duration) < 1e-9, outcome


def measured(outcome: Outcome, metric: Metric) -> float:
    """The value that the run measured for `metric`, which it must have measured."""
    value = outcome.value(metric.name)
    assert value is not None, f"{metric.name} was not measured"
    return value


@dataclass
class Server:
    """A scripted server: where it listens, and how many connections it has taken."""

    host: str
    port: int
    connections: int = 0
    tasks: set[Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        """`host:port`, an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@asynccontextmanager
async def serving(
    script: Script, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    """A TCP or TLS server that plays `script` for every connection and closes it at the script's end."""
    running = Server(host, port)

    async def play(reader: StreamReader, writer: StreamWriter) -> None:
        task: Task[None] | None = current_task()
        assert task is not None
        running.connections += 1
        running.tasks.add(task)
        try:
            await script(reader, writer)
            await _end_in_order(reader, writer)
        except (OSError, IncompleteReadError, CancelledError):  # the probe has left, or the test is over
            writer.transport.abort()
        finally:
            running.tasks.discard(task)

    server = await start_server(play, host, port, ssl=tls, backlog=1024)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        for _ in range(_TURNS_TO_ACCEPT):
            await sleep(0)
        server.close()
        tasks = list(running.tasks)
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)


async def _end_in_order(reader: StreamReader, writer: StreamWriter) -> None:
    # A close with bytes still unread would send a reset instead.
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()
        while await reader.read(65536):
            pass
    writer.close()


async def silent(reader: StreamReader, writer: StreamWriter) -> None:
    """Script: takes the connection, reads, and never says a word."""
    while await reader.read(65536):
        pass
    await Event().wait()


async def closing(reader: StreamReader, writer: StreamWriter) -> None:
    """Script: closes the connection at once."""


async def resetting(reader: StreamReader, writer: StreamWriter) -> None:
    """Script: resets the connection at once."""
    reset(writer)


def reset(writer: StreamWriter) -> None:
    """Ends a connection with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()


def saying(data: bytes, *, stay: bool = False) -> Script:
    """Script: sends `data` without being asked, then closes, or goes silent with `stay`."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if stay:
            await silent(reader, writer)

    return script


def answering(data: bytes, *, stay: bool = False) -> Script:
    """Script: sends `data` to whatever comes first, then closes, or goes silent with `stay`."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(65536)
        writer.write(data)
        await writer.drain()
        if stay:
            await silent(reader, writer)

    return script


def answering_then_resetting(data: bytes) -> Script:
    """Script: sends `data` to whatever comes first, then resets the connection."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(65536)
        writer.write(data)
        await writer.drain()
        reset(writer)

    return script


def dripping(data: bytes, every: float = 0.02, *, first: bytes = b"") -> Script:
    """Script: sends `first`, then `data` over and over, one byte every `every` seconds."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(first)
        while True:
            for byte in data:
                writer.write(bytes((byte,)))
                await writer.drain()
                await sleep(every)

    return script


def endless(data: bytes, *, first: bytes = b"") -> Script:
    """Script: sends `first`, then `data` over and over, as fast as it is taken."""
    chunk = data * (65536 // len(data) or 1)

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(chunk)
            await writer.drain()

    return script


@contextmanager
def refusing(host: str = "127.0.0.1") -> Iterator[str]:
    """An address at which nothing listens, kept from others meanwhile."""
    with socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM) as bound:
        bound.bind((host, 0))
        yield Server(host, bound.getsockname()[1]).address


@contextmanager
def unaccepting() -> Iterator[str]:
    """An address whose queue of connections is full, so that the kernel drops further SYNs, as a firewall does."""
    fillers: list[socket] = []
    with socket(AF_INET, SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        try:
            for _ in range(4):
                filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
                fillers.append(filler)
                with suppress(BlockingIOError):
                    filler.connect(address)
            yield f"{address[0]}:{address[1]}"
        finally:
            for filler in fillers:
                filler.close()


@cache
def authority() -> trustme.CA:
    """The certificate authority of the tests."""
    return trustme.CA()


def ca_file(folder: Path) -> str:
    """The authority's certificate as a file in `folder`, for `tls: {ca_file: ...}`."""
    path = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def server_context(*names: str) -> ssl.SSLContext:
    """A TLS server with a certificate of the authority for `names`; default: localhost and both loopback addresses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*(names or ("localhost", "127.0.0.1", "::1"))).configure_cert(context)
    return context
