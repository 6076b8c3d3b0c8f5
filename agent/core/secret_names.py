"""The names under which secrets stand."""

import re

_SECRET_KEY = re.compile(
    r"pass(word|wd|phrase)?|pwd|secret|tokens?|jwt|credentials?|authorization|cookies?|session|nkey|seed|sig"
    r"|(basic_|x[-_])?auth|headers|(.*[-_])?(signature|access[-_]?key)"
    r"|.*(pass(word|wd|phrase)|secret|[-_]token|credential|authorization|cookie|api[-_]?key|auth[-_]?key).*",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether what stands under a key, in a header or in a query parameter of this name is a secret."""
    return _SECRET_KEY.fullmatch(name) is not None
