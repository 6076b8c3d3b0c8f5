"""Several requests of one run to one server."""

from types import TracebackType
from urllib.parse import urlsplit

from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._connection import Connection
from agent.probes._http import Response, exchange
from agent.probes._http_target import HttpTarget


class HttpSession:
    """Asks for several paths over one connection, or over as many as the server insists on; phases add up."""

    def __init__(self, run: Run, target: HttpTarget) -> None:
        self._run = run
        self._target = target
        self._prefix = urlsplit(target.url).path.rstrip("/")
        self._connection: Connection | None = None

    def __enter__(self) -> "HttpSession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def get(self, path: str, limit: int, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """The answer for a path below the target's own. Raises ProbeFailure for a body over `limit` bytes, too."""
        request = self._target.request(self._run, path=self._prefix + path, headers=headers)
        response = await self._exchange(request, limit)
        if response.truncated:
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the answer to {path} is longer than {limit} bytes")
        if not _is_kept(response):
            self.close()
        return response

    async def _exchange(self, request: bytes, limit: int) -> Response:
        if self._connection is not None:
            try:
                return await exchange(self._run, self._connection, request, limit)
            except (ProbeFailure, ConnectionError) as error:
                if not _was_idle_too_long(self._run, error):
                    raise
                self.close()
        self._connection = await self._target.open(self._run)
        return await exchange(self._run, self._connection, request, limit)

    def close(self) -> None:
        """Closes the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _was_idle_too_long(run: Run, error: ProbeFailure | ConnectionError) -> bool:
    """Whether the server ended a kept connection before it answered, as it may at any time (RFC 9112, section 9.3.1).

    It may have done so before it saw the request; a GET does no harm when it is sent again.
    """
    closed = isinstance(error, ConnectionError) or error.reason is Reason.CONNECTION_CLOSED
    return closed and run.phase in (Phase.REQUEST, Phase.RESPONSE)


def _is_kept(response: Response) -> bool:
    """Whether the connection lasts beyond the answer (RFC 9112, section 9.3)."""
    headers = response.headers
    options = headers.get("connection", "").lower()
    if "close" in options or (response.version != "1.1" and "keep-alive" not in options):
        return False
    chunked = "chunked" in headers.get("transfer-encoding", "").lower()
    return "content-length" in headers or chunked or response.status in (204, 304)
