"""The agent's listener: starts, stops within a second, and carries the application."""

import asyncio
import os
import ssl

from aiohttp import web

from agent.probes._address import host_and_port
from agent.settings.model import Web
from agent.web import api, demo, endpoints, page
from agent.web.access import Access, add_headers, guarded
from agent.web.certificate import ListenerCertificate
from agent.web.connection import IDLE_TIMEOUT, MOST_CONNECTIONS, Connection, Refusal
from agent.web.parts import Parts
from agent.web.turns import Turns

_CLOSE_WITHIN = 0.4
"""Seconds that requests under way get, twice: to end, and to take notice that they must."""
_HANDSHAKE_TIMEOUT = 10.0
_LARGEST_REQUEST = 64 * 1024


class ListenError(Exception):
    """The address cannot be listened on."""


def create_app(parts: Parts, settings: Web) -> web.Application:
    """The application with all endpoints."""
    app = web.Application(middlewares=[guarded(Access(settings.basic_auth))], client_max_size=_LARGEST_REQUEST)
    app.on_response_prepare.append(add_headers)
    turns = Turns()
    endpoints.add_routes(app, parts)
    api.add_routes(app, parts, turns)
    page.add_routes(app, parts, turns)
    if parts.demo_controls is not None:
        demo.add_routes(app, parts.demo_controls)
    return app


class WebServer:
    """Listens on one address from `start` to `close`."""

    def __init__(self, parts: Parts, settings: Web) -> None:
        self._tls = settings.tls
        self._runner = web.AppRunner(
            create_app(parts, settings), handler_cancellation=True, shutdown_timeout=_CLOSE_WITHIN
        )
        self._listener: asyncio.Server | None = None
        self._certificate_watch: asyncio.Task[None] | None = None
        self.address = ""
        """The URL of the page, once started."""

    async def start(self, host: str, port: int) -> None:
        """Begins to listen; port 0 takes a free one. Raises ListenError when the address cannot be had."""
        context = self._use_certificate()
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                self._connection,
                host or None,
                port,
                ssl=context,
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT if context else None,
                reuse_address=True,
            )
        except OSError as error:
            await self.close()
            # asyncio puts a sentence of its own into strerror, but leaves the system's number; resolvers have none.
            words = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise ListenError(f"cannot listen on {host_and_port(host, port)}: {words}") from error
        bound = self._listener.sockets[0].getsockname()[1]
        self.address = f"{'https' if context else 'http'}://{host_and_port(host, bound)}"

    async def close(self) -> None:
        """Stops listening, ends streams, and cuts off what has not ended within a second."""
        if self._certificate_watch is not None:
            self._certificate_watch.cancel()
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    def _connection(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None  # noqa: S101 - the runner is set up before anything listens
        if len(server.connections) >= MOST_CONNECTIONS:
            return Refusal()
        return Connection(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # turns it off, which the types leave out
            keepalive_timeout=IDLE_TIMEOUT,
            lingering_time=1.0,
        )

    def _use_certificate(self) -> ssl.SSLContext | None:
        if self._tls is None:
            return None
        certificate = ListenerCertificate(self._tls)
        try:
            certificate.load()
        except OSError as error:
            files = f"{self._tls.cert_file} and {self._tls.key_file}"
            raise ListenError(f"cannot use the certificate in {files}: {error.strerror or error}") from error
        self._certificate_watch = asyncio.create_task(certificate.reload_when_changed(), name="certificate watch")
        return certificate.context
