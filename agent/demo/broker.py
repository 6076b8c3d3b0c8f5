"""Meshery Broker with its two clients, Meshery Server and MeshSync."""

from asyncio import timeout as deadline
from pathlib import Path
from shutil import which
from typing import Protocol

import nats
from nats.aio.client import Client

from agent.demo.nats_process import NatsProcess
from agent.demo.nats_stand_in import NatsStandIn
from agent.probes._endpoint import Endpoint

CLIENTS = ("meshery-server", "meshsync")
_CONNECT_SECONDS = 5.0


class _NatsServer(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Broker:
    """The real nats-server where PATH has it, else the stand-in."""

    def __init__(self, folder: Path, clients: Endpoint, monitor: Endpoint, token: str) -> None:
        program = which("nats-server")
        self.place = clients
        self.monitor = monitor
        self.is_real = program is not None
        self._token = token
        self._server: _NatsServer = (
            NatsProcess(program, folder, clients, monitor, token) if program else NatsStandIn(clients, monitor, token)
        )
        self._running = False
        self._absent: set[str] = set()
        self._connections: dict[str, Client] = {}

    @property
    def connected(self) -> frozenset[str]:
        """The names of the clients that are connected."""
        return frozenset(self._connections)

    @property
    def running(self) -> bool:
        """Whether it takes clients."""
        return self._running

    async def start(self) -> None:
        """Starts it, and connects its clients. Raises OSError."""
        if not self._running:
            await self._server.start()
            self._running = True
        await self._connect_clients()

    async def stop(self) -> None:
        """Ends it; its clients lose it."""
        self._running = False
        for name in list(self._connections):
            await self._disconnect(name)
        await self._server.stop()

    async def keep_away(self, client: str, away: bool) -> None:
        """Takes a client off, or brings it back as soon as the Broker runs."""
        if away:
            self._absent.add(client)
            await self._disconnect(client)
        else:
            self._absent.discard(client)
            await self._connect_clients()

    async def _connect_clients(self) -> None:
        for name in CLIENTS:
            if self._running and name not in self._absent and name not in self._connections:
                async with deadline(_CONNECT_SECONDS):
                    self._connections[name] = await nats.connect(
                        f"nats://{self.place}", name=name, token=self._token, allow_reconnect=False, error_cb=_ignore
                    )

    async def _disconnect(self, name: str) -> None:
        connection = self._connections.pop(name, None)
        if connection is not None:
            await connection.close()


async def _ignore(_: Exception) -> None:
    # The Broker goes away when it is told to; nats-py would log that.
    pass
