"""Commands that are printed can be copied: they are called as this one was."""

import sys
from pathlib import Path

import pytest

from agent.commands.invocation import invocation


@pytest.mark.parametrize(
    ("typed", "on_path", "shown"),
    [
        ("venv/bin/reachd", False, "venv/bin/reachd"),
        ("venv/bin/reachd", True, "reachd"),
        ("agent/__main__.py", False, "my/python -m agent"),
        ("bin/pytest", False, "reachd"),
    ],
)
def test_as_it_was_typed(
    typed: str, on_path: bool, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "venv/bin/reachd"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(program.parent) if on_path else str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", [typed])
    monkeypatch.setattr(sys, "orig_argv", ["my/python", "-m", "agent"])
    assert invocation() == shown
