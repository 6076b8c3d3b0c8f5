"""The agent's listener: starts, stops within a second, and carries the application."""

import asyncio
import socket
import ssl
from pathlib import Path

from aiohttp import web

from agent.settings.model import ListenerTls, Web
from agent.web import api, endpoints, page
from agent.web.access import Access, add_security_headers, guarded
from agent.web.parts import Parts

_CLOSE_WITHIN = 1.0
_LOOK_AT_CERTIFICATE_EVERY = 10.0
_MAX_REQUEST = 64 * 1024


class ListenError(Exception):
    """The address cannot be listened on."""


def create_app(parts: Parts, settings: Web) -> web.Application:
    """The application with all endpoints."""
    access = Access(settings.basic_auth)
    app = web.Application(middlewares=[guarded(access)], client_max_size=_MAX_REQUEST)
    app.on_response_prepare.append(add_security_headers)
    endpoints.add_routes(app, parts)
    api.add_routes(app, parts)
    page.add_routes(app, parts)
    return app


class WebServer:
    """Listens on one address from `start` to `close`."""

    def __init__(self, parts: Parts, settings: Web) -> None:
        self._settings = settings
        self._runner = web.AppRunner(
            create_app(parts, settings), access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_WITHIN
        )
        self._certificate_watch: asyncio.Task[None] | None = None
        self.address = ""
        """The URL of the page, once started."""

    async def start(self, host: str, port: int) -> None:
        """Begins to listen; port 0 takes a free one. Raises ListenError when the address cannot be had."""
        context = self._tls_context() if self._settings.tls else None
        await self._runner.setup()
        site = web.TCPSite(self._runner, host or None, port, ssl_context=context, reuse_address=True)
        try:
            await site.start()
        except (OSError, socket.gaierror) as error:
            await self._runner.cleanup()
            raise ListenError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
        bound = self._runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{'https' if context else 'http'}://{shown}:{bound}"
        if context is not None and self._settings.tls is not None:
            watch = _reload_certificate(context, self._settings.tls)
            self._certificate_watch = asyncio.create_task(watch, name="certificate watch")

    async def close(self) -> None:
        """Stops listening; requests under way get a second to end."""
        if self._certificate_watch is not None:
            self._certificate_watch.cancel()
        await self._runner.cleanup()

    def _tls_context(self) -> ssl.SSLContext:
        tls = self._settings.tls
        assert tls is not None  # noqa: S101 - for the type checker
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(str(tls.cert_file), str(tls.key_file))
        except OSError as error:
            files = f"{tls.cert_file} and {tls.key_file}"
            raise ListenError(f"cannot use the certificate in {files}: {error.strerror or error}") from error
        return context


async def _reload_certificate(context: ssl.SSLContext, tls: ListenerTls) -> None:
    """New connections get a renewed certificate; one that cannot be used leaves the old one in place."""
    used = _versions(tls)
    while True:
        await asyncio.sleep(_LOOK_AT_CERTIFICATE_EVERY)
        found = _versions(tls)
        if found != used:
            try:
                context.load_cert_chain(str(tls.cert_file), str(tls.key_file))
            except OSError:
                continue  # half of a renewal; the next look sees the rest
            used = found


def _versions(tls: ListenerTls) -> tuple[tuple[int, int] | None, ...]:
    return tuple(_version(file) for file in (tls.cert_file, tls.key_file))


def _version(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
