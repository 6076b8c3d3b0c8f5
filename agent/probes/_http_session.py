"""Several requests of one run to one server."""

from types import TracebackType
from urllib.parse import urlsplit

from agent.core.reasons import Reason
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
        if self._connection is None:
            self._connection = await self._target.open(self._run)
        request = self._target.request(self._run, path=self._prefix + path, headers=headers)
        response = await exchange(self._run, self._connection, request, limit)
        if response.truncated:
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the answer to {path} is longer than {limit} bytes")
        if not _is_kept(response):
            self.close()
        return response

    def close(self) -> None:
        """Closes the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_kept(response: Response) -> bool:
    headers = response.headers
    if "close" in headers.get("connection", "").lower():
        return False
    return "content-length" in headers or "transfer-encoding" in headers or response.status in (204, 304)
