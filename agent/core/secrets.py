"""Values that must never be shown, and how they are taken out of a text.

A target may quote what it was sent, and one target what another was sent, so the values are those of the whole process:
whoever reads a secret tells it here, and every text that a target had a part in passes `conceal`.
"""

import json
import re
from base64 import b64encode
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from sys import maxsize
from threading import Lock
from urllib.parse import quote

CONCEALED = "<secret>"
"""What stands in a text for a secret."""
_SHORTEST = 4
"""Characters that a secret has at least: to take out all shorter ones would shred every text."""
_SHORTEST_LINE = 8
"""The same for a line of a longer secret, which may hold plain words as well."""
_MOST_LINES = 200
"""Lines of one secret that are looked for by themselves."""
_MOST = 1000
"""Origins whose secrets are kept; the one that has not been heard of for longest is forgotten first."""
_VERSIONS = 4
"""Values that are kept of one origin, because a target may quote what it was sent before the last renewal."""

_MARKUP = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
_ESCAPES = tuple(
    str.maketrans(table)
    for table in (
        _MARKUP,
        {**_MARKUP, '"': "&quot;", "'": "&#x27;"},  # html of Python
        {**_MARKUP, '"': "&#34;", "'": "&#39;"},  # html of Go
        {**_MARKUP, '"': "&#34;", "'": "&#39;", "+": "&#43;"},  # html/template of Go
        {**_MARKUP, '"': "&quot;", "'": "&#39;"},  # most others
    )
)
_GO_JSON = str.maketrans({it: f"\\u{ord(it):04x}" for it in "<>&\u2028\u2029"})

_Forms = tuple[str, ...]
_forms_by_origin: dict[str, dict[str, _Forms]] = {}
"""What is remembered: by origin the secrets, with their forms; whatever was heard of last comes last."""
_uses: Counter[str] = Counter()
"""Of how many remembered secrets something is a form."""
_by_beginning: dict[str, _Forms] = {}
"""All forms by their first characters, in order. Replaced and never changed, so that any thread may read them."""
_parts_of_urls: dict[str, None] = {}
"""What the environment has put into URLs of the configuration; whatever was heard of last comes last."""
_changing = Lock()


def remember(secret: str, origin: str = "") -> None:
    """Notes a value that `conceal` shall find from now on: without white space at its ends, and each line by itself.

    origin: where the value was read, such as a file, of whose former values a few are remembered as well. To be called
    at each use: it costs little, and what is in use is not forgotten. Default: the value has no other values beside it.
    """
    if len(secret) < _SHORTEST:
        return
    with _changing:
        values = _forms_by_origin.pop(origin or secret, {})
        values[secret] = values.pop(secret, ()) or _note(secret)
        _forms_by_origin[origin or secret] = values
        while len(values) > _VERSIONS:
            _forget(values.pop(next(iter(values))))
        while len(_forms_by_origin) > _MOST:
            for forms in _forms_by_origin.pop(next(iter(_forms_by_origin))).values():
                _forget(forms)


def remember_in_urls(part: str) -> None:
    """Notes a secret that the environment puts into URLs of the configuration, from where `conceal_in_url` takes it."""
    part = part.strip().rstrip("/")  # which whoever adds a path to a URL takes away
    remember(part)
    if len(part) < _SHORTEST:
        return
    with _changing:
        _parts_of_urls.pop(part, None)
        _parts_of_urls[part] = None
        while len(_parts_of_urls) > _MOST:
            del _parts_of_urls[next(iter(_parts_of_urls))]


def conceal_in_url(text: str) -> str:
    """Path and query of a URL of the configuration without what the environment has put into URLs.

    Other secrets stay: the configuration's own words may look like one, and must not change when it becomes known.
    """
    parts = sorted(_parts_of_urls, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, parts)), CONCEALED, text) if parts else text


def conceal(text: str, limit: int = maxsize, *, cut: bool = False) -> str:
    """`text` without the secrets; it ends once it has `limit` characters, or a few more where the last is a secret.

    Found, in whatever case, are a secret as it is, in base64 (inside of something longer, too), percent-encoded, as in
    JSON and as in HTML. What it costs grows with what is shown, and hardly with the number of secrets.

    cut: the text may have been cut off, so that the beginning of a secret with which it ends is taken for one as well.
    """
    if not _by_beginning:
        return text[:limit]
    folded = _fold(text)
    shown: list[str] = []
    size = position = 0
    while position < len(text) and size < limit:
        length = _length_of_secret(folded, position, cut)
        part = CONCEALED if length else text[position]
        shown.append(part)
        size += len(part)
        position += length or 1
    return "".join(shown)


def _length_of_secret(folded: str, position: int, cut: bool) -> int:
    """How many characters from `position` on are a secret, or 0."""
    forms = _by_beginning.get(folded[position : position + _SHORTEST])
    if forms is None:
        return 0
    rest = folded[position:]
    if cut:
        following = bisect_left(forms, rest)
        if following < len(forms) and forms[following].startswith(rest):
            return len(rest)
    if not rest.startswith(forms):  # one call, because a target may repeat how all tokens of a kind begin
        return 0
    return max(len(form) for form in forms if rest.startswith(form))


def _fold(text: str) -> str:
    """`text` in one case, character by character: of the same length, and without regard to what stands around."""
    return text.replace("İ", "i").lower().replace("ς", "σ")  # noqa: RUF001 - the two for which `lower` does otherwise


def _forms(secret: str) -> Iterator[str]:
    """All that `secret` may look like in a text."""
    for text in _texts(secret):
        encoded = text.encode("utf-8", "surrogateescape")
        yield text
        yield text.upper()  # not always as long as the text, and so of another form when folded
        yield text.lower()
        yield encoded.decode("latin-1")  # as headers are read
        yield quote(encoded, safe="")
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1].translate(_GO_JSON)
        for table in _ESCAPES:
            yield text.translate(table)
        for form in _in_base64(encoded):
            yield form
            yield form.replace("+", "-").replace("/", "_")


def _texts(secret: str) -> Iterator[str]:
    """The parts of `secret` that a target may quote: all of it, and each line, because a header holds but one."""
    yield secret.strip()
    lines = (line.strip() for line in secret.splitlines())
    yield from islice((line for line in lines if len(line) >= _SHORTEST_LINE), _MOST_LINES)


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that `secret` alone decides, wherever in a text in base64 it begins."""
    for before in range(3):
        encoded = b64encode(bytes(before) + secret).decode("ascii")
        yield encoded[-(-8 * before // 6) : 8 * (before + len(secret)) // 6]


def _note(secret: str) -> _Forms:
    forms = tuple(dict.fromkeys(_fold(form) for form in _forms(secret) if len(form) >= _SHORTEST))
    for form in forms:
        _uses[form] += 1
        if _uses[form] == 1:
            found = list(_by_beginning.get(form[:_SHORTEST], ()))
            insort(found, form)
            _by_beginning[form[:_SHORTEST]] = tuple(found)
    return forms


def _forget(forms: _Forms) -> None:
    for form in forms:
        _uses[form] -= 1
        if _uses[form] == 0:
            del _uses[form]
            left = tuple(other for other in _by_beginning[form[:_SHORTEST]] if other != form)
            if left:
                _by_beginning[form[:_SHORTEST]] = left
            else:
                del _by_beginning[form[:_SHORTEST]]
