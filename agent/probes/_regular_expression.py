"""Regular expressions from the configuration, on text from a target, in time that grows only with the text.

RE2, as in Prometheus and blackbox_exporter: a backtracking engine can be held for hours by an answer made for it, and
the event loop with it.
"""

from importlib import import_module


class RegularExpression:
    """A compiled expression. Its repr is how it is written in the configuration, in quotes."""

    __slots__ = ("_compiled", "_text")

    def __init__(self, text: str, *, multiline: bool = False) -> None:
        """`multiline`: ^ and $ match at each line. Raises ValueError when `text` is no expression of RE2."""
        re2 = import_module("re2")  # 2.6 MB that an agent without expressions need not pay
        options = re2.Options()
        options.log_errors = False
        self._text = text
        try:
            # As bytes, it searches bytes as they came. They are UTF-8 to it; what is malformed matches nothing.
            self._compiled = re2.compile(f"(?m:{text})".encode() if multiline else text.encode(), options)
        except re2.error as error:
            problem, _, piece = error.args[0].decode("utf-8", "replace").partition(": ")
            raise ValueError(f'{problem} in "{piece}"' if piece else problem) from None

    def __repr__(self) -> str:
        return repr(self._text)

    def end_of_match(self, text: bytes) -> int | None:
        """Where the first match in `text` ends, or None."""
        match = self._compiled.search(text)
        return None if match is None else int(match.end())
