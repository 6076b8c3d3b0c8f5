"""A relay between an agent and its API server that can do what networks do: cut, swallow, refuse."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Passage:
    """One connection through the gate. What comes while it is `dead` vanishes; the connection stays open."""

    agent: StreamWriter
    server: StreamWriter
    left: float = float("inf")
    """Bytes that the agent may still get before the connection is cut."""
    dead: bool = False

    def cut(self) -> None:
        self.agent.transport.abort()
        self.server.transport.abort()


@dataclass(eq=False)
class Gate:
    """Listens on `port` of loopback and relays to the API server, TLS and all."""

    server_port: int
    port: int = 0
    closed: bool = False
    """New connections are cut at once."""
    swallowing: bool = False
    """New connections are dead from their beginning."""
    relayed: int = 0
    """Connections of the agent that are being served."""
    _passages: set[_Passage] = field(default_factory=set)

    @property
    def connections(self) -> int:
        """How many there are, dead ones included."""
        return len(self._passages)

    def close(self) -> None:
        """Cuts all connections, and new ones."""
        self.closed = True
        self.cut()

    def open(self) -> None:
        """Relays again what comes anew."""
        self.closed = self.swallowing = False

    def cut(self) -> None:
        """Cuts all connections there are."""
        for passage in list(self._passages):
            passage.cut()

    def cut_after(self, received: int) -> None:
        """Cuts each connection there is once the agent has received so many bytes more over it."""
        for passage in self._passages:
            passage.left = received

    def swallow(self, *, new: bool) -> None:
        """From now on nothing comes through the connections there are, nor through `new` ones; none is closed."""
        self.swallowing = new
        for passage in self._passages:
            passage.dead = True

    async def relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serves one connection of the agent."""
        self.relayed += 1
        try:
            await self._relay(reader, writer)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)  # in which the event loop closes the socket
            self.relayed -= 1

    async def _relay(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            return
        passage = _Passage(writer, server_writer, dead=self.swallowing)
        if self.closed:
            passage.cut()
            return
        self._passages.add(passage)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(passage, reader, server_writer, to_agent=False))
                both.create_task(_pump(passage, server_reader, writer, to_agent=True))
        finally:
            passage.cut()
            self._passages.discard(passage)


async def _pump(passage: _Passage, reader: StreamReader, writer: StreamWriter, *, to_agent: bool) -> None:
    try:
        while data := await reader.read(64 * 1024):
            if passage.dead:
                continue
            if to_agent and passage.left < len(data):
                writer.write(data[: int(passage.left)])
                await writer.drain()
                await asyncio.sleep(0.05)  # an abort drops what has not left yet
                break
            if to_agent:
                passage.left -= len(data)
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    if not passage.dead:
        passage.cut()


@asynccontextmanager
async def gate(server_port: int) -> AsyncIterator[Gate]:
    """A gate before the server on `server_port` of loopback; it is open."""
    relay = Gate(server_port)
    server = await asyncio.start_server(relay.relay, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        relay.close()
        async with asyncio.timeout(10):
            while relay.relayed:
                await asyncio.sleep(0.01)
