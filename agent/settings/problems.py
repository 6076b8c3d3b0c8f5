"""What is wrong with a configuration: every problem with its place, what was found, what is expected and the remedy."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys and list positions that lead from the top of the configuration to a value."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_MOST_KEYS_SHOWN = 40
_LONGEST_PATH = 12


class Problem(NamedTuple):
    """One thing that is wrong. `file` is empty and `line` 0 where the problem has no place in a file."""

    file: str
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigurationError(Exception):
    """The configuration cannot be used. `problems` holds all that is wrong, by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def render_path(path: Path, top: object) -> str:
    """A path as people read it, list items by their name if they have one: `checks[docs-site].probe.url`.

    top: the configuration as it was read.
    """
    shown = ""
    value = top
    for step in path[:_LONGEST_PATH]:
        value = step_into(value, step)
        if isinstance(step, int):
            name = value.get("name") if isinstance(value, dict) else None
            shown += f"[{name if isinstance(name, str) and _PLAIN_KEY.fullmatch(name) else step}]"
        else:
            shown += ("." if shown else "") + show_key(step)
    return shown if len(path) <= _LONGEST_PATH else f"{shown}…"


def step_into(value: object, step: str | int) -> object:
    """The value below `value` at a key or position, or None."""
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        return value[step]
    return None


def show_key(key: str) -> str:
    """A key, escaped and shortened where it is not a plain word."""
    return key if _PLAIN_KEY.fullmatch(key) and len(key) <= 80 else repr(key[:80])


def unknown(what: str, found: str, known: Sequence[str]) -> str:
    """Says that `found` is not a known `what`, with the nearest known one, or all of them if none is near."""
    near = nearest(found, known)
    shown = f"'{found}'" if _PLAIN_KEY.fullmatch(found) and len(found) <= 80 else show_key(found)
    if near:
        return f"unknown {what} {shown}; did you mean '{near}'?"
    if not known:
        return f"unknown {what} {shown}; there are none to choose from"
    more = ", …" if len(known) > _MOST_KEYS_SHOWN else ""
    return f"unknown {what} {shown}; known ones are {', '.join(known[:_MOST_KEYS_SHOWN])}{more}"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    spelled = word.lower().replace("-", "_")
    by_spelling = {candidate.lower().replace("-", "_"): candidate for candidate in known}
    near = get_close_matches(spelled[:80], by_spelling, n=1, cutoff=0.65)
    return by_spelling[near[0]] if near else None
