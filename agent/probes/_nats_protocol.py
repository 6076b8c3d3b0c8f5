"""What a NATS server says on its ports (the client protocol of docs.nats.io; nats-server 2.1.9 to 2.14)."""

from asyncio import timeout as deadline
from time import perf_counter

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._connection import Connection
from agent.probes._json import JsonObject, json_object, text_of
from agent.probes._text import quote

_MAX_LINE = 64 * 1024
"""Bytes of a line. An INFO names every server of a cluster, which stays far below."""
_MOMENT = 0.1
"""Seconds in which a refusal comes that the server sends right behind its INFO, in a segment of its own."""

_REASON_OF_ERROR = (  # nats-server: errors.go, client.go, server.go
    ("authorization violation", Reason.AUTH_REJECTED),
    ("authentication timeout", Reason.AUTH_REJECTED),
    ("authentication expired", Reason.AUTH_REJECTED),
    ("authentication revoked", Reason.AUTH_REJECTED),
    ("maximum connections exceeded", Reason.DEGRADED),
    ("maximum account active connections exceeded", Reason.DEGRADED),
    ("connection throttling", Reason.RATE_LIMITED),
)

Info = JsonObject
"""The object of an INFO line."""


class Lines:
    """The lines of a connection, one at a time and bounded."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = bytearray()

    @property
    def waiting(self) -> bytes:
        """What came after the last line, as far as it has been read."""
        return bytes(self._buffer)

    async def next(self, *, beginning: bytes = b"") -> bytes:
        """The next line without its end.

        beginning: what the line must begin with; anything else fails at once, so that a foreign protocol that sends no
        line end is told from a slow server. Raises ProbeFailure at the end of the stream and for a line over 64 KiB.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > _MAX_LINE:
                raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the server sends a line over {_MAX_LINE} bytes")
            await self._receive()
            _expect(self._buffer, beginning)
        _expect(self._buffer, beginning)
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line

    async def await_refusal(self, run: Run) -> None:
        """Right after INFO: gives the server a moment to refuse its client unasked, as one that is full does.

        Raises ProbeFailure when it does so or leaves, and OSError.
        """
        began = perf_counter()
        try:
            async with deadline(min(_MOMENT, run.time_to_judge())):
                if not self._buffer:
                    await self._receive()
        except TimeoutError:
            run.waited += perf_counter() - began
        if self._buffer.startswith(b"-"):  # the beginning of -ERR at least
            raise error_failure(await self.next())

    async def _receive(self) -> None:
        data = await self._connection.receive()
        if not data:
            where = "in the middle of a line" if self._buffer else "without a further word"
            raise ProbeFailure(Reason.CONNECTION_CLOSED, f"the server closed the connection {where}")
        self._buffer += data


def _expect(received: bytearray, beginning: bytes) -> None:
    if received.startswith(beginning[: len(received)]):
        return
    if received.startswith(b"-ERR"[: len(received)]):
        if b"\n" in received:
            raise error_failure(bytes(received).splitlines()[0])
        return
    raise ProbeFailure(Reason.PROTOCOL_ERROR, f"not a NATS server: its answer begins {quote(bytes(received[:60]))}")


def error_failure(line: bytes) -> ProbeFailure:
    """What an `-ERR '...'` line means."""
    text = line.decode("utf-8", "replace").lower()
    reason = next((reason for words, reason in _REASON_OF_ERROR if words in text), Reason.PROTOCOL_ERROR)
    return ProbeFailure(reason, f"the server answers {quote(line)}")


def parse_info(line: bytes) -> Info:
    """The object of an INFO line. Raises ProbeFailure when it is none."""
    info = json_object(line.removeprefix(b"INFO "))
    if info is None:
        raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the server's INFO is not a JSON object: {quote(line)}")
    return info


def judge_info(info: Info) -> None:
    """Raises ProbeFailure when clients cannot use this port: it is for other servers, or the server is going away."""
    port = _port_for_servers(info)
    if port:
        raise ProbeFailure(
            Reason.PROTOCOL_ERROR, f"this is the {port} port of the NATS server, where no client can connect"
        )
    if info.get("ldm") is True:
        raise ProbeFailure(Reason.SHUTTING_DOWN, "the server is in lame duck mode: it asks its clients to leave")


def _port_for_servers(info: Info) -> str:
    """Which port for other servers sends this INFO, or empty (seen on nats-server 2.9.10 and 2.14.9).

    A client's INFO may have a nonce too, where nkeys are in use, but always has the client_id that a route's lacks.
    """
    if "gateway" in info:
        return "gateway"
    if "client_id" in info:
        return "leaf node" if "leafnode_urls" in info else ""
    return "route" if "nonce" in info or "lnoc" in info else ""


def server_name(document: JsonObject) -> str:
    """Program and version as INFO or /varz say it, safe to show."""
    return f"nats-server {quote(text_of(document, 'version') or 'of unknown version', 40)}"
