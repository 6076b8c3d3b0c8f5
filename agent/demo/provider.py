"""The Remote Provider, and the firewall on the way to it."""

from collections.abc import Mapping
from contextlib import suppress
from socket import AF_INET, SO_REUSEADDR, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, socket
from ssl import SSLContext

from aiohttp import web

from agent.demo.listening import HttpPart
from agent.probes._endpoint import Endpoint

PROPERTIES: Mapping[str, object] = {
    "providerType": "remote",
    "providerName": "Meshery",
    "packageVersion": "v0.8.100",
    "packageUrl": "",
    "capabilities": [{"feature": "sync-prefs", "endpoint": "/user/preferences"}],
    "extensions": {},
}


class Provider:
    """A Remote Provider behind TLS."""

    def __init__(self, place: Endpoint, tls: SSLContext) -> None:
        self._part = HttpPart(place, self._handle, tls)
        self._firewall = PacketDrop(place)
        self.place = place
        self.url = self._part.url
        self.start = self._part.start

    async def stop(self) -> None:
        """Takes it away, whatever stands in front of it."""
        self._firewall.stop()
        await self._part.stop()

    async def drop_packets(self, on: bool) -> None:
        """Lets packets to it vanish, or arrive again."""
        await self.stop()
        if on:
            self._firewall.start()
        else:
            await self._part.start()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in ("/", "/login"):
            return web.Response(text="<!doctype html><title>Meshery Cloud</title>", content_type="text/html")
        if request.path.endswith("/capabilities"):
            return web.json_response(PROPERTIES)
        return web.Response(status=404)


class PacketDrop:
    """A listener whose queue of connections is full: the kernel drops further SYNs, as a firewall does."""

    def __init__(self, place: Endpoint) -> None:
        self._place = place
        self._sockets: list[socket] = []

    def start(self) -> None:
        """Drops what comes from now on. Raises OSError when the place is taken."""
        listener = socket(AF_INET, SOCK_STREAM)
        self._sockets.append(listener)
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind(self._place)
        listener.listen(0)
        for _ in range(4):
            filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK)
            self._sockets.append(filler)
            with suppress(BlockingIOError):
                filler.connect(self._place)

    def stop(self) -> None:
        """Lets the place go."""
        while self._sockets:
            self._sockets.pop().close()
