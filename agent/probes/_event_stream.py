"""Server-sent events, as a browser reads them (WHATWG HTML, section 9.2.6), bounded."""

import re

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure

MAX_EVENT = 64 * 1024
"""Bytes of the longest line, and of the longest name of an event."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class EventStream:
    """Takes bytes of a stream and gives the names of its events."""

    def __init__(self) -> None:
        self._line = b""
        self._begun = False
        self._after_return = False
        self._name = ""
        self._has_data = False

    def feed(self, data: bytes) -> list[str]:
        """The events that end within `data`, by name: `message` when they have none of their own.

        An empty name stands for a comment, or for an event without data, which a browser does not see. Raises
        ProbeFailure for a line that is too long.
        """
        if self._after_return and data[:1] == b"\n":  # the second half of a line's end
            data = data[1:]
            self._after_return = False
        if not data:
            return []
        self._after_return = data.endswith(b"\r")
        # Only what is new is searched, else a line that comes byte by byte would cost its length with every byte.
        first, *others = _LINE_END.split(data)
        *lines, self._line = [self._line + first, *others]
        if len(self._line) > MAX_EVENT:
            raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, f"a line of the stream is longer than {MAX_EVENT} bytes")
        if lines and not self._begun:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
        return [name for name in map(self._take, lines) if name is not None]

    def _take(self, line: bytes) -> str | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        if not field:
            return ""
        if field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")
        elif field == b"data":
            self._has_data = True
        return None

    def _dispatch(self) -> str:
        name = (self._name or "message") if self._has_data else ""
        self._name, self._has_data = "", False
        return name
