"""Text that a target sent, made safe to show."""

_LIMIT = 160


def quote(text: bytes | str, limit: int = _LIMIT) -> str:
    """The beginning of `text` in quotation marks, with everything escaped that is not printable."""
    if isinstance(text, bytes):
        text = text[: limit * 4].decode("utf-8", "backslashreplace")
    shown = "".join(
        character if character.isprintable() and character != '"' else _escape(character) for character in text[:limit]
    )
    return f'"{shown}…"' if len(text) > limit else f'"{shown}"'


def _escape(character: str) -> str:
    if character == '"':
        return '\\"'
    return character.encode("unicode_escape").decode("ascii")


def printable(text: str, limit: int = _LIMIT) -> str:
    """The beginning of `text` with everything escaped that is not printable, without quotation marks around it."""
    shown = "".join(character if character.isprintable() else _escape(character) for character in text[:limit])
    return f"{shown}…" if len(text) > limit else shown
