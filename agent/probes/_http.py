"""HTTP/1.1 for one run: a request sent, and a bounded answer.

Written on httptools and plain sockets because the phases and the kernel's TCP facts must be true, and because a client
library costs two to three times as much CPU per request with a fresh connection.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from agent.core.measures import Label, Metric, MetricType
from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._connection import Connection
from agent.probes._proxy import sign_of_own_answer
from agent.probes._text import quote

STATUS_CODE = Metric("probe_http_status_code", MetricType.GAUGE, "Status code of the last answer.")
RESPONSES = Metric(
    "probe_http_responses_total",
    MetricType.COUNTER,
    "Answers by status code.",
    (Label("code", frozenset(str(code) for code in range(100, 600))),),
)
HTTP_VERSION = Metric("probe_http_version", MetricType.GAUGE, "HTTP version of the last answer.")
HTTP_METRICS = (STATUS_CODE, RESPONSES, HTTP_VERSION)

MAX_BODY = 1024 * 1024
"""Bytes of a body that are read unless the configuration says otherwise."""
_MAX_HEAD = 64 * 1024
_SHOWN = 60
"""Bytes that are shown of an answer which breaks the rules."""
_REQUEST, _RESPONSE, _TRANSFER = Phase.REQUEST, Phase.RESPONSE, Phase.TRANSFER
_VERSIONS = {"1.0": 1.0, "1.1": 1.1}
_LENIENCIES = {"lenient_headers": True, "lenient_optional_cr_before_lf": True}
"""What a client that only judges forgives: folded headers, with which the parser also lets control characters pass (RFC
9112, section 5.2), and line ends without CR (section 2.2).

Not forgiven are a Content-Length that comes twice (for which the parser has no switch) or beside chunks: either may be
taken for an error (RFC 9110, section 8.6; RFC 9112, section 6.3), as proxies between it and its users may do.
"""
_CODES = {code: str(code) for code in range(100, 600)}


class Response:
    """An answer. `body` is at most as long as asked.

    version: of HTTP, as "1.1". truncated: the body was longer. cut_short: it is an error page that the target did not
    send to its end. remainder: bytes that follow the head of an upgraded connection (101).
    """

    __slots__ = ("_headers", "_raw_headers", "body", "cut_short", "remainder", "status", "truncated", "version")

    def __init__(
        self,
        status: int,
        raw_headers: list[tuple[bytes, bytes]],
        body: bytes,
        *,
        version: str,
        truncated: bool,
        remainder: bytes,
        cut_short: bool = False,
    ) -> None:
        self.status = status
        self.version = version
        self.body = body
        self.truncated = truncated
        self.remainder = remainder
        self.cut_short = cut_short
        self._raw_headers = raw_headers
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Values by lower-case name, those of repeated headers joined by a comma. Most probes never look at them."""
        if self._headers is None:
            headers: dict[str, str] = {}
            self._headers = headers
            for raw_name, raw_value in self._raw_headers:
                name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return self._headers


class _Message:
    """What the parser tells of the answer, within bounds: the first message that does not only announce one.

    What follows that on the connection belongs to no question, and counts for nothing.
    """

    __slots__ = (
        "body",
        "body_size",
        "complete",
        "cut_short",
        "head_complete",
        "headers",
        "limit",
        "parser",
        "status",
        "version",
    )

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.body: list[bytes] = []
        self.body_size = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.version = ""
        self.head_complete = False
        self.complete = False
        self.cut_short = False
        self.parser: HttpResponseParser | None = None
        """Known only while it is fed: each knows the other, and a circle would be left to the garbage collector."""

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_complete:  # else it is a trailer after a chunked body
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser is not None and not self.complete:
            self.head_complete = True
            self.status = self.parser.get_status_code()
            self.version = self.parser.get_http_version()

    def on_body(self, body: bytes) -> None:
        if self.complete:
            return
        room = self.limit - self.body_size
        self.body_size += len(body)
        if room > 0:
            self.body.append(body[:room])

    def on_message_complete(self) -> None:
        if 100 <= self.status < 200 and self.status != 101:
            self.headers.clear()
            self.head_complete = False  # only the announcement of the answer (RFC 9110, section 15.2)
        else:
            self.complete = True

    @property
    def truncated(self) -> bool:
        return self.body_size > self.limit

    def end_early(self) -> bool:
        """Makes do with what has come where that begins an error page: any part of it is enough. Whether it does."""
        self.complete = self.cut_short = self.head_complete and self.status >= 400
        return self.complete

    def ends_with_connection(self) -> bool:
        """Whether the end of the stream is the end of the body (RFC 9112, section 6.3)."""
        fields = {name.lower(): value for name, value in self.headers}
        last_coding = fields.get(b"transfer-encoding", b"").rpartition(b",")[2].strip().lower()
        if last_coding:
            return self.head_complete and last_coding != b"chunked"
        return self.head_complete and b"content-length" not in fields


