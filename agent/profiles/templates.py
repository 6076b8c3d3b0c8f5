"""Fills the templates of a catalogue with the facts of a deployment."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)*)(\?)?\}")


class MissingFactError(Exception):
    """A template refers to something that the deployment does not say. `fact` is its dotted name."""

    def __init__(self, fact: str) -> None:
        super().__init__(fact)
        self.fact = fact


class _Omitted(Exception):  # noqa: N818 - it is no error: an optional reference has nothing to refer to
    """The value is to be left out."""


def fill(template: object, facts: Mapping[str, object]) -> object:
    """The template with every `{name}` replaced, in mappings and lists too.

    A text that is nothing but one reference becomes the fact itself, whatever its type; in a list, the items of a fact
    that is a list. What contains `{name?}` is left out of its mapping or list where there is no such fact. Raises
    MissingFactError.
    """
    if isinstance(template, str):
        return _fill_text(template, facts)
    if isinstance(template, Mapping):
        filled: dict[object, object] = {}
        for key, value in template.items():
            try:
                filled[key] = fill(value, facts)
            except _Omitted:
                continue
        return filled
    if isinstance(template, list | tuple):
        items: list[object] = []
        for item in template:
            try:
                filled_item = fill(item, facts)
            except _Omitted:
                continue
            if isinstance(item, str) and isinstance(filled_item, list | tuple):
                items.extend(filled_item)
            else:
                items.append(filled_item)
        return items
    return template


def fill_text(template: str, facts: Mapping[str, object]) -> str:
    """A text template, filled. Raises MissingFactError."""
    return str(_fill_text(template, facts))


def _fill_text(template: str, facts: Mapping[str, object]) -> object:
    whole = _REFERENCE.fullmatch(template)
    if whole is not None:
        return _fact(whole, facts)
    return _REFERENCE.sub(lambda match: str(_fact(match, facts)), template)


def _fact(reference: re.Match[str], facts: Mapping[str, object]) -> object:
    name, optional = reference.groups()
    value: object = facts
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
        if value is None:
            raise _Omitted if optional else MissingFactError(name)
    return value
