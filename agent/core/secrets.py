"""Values that must never be shown, and how they are taken out of a text.

A target may quote what it was sent, and one target what another was sent, so the values are those of the whole process:
whoever reads a secret tells it here, and every text that a target had a part in passes `conceal`.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from sys import maxsize
from urllib.parse import quote

CONCEALED = "<secret>"
"""What stands in a text for a secret."""
_SHORTEST = 4
"""Characters that a secret has at least: to take out all shorter ones would shred every text."""
_MOST = 500
"""Secrets that are kept; the oldest, by then long renewed, is forgotten first."""

_forms_of_secret: dict[str, tuple[str, ...]] = {}
_by_beginning: dict[str, list[str]] = {}


def remember(secret: str) -> None:
    """Notes a value that `conceal` shall find from now on."""
    if len(secret) < _SHORTEST or secret in _forms_of_secret:
        return
    if len(_forms_of_secret) >= _MOST:
        _forget(next(iter(_forms_of_secret)))
    forms = tuple(dict.fromkeys(form for form in _forms(secret) if len(form) >= _SHORTEST))
    _forms_of_secret[secret] = forms
    for form in forms:
        _by_beginning.setdefault(form[:_SHORTEST], []).append(form)


def conceal(text: str, limit: int = maxsize) -> str:
    """`text` without the secrets; it ends once it has `limit` characters, or a few more where the last is a secret.

    Found are a secret as it is, in base64 (inside of something longer, too), percent-encoded and as in JSON, and the
    beginning of one with which the text ends.
    """
    if not _by_beginning:
        return text[:limit]
    shown: list[str] = []
    size = position = 0
    while position < len(text) and size < limit:
        length = _length_of_secret(text, position)
        part = CONCEALED if length else text[position]
        shown.append(part)
        size += len(part)
        position += length or 1
    return "".join(shown)


def _length_of_secret(text: str, position: int) -> int:
    """How many characters from `position` on are a secret, or 0."""
    left = len(text) - position
    return max(
        [
            min(len(form), left)
            for form in _by_beginning.get(text[position : position + _SHORTEST], ())
            if text.startswith(form, position) or (left < len(form) and form.startswith(text[position:]))
        ],
        default=0,
    )


def _forms(secret: str) -> Iterator[str]:
    encoded = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield secret.lower()  # names of codings and the like lose their case
    yield encoded.decode("latin-1")  # as headers are read
    yield json.dumps(secret)[1:-1]
    yield quote(encoded, safe="")
    for form in _in_base64(encoded):
        yield form
        yield form.replace("+", "-").replace("/", "_")


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that `secret` alone decides, wherever in a text in base64 it begins."""
    for before in range(3):
        encoded = b64encode(bytes(before) + secret).decode("ascii")
        yield encoded[-(-8 * before // 6) : 8 * (before + len(secret)) // 6]


def _forget(secret: str) -> None:
    for form in _forms_of_secret.pop(secret):
        beginning = form[:_SHORTEST]
        _by_beginning[beginning].remove(form)
        if not _by_beginning[beginning]:
            del _by_beginning[beginning]
