"""Writing for people at a terminal, and for files that only look like one."""

import codecs
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from agent.core.transitions import State

_COLOURS = {State.UP: "32", State.DOWN: "31", State.UNKNOWN: "33", State.BLOCKED: "35"}
MARKS = {State.UP: "✓", State.DOWN: "✗", State.UNKNOWN: "?", State.BLOCKED: "-"}
"""A state as one character, so that colour is never the only sign."""
_PLAIN_MARKS = {State.UP: "+", State.DOWN: "x", State.UNKNOWN: "?", State.BLOCKED: "-"}
_PLAIN = {"→": "->", "…": "..."}
PLAIN_CHARACTERS = "plain_characters"
"""Names the handler of characters that an encoding has not: those with a plain spelling get it, others become `?`."""


def _spell_plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


codecs.register_error(PLAIN_CHARACTERS, _spell_plainly)


class Terminal:
    """An output stream: colours and a progress line where it is a terminal, plain lines where it is not."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream`: default is what standard output is now."""
        self._stream = stream = stream or sys.stdout
        self.interactive = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colours = self.interactive and "NO_COLOR" not in os.environ
        encoding = (stream.encoding or "ascii").lower().replace("-", "")
        self._marks = MARKS if encoding.startswith("utf") else _PLAIN_MARKS
        self._progress = False

    def line(self, text: str = "") -> None:
        """Writes a line, over a progress line where one stands."""
        self._clear()
        encoded = f"{text}\n".encode(self._stream.encoding or "utf-8", PLAIN_CHARACTERS)
        self._stream.write(encoded.decode(self._stream.encoding or "utf-8"))
        self._stream.flush()

    def progress(self, text: str) -> None:
        """Shows what is going on until the next line; nothing where the stream is no terminal."""
        if self.interactive:
            self._clear()
            self._stream.write(text)
            self._stream.flush()
            self._progress = True

    def mark(self, state: State) -> str:
        """The sign of a state, in its colour."""
        return self._paint(self._marks[state], _COLOURS[state])

    def bold(self, text: str) -> str:
        return self._paint(text, "1")

    def dim(self, text: str) -> str:
        return self._paint(text, "2")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Writes rows in columns as wide as their widest cell."""
        widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
        for number, row in enumerate([header, *rows]):
            cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.line(self.bold(cells) if number == 0 else cells)

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text

    def _clear(self) -> None:
        if self._progress:
            self._stream.write("\r\x1b[2K")
            self._progress = False
