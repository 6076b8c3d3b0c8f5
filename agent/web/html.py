"""Writing HTML: everything that is not markup is escaped here and nowhere else."""

import re
from collections.abc import Iterable
from html import escape


class Markup(str):
    """HTML that is safe as it is."""

    __slots__ = ()


Content = Markup | str | None | Iterable["Content"]

_VOID = ("br", "input", "link", "meta")
_BOUNDARY = re.compile(r"/+(?=.)|[?.](?=.)|(?<=.)&amp;")


def tag(name: str, /, *content: Content, **attributes: str | bool | None) -> Markup:
    """An element. Text is escaped; attributes that are None or False are left out, True stands without a value.

    A trailing underscore of an attribute's name is dropped and others become hyphens: `class_`, `aria_label`.
    """
    inner = "" if name in _VOID else f"{render(content)}</{name}>"
    return Markup(f"{start_tag(name, **attributes)}{inner}")


def start_tag(name: str, /, **attributes: str | bool | None) -> Markup:
    """The beginning of an element, for content that is too long to have at once."""
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{_safe(str(value))}"')
    return Markup("".join(parts) + ">")


def render(content: Content) -> str:
    """The text of nested content."""
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return _safe(content)
    return "".join([render(item) for item in content])


def breakable(text: str) -> Markup:
    """A long name or URL that may be broken where its parts meet."""
    return Markup(_BOUNDARY.sub(r"\g<0><wbr>", _safe(text)))


def _safe(text: str) -> str:
    """Escaped, and without characters that would vanish or change the direction of what stands around them."""
    if not text.isprintable():
        text = "".join([character if character.isprintable() or character == "\n" else "�" for character in text])
    return escape(text)
