"""HTTP/2 for one run: calls over one fresh connection, bounded, with prior knowledge or ALPN (RFC 9113)."""

from typing import NamedTuple

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings

from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._connection import Connection
from agent.probes._text import quote

_CONFIGURATION = H2Configuration(header_encoding=False)
_SETTINGS = {
    SettingCodes.ENABLE_PUSH: 0,
    SettingCodes.MAX_HEADER_LIST_SIZE: H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE,
}
_CHUNK = 1024
"""Bytes taken at a time: h2 spends 20 µs on a frame, and a chunk of nothing but frames must not stall the loop."""
_MAX_RECEIVED = 16 * 1024
"""Bytes of all answers together: hpack spends up to 4 µs on each byte of a head."""
_MAX_EVENTS = 100
_FRAME_HEAD = 9
_SETTINGS_FRAME = 4
_TLS_ALERT = b"\x15\x03"

Headers = list[tuple[bytes, bytes]]


class Http2Answer(NamedTuple):
    """An answer; `fields` are its headers and trailers by lower-case name, the last one winning."""

    status: int
    fields: dict[str, str]
    body: bytes


class StreamResetError(Exception):
    """The server ended a call with RST_STREAM; `code` is the name of its error code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _DrainingMachine(H2ConnectionStateMachine):
    """Lets streams below a GOAWAY end (RFC 9113, section 6.8), as a proxy that retires connections expects.

    h2 4.4 closes the whole connection at GOAWAY and would call the answer that follows a protocol error.
    """

    _transitions = {  # noqa: RUF012 - as the class it extends has it
        **H2ConnectionStateMachine._transitions,
        (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.CLIENT_OPEN),
    }


class Http2Client:
    """The client's side of one HTTP/2 connection, for calls one after the other."""

    def __init__(self, run: Run, connection: Connection) -> None:
        self._run = run
        self._connection = connection
        self._h2 = H2Connection(_CONFIGURATION)
        self._h2.state_machine = _DrainingMachine()
        self._h2.local_settings = Settings(client=True, initial_values=_SETTINGS)
        self._h2.initiate_connection()
        self._beginning = b""
        self._begun = False
        self._received = 0
        self._events = 0
        self._farewell: ConnectionTerminated | None = None

    async def call(self, headers: Headers, body: bytes) -> Http2Answer:
        """Sends a request and reads its answer: the phases request, response (to the head) and transfer.

        Raises StreamResetError, and ProbeFailure for what is not HTTP/2, for a server that leaves, and for too much.
        """
        self._run.enter(Phase.REQUEST)
        stream = self._h2.get_next_available_stream_id()
        try:
            self._h2.send_headers(stream, headers)
            self._h2.send_data(stream, body, end_stream=True)
        except H2Error as error:
            raise _protocol_error(error) from error
        await self._flush()
        self._run.enter(Phase.RESPONSE)
        answer = _Collector(stream)
        while not answer.complete:
            for event in await self._next_events():
                if isinstance(event, ConnectionTerminated):
                    self._farewell = event
                answer.take(event)
            if answer.status and self._run.phase is Phase.RESPONSE:
                self._run.enter(Phase.TRANSFER)
            if not answer.complete:
                self._check_farewell(stream)
                if self._received > _MAX_RECEIVED:
                    if answer.status not in (0, 200):  # an error page, of which this is enough
                        break
                    raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"the answer is longer than {_MAX_RECEIVED} bytes")
                await self._flush()
        return answer.answer()

    @property
    def leaving(self) -> bool:
        """Whether the server has said that it takes no more calls on this connection."""
        return self._farewell is not None

    async def _next_events(self) -> list[Event]:
        data = await self._connection.receive(_CHUNK)
        if not data:
            raise self._closed()
        self._received += len(data)
        if not self._begun:
            data = self._begin(data)
        try:
            events = self._h2.receive_data(data)
        except H2Error as error:
            raise _protocol_error(error) from error
        self._events += len(events)
        if self._events > _MAX_EVENTS:
            raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the target floods us: over {_MAX_EVENTS} frames for an answer")
        return events

    async def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            await self._connection.send(data)

    def _begin(self, data: bytes) -> bytes:
        """Returns what has come once it begins as HTTP/2 must, with SETTINGS (RFC 9113, section 3.4)."""
        self._beginning += data
        head = self._beginning[:_FRAME_HEAD]
        if head.startswith(b"HTTP/"):
            raise ProbeFailure(
                Reason.PROTOCOL_ERROR, f"the target speaks HTTP/1.1, not HTTP/2: {quote(self._beginning, 60)}"
            )
        if head.startswith(_TLS_ALERT):
            raise ProbeFailure(Reason.PROTOCOL_ERROR, "the target speaks TLS; set tls: true")
        if len(head) < _FRAME_HEAD:
            return b""
        if head[3] != _SETTINGS_FRAME or head[5:] != bytes(4):
            raise ProbeFailure(
                Reason.PROTOCOL_ERROR, f"the target does not speak HTTP/2: it begins {quote(self._beginning, 60)}"
            )
        self._begun = True
        return self._beginning

    def _check_farewell(self, stream: int) -> None:
        farewell = self._farewell
        if farewell is None:
            return
        if farewell.error_code != ErrorCodes.NO_ERROR:
            said = quote(farewell.additional_data or b"", 80)
            raise ProbeFailure(
                Reason.PROTOCOL_ERROR, f"the target ended the connection: {_name(farewell.error_code)} {said}"
            )
        if (farewell.last_stream_id or 0) < stream:
            raise ProbeFailure(Reason.SHUTTING_DOWN, "the target takes no more calls: GOAWAY")

    def _closed(self) -> ProbeFailure:
        if self._farewell is not None:
            return ProbeFailure(Reason.SHUTTING_DOWN, "the target said GOAWAY and closed the connection")
        if not self._begun:
            said = f": {quote(self._beginning, 60)}" if self._beginning else ""
            return ProbeFailure(
                Reason.CONNECTION_CLOSED, f"the target closed the connection before it spoke HTTP/2{said}"
            )
        return ProbeFailure(Reason.CONNECTION_CLOSED, "the target closed the connection without an answer")


class _Collector:
    """Puts one answer together from events."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        self.status = 0
        self.complete = False
        self._fields: dict[str, str] = {}
        self._body = b""

    def take(self, event: Event) -> None:
        """Takes an event into account. Raises StreamResetError."""
        if getattr(event, "stream_id", None) != self._stream:
            return
        if isinstance(event, ResponseReceived | TrailersReceived):
            self._fields.update((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
            self.status = self.status or _status(self._fields.pop(":status", ""))
        elif isinstance(event, DataReceived):
            self._body += event.data
        elif isinstance(event, StreamEnded):
            self.complete = True
        elif isinstance(event, StreamReset) and not self.complete:
            raise StreamResetError(_name(event.error_code))

    def answer(self) -> Http2Answer:
        return Http2Answer(self.status, self._fields, self._body)


def _status(text: str) -> int:
    if len(text) == 3 and text.isascii() and text.isdigit() and text[0] in "12345":
        return int(text)
    raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the target answers with the HTTP status {quote(text)}")


def _name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error code {code}"


def _protocol_error(error: H2Error) -> ProbeFailure:
    return ProbeFailure(Reason.PROTOCOL_ERROR, f"not valid HTTP/2: {quote(str(error), 120)}")
