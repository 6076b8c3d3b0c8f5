"""Output wherever it goes: a pipe that closes early, a terminal without colours, one that knows no UTF-8."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.agent.support import check, write
from tests.commands.support import reachd
from tests.probes.support import refusing

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize("command", [["reasons"], ["validate", "FILE"], ["check", "--config", "FILE"]])
def test_a_reader_that_leaves_early_is_no_failure(command: list[str], tmp_path: Path) -> None:
    file = write(tmp_path / "reachd.yaml", {"checks": [check("here", "tcp", address="127.0.0.1:1")]})
    process = reachd(*[str(file) if word == "FILE" else word for word in command])
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=20)
    assert err == b""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_colours_only_where_they_are_wanted(environment: Mapping[str, str], coloured: bool) -> None:
    with refusing() as nothing:
        status, out = on_a_terminal(["check", f"tcp://{nothing}"], {"TERM": "xterm", **environment})
    assert status == 1
    assert ("\x1b[31m✗\x1b[0m" in out) is coloured
    assert ("\x1b[1m" in out) is coloured
    assert "✗" in out
    assert ("checks done" in out) is (environment.get("TERM") != "dumb")


def on_a_terminal(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Status and output of a command whose standard output is a terminal."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", *command],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**kept, "PYTHONUTF8": "1", **environment},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
    os.close(ours)
    return process.wait(20), shown.decode()


@pytest.mark.parametrize("command", [["check", "URL"], ["targets", "--config", "FILE"], ["explain", "dns_nxdomain"]])
def test_a_terminal_without_utf_8(command: list[str], tmp_path: Path) -> None:
    deployment = {"name": "prod", "profile": "meshery", "server": "http://meshery.meshery.svc:9081"}
    file = write(tmp_path / "reachd.yaml", {"vantage": ["server"], "deployments": [deployment]})
    with refusing() as nothing:
        words = {"FILE": str(file), "URL": f"tcp://{nothing}"}
        process = reachd(*[words.get(word, word) for word in command], environment=ASCII)
        out, err = process.communicate(timeout=20)
    assert process.returncode == (1 if "check" in command else 0), err
    assert out.isascii()
    assert err == b""
    assert "x url-1" in out.decode() or "check" not in command
