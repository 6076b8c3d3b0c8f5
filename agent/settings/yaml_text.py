"""YAML of plain values."""

import json
import re
from collections.abc import Iterable, Iterator

_SIMPLE = re.compile(
    r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z/<](?:[a-z0-9_./:<>-]*[a-z0-9_/>])?|(?:[0-9]+(?:ms|h|m|s))+",
    re.IGNORECASE,
)


def yaml_lines(value: object, indent: str = "") -> Iterator[str]:
    """The lines of plain values, every text in quotes that is not a simple word. PyYAML needs ten times as long."""
    entries: Iterable[tuple[str, object]]
    if isinstance(value, dict):
        entries = ((f"{_text(key)}:", item) for key, item in value.items())
    elif isinstance(value, list):
        entries = (("-", item) for item in value)
    else:
        yield indent + _text(value)
        return
    for head, item in entries:
        if not isinstance(item, dict | list):
            yield f"{indent}{head} {_text(item)}"
        elif not item:
            yield f"{indent}{head} {'{}' if isinstance(item, dict) else '[]'}"
        elif head == "-":
            first, *rest = yaml_lines(item, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        else:
            yield indent + head
            yield from yaml_lines(item, indent + "  ")


def _text(value: object) -> str:
    return value if isinstance(value, str) and _SIMPLE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
