"""A relay between an agent and its API server that can do what networks do: cut, swallow, refuse."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Passage:
    """One connection through the gate. What comes while it is `dead` vanishes; the connection stays open."""

    relaying: asyncio.Task[None]
    left: int | None = None
    """Bytes that the agent may still get before the connection is cut; None for all."""
    dead: bool = False

    async def to_server(self, agent: socket.socket, server: socket.socket) -> None:
        """Relays until the agent closes the connection."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(agent, 64 * 1024):
            if not self.dead:
                await loop.sock_sendall(server, data)

    async def to_agent(self, server: socket.socket, agent: socket.socket) -> None:
        """Relays until the server closes the connection, which must not be seen through a dead one, or it is cut."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(server, 64 * 1024):
            if self.dead:
                continue
            await loop.sock_sendall(agent, data[: self.left])
            if self.left is not None:
                self.left -= len(data)
                if self.left <= 0:
                    return
        if self.dead:
            await asyncio.Event().wait()


@dataclass(eq=False)
class Gate:
    """Listens on `port` of loopback and relays to the API server, TLS and all."""

    port: int
    _server_port: int
    _shut: bool = False
    _swallowing: bool = False
    _passages: set[_Passage] = field(default_factory=set)
    _agents: list[socket.socket] = field(default_factory=list)

    @property
    def connections(self) -> int:
        """How many there are, dead ones included."""
        return len(self._passages)

    def close(self) -> None:
        """Cuts all connections, and new ones at once."""
        self._shut = True
        self.cut()

    def open(self) -> None:
        """Relays again what comes anew."""
        self._shut = self._swallowing = False

    def cut(self) -> None:
        """Cuts all connections there are."""
        for passage in self._passages:
            passage.relaying.cancel()

    def cut_after(self, received: int) -> None:
        """Cuts each connection there is once the agent has received so many bytes more over it."""
        for passage in self._passages:
            passage.left = received

    def swallow(self, *, new: bool) -> None:
        """From now on nothing comes through the connections there are, nor through `new` ones; none is closed."""
        self._swallowing = new
        for passage in self._passages:
            passage.dead = True

    async def serve(self, listener: socket.socket) -> None:
        """Relays all connections, until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as relays:
                await self._accept(listener, relays)
        finally:
            for agent in self._agents:
                agent.close()

    async def _accept(self, listener: socket.socket, relays: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            agent, _ = await loop.sock_accept(listener)
            self._agents.append(agent)
            if self._shut:
                agent.close()
            else:
                relays.create_task(self._relay(agent))

    async def _relay(self, agent: socket.socket) -> None:
        relaying = asyncio.current_task()
        assert relaying is not None
        passage = _Passage(relaying, dead=self._swallowing)
        self._passages.add(passage)
        try:
            with agent, socket.socket() as server, suppress(OSError):
                server.setblocking(False)
                await asyncio.get_running_loop().sock_connect(server, ("127.0.0.1", self._server_port))
                ways = passage.to_server(agent, server), passage.to_agent(server, agent)
                await _first(*[asyncio.create_task(way) for way in ways])
        finally:
            self._passages.discard(passage)


async def _first(*tasks: asyncio.Task[None]) -> None:
    """Waits until one of the tasks has ended, and ends the others. What they raise is of no interest."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def gate(server_port: int) -> AsyncIterator[Gate]:
    """A gate before the server on `server_port` of loopback; it is open."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        listener.setblocking(False)
        relay = Gate(listener.getsockname()[1], server_port)
        serving = asyncio.create_task(relay.serve(listener))
        try:
            yield relay
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
