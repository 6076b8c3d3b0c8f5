"""A small stand-in for nats-server: clients with a token may connect and be counted, and nothing is delivered."""

import json
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from itertools import count

from aiohttp import web

from agent.demo.listening import HttpPart, TcpPart
from agent.probes._endpoint import Endpoint

_VERSION = "2.14.2"
_MAX_PAYLOAD = 1024 * 1024
_VIOLATION = b"-ERR 'Authorization Violation'\r\n"


@dataclass(frozen=True, slots=True)
class _Client:
    """A client that has signed in."""

    cid: int
    name: str
    since: datetime


class NatsStandIn:
    """Speaks enough of the client protocol and of the monitoring endpoint for those who ask whether a Broker is up."""

    def __init__(self, clients: Endpoint, monitor: Endpoint, token: str) -> None:
        self._place = clients
        self._token = token
        self._clients: dict[int, _Client] = {}
        self._cids = count(1)
        self._started = datetime.now(UTC)
        self._client_part = TcpPart(clients, self._serve)
        self._monitor_part = HttpPart(monitor, self._handle)

    async def start(self) -> None:
        """Takes clients. Raises OSError when a port is taken."""
        self._started = datetime.now(UTC)
        self._cids = count(1)
        await self._client_part.start()
        await self._monitor_part.start()

    async def stop(self) -> None:
        """Ends all connections."""
        await self._client_part.stop()
        await self._monitor_part.stop()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        cid = next(self._cids)
        info = {
            **self._identity(),
            "proto": 1,
            "host": self._place.host,
            "port": self._place.port,
            "headers": True,
            "auth_required": True,
            "max_payload": _MAX_PAYLOAD,
            "client_id": cid,
        }
        writer.write(f"INFO {json.dumps(info)}\r\n".encode())
        try:
            while line := await reader.readline():
                verb, _, arguments = line.strip().partition(b" ")
                if verb == b"CONNECT" and (name := self._name_of(arguments)) is not None:
                    self._clients[cid] = _Client(cid, name, datetime.now(UTC))
                elif verb == b"PING" and cid in self._clients:
                    writer.write(b"PONG\r\n")
                elif cid not in self._clients:
                    writer.write(_VIOLATION)
                    return
                await writer.drain()
        finally:
            self._clients.pop(cid, None)

    def _name_of(self, arguments: bytes) -> str | None:
        """The name of a client whose token is right."""
        try:
            options = json.loads(arguments)
        except ValueError:
            return None
        if not isinstance(options, dict):
            return None
        token = str(options.get("auth_token", ""))
        return str(options.get("name", "")) if compare_digest(token.encode(), self._token.encode()) else None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.json_response({"status": "ok"})
        if request.path == "/varz":
            return web.json_response(self._varz())
        if request.path == "/connz":
            return web.json_response(self._connz())
        if request.path == "/jsz":
            return web.json_response({**self._identity(), "disabled": True})
        return web.Response(status=404)

    def _identity(self) -> dict[str, object]:
        return {"server_id": "REACHDDEMO", "server_name": "reachd-demo-stand-in", "version": _VERSION}

    def _varz(self) -> dict[str, object]:
        counters = ("in_msgs", "out_msgs", "in_bytes", "out_bytes", "slow_consumers", "stale_connections")
        return {
            **self._identity(),
            "start": self._started.isoformat(),
            "now": datetime.now(UTC).isoformat(),
            "config_load_time": self._started.isoformat(),
            "connections": len(self._clients),
            "max_connections": 65536,
            "max_payload": _MAX_PAYLOAD,
            "subscriptions": 0,
            "auth_required": True,
            **dict.fromkeys(counters, 0),
        }

    def _connz(self) -> dict[str, object]:
        connections = [
            {
                "cid": client.cid,
                "kind": "Client",
                "name": client.name,
                "start": client.since.isoformat(),
                "pending_bytes": 0,
                "subscriptions": 0,
            }
            for client in self._clients.values()
        ]
        total = len(connections)
        return {
            **self._identity(),
            "num_connections": total,
            "total": total,
            "offset": 0,
            "limit": 1024,
            "connections": connections,
        }
