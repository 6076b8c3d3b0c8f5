"""docs/runbooks/reasons.md has what `reachd explain` prints of each reason."""

import re
from argparse import Namespace
from pathlib import Path

import pytest

from agent.commands.explain import execute
from agent.core.reasons import Reason
from agent.core.reasons_reference import page

PAGE = Path(__file__).parents[2] / "docs" / "runbooks" / "reasons.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize("reason", Reason)
def test_a_section_says_what_the_command_prints(reason: Reason, capsys: pytest.CaptureFixture[str]) -> None:
    section = page().partition(f"\n## {reason}\n")[2].partition("\n## ")[0]
    short, blame, rest = re.findall(r"(?s)In short: (.*)\. (To blame: .*?)\.(.*)", section)[0]
    execute(Namespace(subject=reason.value))
    assert capsys.readouterr().out.split() == f"{reason}: {short} {blame} {rest}".split()
