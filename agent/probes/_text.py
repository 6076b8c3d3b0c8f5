"""Text that a target sent, made safe to show."""

import json
import re

from agent.core.secrets import conceal

_LIMIT = 160
_MOST_BYTES = 64 * 1024
"""Bytes that are looked at: many times the limit, because secrets in them are shown as one word."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\n-\x1f\x7f]")


def has_control_characters(text: str) -> bool:
    """Whether a text holds what may stand in no header: line breaks and all other control characters but tabs."""
    return _CONTROL_CHARACTER.search(text) is not None


def quote(text: bytes | str, limit: int = _LIMIT) -> str:
    """The beginning of `text` in quotation marks, without secrets, everything escaped that is not printable.

    Whoever sent it, or reads no more than its beginning, may have cut it off anywhere.
    """
    return f'"{unquoted(text, limit)}"'


def quote_end(text: bytes) -> str:
    """The end of `text`, as `quote` shows the beginning. All of it is looked through: a secret may begin far before."""
    shown = conceal(text.decode("utf-8", "backslashreplace"), cut=True)
    return f'"{"…" if len(shown) > _LIMIT else ""}{_escaped(shown[-_LIMIT:])}"'


def unquoted(text: bytes | str, limit: int = _LIMIT) -> str:
    """What `quote` puts in quotation marks, for those who add them later."""
    if isinstance(text, bytes):
        text = text[:_MOST_BYTES].decode("utf-8", "backslashreplace")
    text = conceal(text, limit + 1, cut=True)
    shown = _escaped(text[:limit])
    return f"{shown}…" if len(text) > limit else shown


def quote_json(value: object) -> str:
    """The beginning of a value of JSON as JSON writes it, without secrets: only a text is in quotation marks."""
    if isinstance(value, str):
        return quote(value)
    return printable(conceal(json.dumps(value), _LIMIT + 1))


def _escaped(text: str) -> str:
    """What may stand in quotation marks for `text`."""
    return "".join(
        character if character.isprintable() and character != '"' else _escape(character) for character in text
    )


def _escape(character: str) -> str:
    if character == '"':
        return '\\"'
    return character.encode("unicode_escape").decode("ascii")


def printable(text: str, limit: int = _LIMIT) -> str:
    """The beginning of `text` with everything escaped that is not printable, without quotation marks around it."""
    shown = "".join(character if character.isprintable() else _escape(character) for character in text[:limit])
    return f"{shown}…" if len(text) > limit else shown
