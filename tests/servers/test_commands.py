"""A tool that hangs or fails while it brings a server in is ended, and says why in one line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.servers.commands import CommandError, run
from tests.servers.process import wait_until


def is_gone(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_command_over_its_budget_ends_with_its_children(tmp_path: Path) -> None:
    before = time.monotonic()
    with pytest.raises(CommandError, match=r"sh -c .* took over 0 s"):
        run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/child; wait"], 0.3)
    assert time.monotonic() - before < 5
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: is_gone(child), 5, "the child is gone")


def test_the_last_words_of_a_failed_command_are_told() -> None:
    with pytest.raises(CommandError, match="ended with status 3: no such package"):
        run(["sh", "-c", "echo no such package >&2; exit 3"], 5)


def test_a_command_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="no-such-program: No such file"):
        run(["no-such-program"], 5)


def test_what_a_command_prints_is_given_back() -> None:
    assert run(["sh", "-c", 'echo "$WORD"'], 5, environment={"WORD": str(os.getpid())}) == f"{os.getpid()}\n"
