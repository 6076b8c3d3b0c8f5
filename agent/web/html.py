"""Writing HTML: everything that is not markup is escaped here and nowhere else."""

from collections.abc import Iterable
from html import escape


class Markup(str):
    """HTML that is safe as it is."""

    __slots__ = ()


Content = Markup | str | None | Iterable["Content"]


def tag(name: str, /, *content: Content, **attributes: str | bool | None) -> Markup:
    """An element. Text is escaped; attributes that are None or False are left out, True stands without a value.

    A trailing underscore of an attribute's name is dropped and others become hyphens: `class_`, `aria_label`.
    """
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{escape(str(value))}"')
    parts.append(">")
    if name not in ("br", "input", "link", "meta"):
        parts.append(render(content))
        parts.append(f"</{name}>")
    return Markup("".join(parts))


def render(content: Content) -> str:
    """The text of nested content."""
    if content is None:
        return ""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return escape(content)
    return "".join([render(item) for item in content])
