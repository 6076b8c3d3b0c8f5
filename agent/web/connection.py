"""One connection of a caller, with bounds for those who are slow, silent or broken."""

import socket
from asyncio import BaseTransport, Protocol, Transport
from typing import cast

import structlog
from aiohttp import ClientConnectionResetError, web

from agent.core.secrets import conceal
from agent.web.access import HEADERS

IDLE_TIMEOUT = 30.0
"""Seconds without a whole request, and between two, after which a connection is closed."""
MOST_CONNECTIONS = 1000
"""Callers at the same time; each may hold a page's worth of memory, and holds a descriptor that probes need."""
_UNREAD_TIMEOUT = 30_000
"""Milliseconds after which the kernel gives up a connection whose reader takes nothing."""

_log = structlog.get_logger("agent.web")


class Connection(web.RequestHandler):
    """aiohttp's protocol without its name, its version, and its tracebacks."""

    __slots__ = ()

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        if (connected := transport.get_extra_info("socket")) is not None:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_TIMEOUT)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, and to a fault of the agent, which goes to the log."""
        if status == 500 and not isinstance(exc, ClientConnectionResetError):  # a reader that has left is no fault
            _log.error("a request met with a fault of the agent", path=conceal(request.path, 200), exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("half of the answer has been sent already")
        text = (
            "this is no request that can be understood\n" if status < 500 else "the agent failed; its log says more\n"
        )
        response = web.Response(status=status, text=text, headers=HEADERS)
        response.force_close()
        return response


class Refusal(Protocol):
    """The end of a connection that is one too many."""

    def connection_made(self, transport: BaseTransport) -> None:
        cast("Transport", transport).abort()
