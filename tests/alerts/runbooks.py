"""The runbooks as tests read them: what is in their blocks and their backticks, and the commands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))
WRITTEN = [name for name in PAGES if name != "reasons.md"]
"""Those that people write."""


def text_of(page: str) -> str:
    return (FOLDER / page).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [re.sub(r"(?m)^ {3}", "", block) for block in re.findall(rf"(?ms)^ *```{language}\n(.*?)^ *```$", text)]


def spans(text: str) -> list[str]:
    """What stands in backticks, blocks left out."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^ *```\w+\n.*?^ *```$", "", text))


def commands(text: str) -> Iterator[list[str]]:
    """Every command line shown, split as a shell would, without pipes and comments."""
    shown = [line for block in blocks(text, "sh") for line in block.replace("\\\n", " ").splitlines()]
    for line in [*shown, *spans(text)]:
        yield from _parts(line)


def _parts(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#" if re.search(r"\s#\s", line) else ""
    try:
        words = list(lexer)
    except ValueError:  # no command: an apostrophe, for instance
        return
    part: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("|;"):
            if part:
                yield part
            part = []
        else:
            part.append(word)