class _Reader:
    """Feeds the parser with what comes."""

    __slots__ = ("beginning", "besides_body", "message", "parser", "remainder")

    def __init__(self, limit: int) -> None:
        self.beginning = b""
        self.message = _Message(limit)
        self.parser = HttpResponseParser(self.message)
        self.parser.set_dangerous_leniencies(**_LENIENCIES)
        self.besides_body = 0
        """Bytes of head, trailers and the like that have come since the last ones of the body."""
        self.remainder = b""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes. Raises ProbeFailure for what is not HTTP, and where what is not body has no end."""
        message = self.message
        before = message.body_size
        if len(self.beginning) < _SHOWN:
            self.beginning += data[:_SHOWN]
        message.parser = self.parser
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self.remainder = data[upgrade.args[0] :]
            message.complete = True
        except HttpParserError as error:
            if not message.complete:
                raise _broken(self.beginning, data, error) from error
        finally:
            message.parser = None
        self.besides_body = 0 if message.body_size > before else self.besides_body + len(data)
        if self.besides_body > _MAX_HEAD and not message.complete:
            part = "what follows the body" if message.head_complete else "the head of the answer"
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"{part} is longer than {_MAX_HEAD} bytes")

    def response(self) -> Response:
        message = self.message
        return Response(
            message.status,
            message.headers,
            b"".join(message.body),
            version=message.version,
            truncated=message.truncated,
            remainder=self.remainder,
            cut_short=message.cut_short,
        )


async def exchange(
    run: Run, connection: Connection, request: bytes, limit: int, *, head_only: bool = False
) -> Response:
    """Sends a request and reads its answer: the phases request, response (to the first byte) and transfer.

    limit: bytes of the body to keep; reading stops beyond it. head_only: stop at the end of the head (HEAD).
    Raises ProbeFailure for what is not HTTP, for a head over 64 KiB, for an answer cut short that is no error page, and
    for a proxy's own.
    """
    reader = _Reader(limit)
    await _send(run, connection, request)
    message = reader.message
    while not (message.complete or message.truncated or (head_only and message.head_complete)):
        await _read_on(run, connection, reader)
    _measure(run, message)
    response = reader.response()
    _refuse_answer_of_proxy(run, connection, response)
    return response


class BodyStream:
    """An answer whose head has come, with a body that is read piece by piece."""

    def __init__(self, run: Run, connection: Connection, reader: _Reader) -> None:
        self._run = run
        self._connection = connection
        self._reader = reader
        self.response = reader.response()
        """The head, and what came of the body with it."""

    async def read(self) -> bytes:
        """The next piece; empty at the end of the body. Raises ProbeFailure like `exchange`."""
        message = self._reader.message
        while not message.complete:
            message.body.clear()
            message.body_size = 0
            await _read_on(self._run, self._connection, self._reader)
            if message.body:
                return b"".join(message.body)
        return b""


async def open_stream(run: Run, connection: Connection, request: bytes) -> BodyStream:
    """Sends a request and reads the head of its answer, in the phases of `exchange` and with its errors."""
    reader = _Reader(MAX_BODY)
    await _send(run, connection, request)
    while not reader.message.head_complete:
        await _read_on(run, connection, reader)
    _measure(run, reader.message)
    stream = BodyStream(run, connection, reader)
    _refuse_answer_of_proxy(run, connection, stream.response)
    return stream


def _refuse_answer_of_proxy(run: Run, connection: Connection, response: Response) -> None:
    if connection.forwarded and (sign := sign_of_own_answer(response.status, response.headers)):
        body = response.body.strip()
        words = f"the proxy {run.proxy} answers itself, as {sign} shows: {response.status}"
        raise ProbeFailure(Reason.PROXY_REFUSED, f"{words}: {quote(body)}" if body else words)


async def _send(run: Run, connection: Connection, request: bytes) -> None:
    run.enter(_REQUEST)
    await connection.send(request)
    run.enter(_RESPONSE)


async def _read_on(run: Run, connection: Connection, reader: _Reader) -> None:
    message = reader.message
    try:
        data = await connection.receive()
    except ConnectionError:
        if message.end_early():
            return
        raise
    if not data:
        if message.ends_with_connection():
            message.complete = True
            return
        if message.end_early():
            return
        where = "in the middle of its answer" if run.phase is _TRANSFER else "without an answer"
        raise ProbeFailure(Reason.CONNECTION_CLOSED, f"the target closed the connection {where}")
    if run.phase is _RESPONSE:
        run.enter(_TRANSFER)
    reader.feed(data)


def _measure(run: Run, message: _Message) -> None:
    run.measure(STATUS_CODE, float(message.status))
    run.measure(RESPONSES, 1.0, _CODES.get(message.status, ""))
    run.measure(HTTP_VERSION, _VERSIONS.get(message.version, 0.0))


def _broken(beginning: bytes, data: bytes, error: HttpParserError) -> ProbeFailure:
    """What it means that `data` cannot be taken, in an answer that has begun so."""
    if beginning.startswith(b"HTTP/"):
        return ProbeFailure(
            Reason.PROTOCOL_ERROR, f"the answer breaks the rules of HTTP ({error}) at {quote(data, _SHOWN)}"
        )
    return ProbeFailure(Reason.PROTOCOL_ERROR, f"the answer is not HTTP: it begins {quote(beginning, _SHOWN)}")
