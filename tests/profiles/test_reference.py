"""The documentation page is the catalogue in words."""

from __future__ import annotations

from pathlib import Path

import agent
from agent.profiles.catalogue import catalogue
from agent.profiles.reference import page

ROOT = Path(agent.__file__).parent.parent


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "meshery.md").read_text() == page("meshery"), "run `make docs`"


def test_every_row_has_a_section_and_every_answer_a_line() -> None:
    text = page("meshery")
    for row in catalogue("meshery").rows:
        assert f"### {row.id.replace('{each.name}', 'NAME')}\n" in text
        for words in row.meaning.values():
            assert f" | {' '.join(words.split())} |" in text


def test_no_template_is_left_open() -> None:
    assert "{each" not in page("meshery")
