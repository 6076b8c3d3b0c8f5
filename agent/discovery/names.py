"""Names for what is found: readable, allowed, and different for different things."""

import re
from hashlib import sha256

_LONGEST = 63
_HASH_DIGITS = 8
_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SEPARATOR = "--"


def name_of(*parts: str) -> str:
    """A check's name of several parts, as in `shop--cart`; dots become hyphens.

    Where that is too long, or would leave open where a part ends, a hash of the parts makes the difference.
    """
    name = _SEPARATOR.join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)
    if len(name) <= _LONGEST and all(_PLAIN.fullmatch(part) and _SEPARATOR not in part for part in parts):
        return name
    digest = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_DIGITS]
    return f"{name[: _LONGEST - 1 - _HASH_DIGITS].strip('-')}-{digest}".lstrip("-")
