"""How a simulated part takes connections: it can be stopped, which resets them all, and started again in its place."""

from asyncio import (
    FIRST_COMPLETED,
    IncompleteReadError,
    LimitOverrunError,
    Server,
    StreamReader,
    StreamWriter,
    Task,
    create_task,
    gather,
    get_running_loop,
    start_server,
    wait,
)
from collections.abc import Awaitable, Callable, Coroutine
from ssl import SSLContext

from aiohttp import ClientConnectionResetError, web

from agent.probes._endpoint import Endpoint

Serve = Callable[[StreamReader, StreamWriter], Coroutine[None, None, None]]
Stream = tuple[StreamReader, StreamWriter]
Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_CHUNK = 65536


class TcpPart:
    """Serves every connection with a coroutine, which may let OSError and early ends pass."""

    def __init__(self, place: Endpoint, serve: Serve, tls: SSLContext | None = None) -> None:
        self.place = place
        self._serve = serve
        self._tls = tls
        self._server: Server | None = None
        self._tasks: set[Task[None]] = set()

    async def start(self) -> None:
        """Listens; harmless when it listens already. Raises OSError when the place is taken."""
        if self._server is None:
            self._server = await start_server(self._connected, *self.place, ssl=self._tls)

    async def stop(self) -> None:
        """Listens no more and ends all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = create_task(self._serve_one(reader, writer), name=f"demo connection to {self.place}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_one(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
            writer.close()
        except (OSError, IncompleteReadError, LimitOverrunError):
            writer.transport.abort()
        finally:
            if not writer.is_closing():
                writer.transport.abort()


async def silence(reader: StreamReader, _: StreamWriter) -> None:
    """Serves a connection by reading and never answering."""
    while await reader.read(_CHUNK):
        pass


async def relay(client: Stream, upstream: Stream, answer: Serve | None = None) -> None:
    """Copies bytes in both directions until one side ends. `answer` copies those for the client in its own way."""
    directions = {
        create_task(copy(client[0], upstream[1]), name="demo relay to upstream"),
        create_task((answer or copy)(upstream[0], client[1]), name="demo relay to client"),
    }
    try:
        await wait(directions, return_when=FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await gather(*directions, return_exceptions=True)


async def copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Copies bytes until the reader's end."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


class HttpPart:
    """Serves every request with a handler."""

    def __init__(self, place: Endpoint, handle: Handle, tls: SSLContext | None = None) -> None:
        self.place = place
        self._handle = handle
        self._tls = tls
        self._listener: Server | None = None
        self._web: web.Server | None = None

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self.place}"

    async def start(self) -> None:
        """Listens; harmless when it listens already. Raises OSError when the place is taken."""
        if self._listener is None:
            self._web = web.Server(self._answer, access_log=None, handler_cancellation=True)
            self._listener = await get_running_loop().create_server(self._web, *self.place, ssl=self._tls)

    async def stop(self) -> None:
        """Listens no more and ends all requests."""
        listener, self._listener = self._listener, None
        if listener is not None and self._web is not None:
            listener.close()
            await self._web.shutdown(0)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._handle(request)
        except ClientConnectionResetError:
            return web.Response()  # the client has left: nobody waits for it, and nothing is wrong
