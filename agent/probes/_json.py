"""JSON from a target: anything may be missing, of another type, or absurd."""

import json
from collections.abc import Mapping
from math import isfinite

JsonObject = Mapping[str, object]

NOTHING: JsonObject = {}


def json_object(text: bytes) -> JsonObject | None:
    """The object that `text` is, or None when it is none."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def child(parent: JsonObject, name: str) -> JsonObject:
    """The object under `name`, empty when there is none."""
    value = parent.get(name)
    return value if isinstance(value, dict) else NOTHING


def children(parent: JsonObject, name: str) -> tuple[JsonObject, ...]:
    """The objects in the list under `name`; what is no object is left out."""
    value = parent.get(name)
    return tuple([item for item in value if isinstance(item, dict)]) if isinstance(value, list) else ()


def text_of(parent: JsonObject, name: str) -> str:
    """The text under `name`, empty when there is none."""
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def texts(parent: JsonObject, name: str) -> tuple[str, ...]:
    """The texts in the list under `name`; what is no text is left out."""
    value = parent.get(name)
    return tuple([item for item in value if isinstance(item, str)]) if isinstance(value, list) else ()


def number_of(parent: JsonObject, name: str) -> float | None:
    """The number under `name` when it is one that a metric can carry: finite, and no boolean."""
    value = parent.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None
