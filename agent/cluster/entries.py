"""The entries of a list that comes in one piece, decoded while it comes, so that no part of it holds the event loop.

The metrics API knows no pages: of 20,000 pods its answer has 8 MB, and to parse that at once takes a quarter second.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from json import JSONDecoder

from agent.probes._json import JsonObject
from agent.probes._text import quote

_BEGINNING = re.compile(r'"items"\s*:\s*(?:\[|null)')
_BETWEEN = re.compile(r"[\s,]*")
_MOST_BEFORE = 64 * 1024
_MOST_OF_ENTRY = 1024 * 1024
"""Characters. What is not whole is read again with each part that comes, so neither may be long."""


class EntryReader:
    """Takes the parts of a list in JSON as they come, and gives the entries of its `items`."""

    def __init__(self) -> None:
        self._decoder = JSONDecoder()
        self._characters = getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._begun = False
        self._ended = False

    def feed(self, part: bytes) -> Iterator[JsonObject]:
        """The entries that are whole with this part; what is no object is left out. Raises OSError."""
        self._text += self._characters.decode(part)
        if not self._begun:
            self._begin()
        position = 0
        while self._begun and not self._ended:
            position = _end_of(_BETWEEN, self._text, position)
            if self._text[position : position + 1] == "]":
                self._ended = True
                break
            try:
                entry, position = self._decoder.raw_decode(self._text, position)
            except (ValueError, RecursionError):
                break
            if isinstance(entry, dict):
                yield entry
        self._text = "" if self._ended else self._text[position:]
        if len(self._text) > (_MOST_OF_ENTRY if self._begun else _MOST_BEFORE):
            raise self._no_list()

    def end(self) -> None:
        """Raises OSError when the list did not end, or was none."""
        if not self._ended:
            raise self._no_list()

    def _begin(self) -> None:
        if found := _BEGINNING.search(self._text):
            self._begun = True
            self._ended = found.group().endswith("null")
            self._text = self._text[found.end() :]

    def _no_list(self) -> OSError:
        return OSError(f"the answer is no list of objects, or is cut: {quote(self._text)}")


def _end_of(pattern: "re.Pattern[str]", text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
