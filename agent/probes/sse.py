"""Subscribes to server-sent events and waits for the first."""

import zlib
from typing import ClassVar, Literal

from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.core.words import counted
from agent.probes._event_stream import EventStream
from agent.probes._http import MAX_BODY, BodyStream, open_stream
from agent.probes._http_settings import HttpRequestSettings
from agent.probes._network import Network
from agent.probes._settings import HttpUrl
from agent.probes._sign_in import SignInExpectation, judge_sign_in
from agent.probes._text import quote
from agent.probes._verdict import judge_status

_HEADERS = (("Accept", "text/event-stream"), ("Cache-Control", "no-cache"), ("Accept-Encoding", "gzip, deflate"))
"""As of a browser: a proxy that compresses streams, and so may hold them back, does it only when asked."""
_MAX_PIECE = 256 * 1024
_ANY_HEADER = 47  # zlib: takes a gzip or a zlib header, with the largest window


class SseExpectation(SignInExpectation):
    """What the stream must bring."""

    event: str = ""
    """Name of the event to wait for, with data; default: the first event or comment, whatever it is."""


class SseSettings(HttpRequestSettings):
    """Keys of the `sse` probe."""

    summary: ClassVar[str] = "Subscribes to server-sent events; a proxy that holds them back shows."

    kind: Literal["sse"] = "sse"
    url: HttpUrl
    """What to subscribe to."""
    expect: SseExpectation = SseExpectation()
    """What the stream must bring within the check's timeout."""

    def probe(self, network: Network) -> Probe:
        return SseProbe(self, network)


class SseProbe:
    """Up when the first event comes in time.

    A head without events is stream_buffered: something on the path collects the answer. A proxy may hold back the head
    as well; then nothing tells it from a silent target, and the reason is response_timeout.
    """

    def __init__(self, settings: SseSettings, network: Network) -> None:
        self._settings = settings
        self._target = settings.request_target(network)

    async def run(self, run: Run) -> None:
        target, expect = self._target, self._settings.expect
        request = target.request(run, headers=_HEADERS)
        with await target.open(run) as connection:
            stream = await open_stream(run, connection, request)
            response = stream.response
            judge_sign_in(response, expect, url=target.url, authenticated=target.authenticated)
            judge_status(response, url=target.url, authenticated=target.authenticated)
            content_type = response.headers.get("content-type", "")
            if content_type.partition(";")[0].strip().lower() != "text/event-stream":
                raise ProbeFailure(
                    Reason.HEADER_MISMATCH, f"the content type is {quote(content_type)}, not text/event-stream"
                )
            coding = response.headers.get("content-encoding", "")
            if coding:
                run.detail = f"the stream is compressed ({quote(coding)}), which may hold events back"
            await self._wait_for_event(run, stream, coding)

    async def _wait_for_event(self, run: Run, stream: BodyStream, coding: str) -> None:
        events, decoder, wanted = EventStream(), _Decoder(coding), self._settings.expect.event
        remark, received, others = run.detail, 0, 0
        run.timeout_reason = Reason.STREAM_BUFFERED
        run.detail = _joined(remark, "no event came")
        piece = stream.response.body or await stream.read()
        while piece:
            text = decoder.decode(piece)
            names = events.feed(text)
            if any(not wanted or name == wanted for name in names):
                run.timeout_reason, run.detail = None, remark
                return
            received += len(text)
            if received > MAX_BODY:
                raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"no wanted event in the first {MAX_BODY} bytes")
            others += sum(map(bool, names))
            if received:
                run.timeout_reason = Reason.RESPONSE_TIMEOUT
                run.detail = _joined(remark, _not_come(wanted, others))
            piece = await stream.read()
        missing = f"the event {quote(wanted)}" if wanted else "an event"
        raise ProbeFailure(Reason.CONNECTION_CLOSED, f"the stream ended without {missing}")


def _not_come(wanted: str, others: int) -> str:
    """What a stream has not brought that has begun. others: the events with other names that it has brought."""
    if not wanted:
        return "no whole event came"
    if not others:
        return f"no event named {quote(wanted)} came"
    return f"{counted(others, 'event')} came, none named {quote(wanted)}"


def _joined(remark: str, words: str) -> str:
    return f"{remark}; {words}" if remark else words


class _Decoder:
    """Undoes the content coding of a stream, piece by piece."""

    def __init__(self, coding: str) -> None:
        """Raises ProbeFailure for a coding that it does not know."""
        coding = coding.strip().lower()
        if coding not in ("", "identity", "gzip", "deflate"):
            raise ProbeFailure(Reason.PROTOCOL_ERROR, f"the stream has the content coding {quote(coding)}")
        self._inflate = zlib.decompressobj(wbits=_ANY_HEADER) if coding in ("gzip", "deflate") else None

    def decode(self, piece: bytes) -> bytes:
        """What a piece adds. Raises ProbeFailure for what is not in the coding or unpacks to too much."""
        if self._inflate is None:
            return piece
        try:
            text = self._inflate.decompress(piece, _MAX_PIECE)
        except zlib.error as error:
            raise ProbeFailure(Reason.PROTOCOL_ERROR, "the stream is not in its content coding") from error
        if self._inflate.unconsumed_tail:
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"a piece of the stream unpacks to over {_MAX_PIECE} bytes")
        if self._inflate.unused_data:
            raise ProbeFailure(Reason.PROTOCOL_ERROR, "the stream goes on after the end of its content coding")
        return text


SETTINGS = SseSettings
