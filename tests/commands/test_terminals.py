"""Output wherever it goes: a pipe that closes early, a terminal without colours, one that knows no UTF-8."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from agent.commands.terminal import Terminal
from agent.core.transitions import State
from tests.agent.support import check, write
from tests.commands.support import reachd
from tests.probes.support import refusing

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_reader_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    file = write(tmp_path / "reachd.yaml", {"checks": [check("here", "tcp", address="127.0.0.1:1")]})
    process = reachd("targets", "--config", file, without=["PYTHONUNBUFFERED"])
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=20)
    assert err == b""
    assert process.returncode == 0


@contextmanager
def terminal() -> Iterator[tuple[TextIO, Callable[[], str]]]:
    """A stream to a terminal, and what the terminal shows once the stream is closed."""
    ours, theirs = pty.openpty()

    def shown() -> str:
        data = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the other end is closed
                return data.decode()
            if not more:
                return data.decode()
            data += more

    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as stream:
            yield stream, shown
    finally:
        os.close(ours)


def test_a_terminal_sees_progress_and_colours() -> None:
    with refusing() as nothing, terminal() as (stream, shown):
        environment = {**os.environ, "TERM": "xterm", "PYTHONUTF8": "1"}
        environment.pop("NO_COLOR", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "agent", "check", f"tcp://{nothing}"],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
        )
        stream.close()
        out = shown()
        assert process.wait(20) == 1
    assert "0 of 1 check done … waiting for url-1, up to 5 s" in out
    assert "\x1b[31m✗\x1b[0m url-1" in out
    assert "\x1b[1m1 check: 0 up, 1 down\x1b[0m" in out


@pytest.mark.parametrize(
    ("environment", "out"),
    [
        ({}, "\x1b[1mbold\x1b[0m \x1b[31m✗\x1b[0m\r\nworking\r\x1b[2Kdone\r\n"),
        ({"NO_COLOR": "1"}, "bold ✗\r\nworking\r\x1b[2Kdone\r\n"),
        ({"TERM": "dumb"}, "bold ✗\r\ndone\r\n"),
    ],
    ids=["terminal", "NO_COLOR", "dumb"],
)
def test_colours_only_where_they_are_wanted(
    environment: Mapping[str, str], out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    with terminal() as (stream, shown):
        writer = Terminal(stream)
        writer.line(f"{writer.bold('bold')} {writer.mark(State.DOWN)}")
        writer.progress("working")
        writer.line("done")
        stream.close()
        assert shown() == out


@pytest.mark.parametrize("command", [["check", "URL"], ["targets", "--config", "FILE"]])
def test_a_terminal_without_utf_8(command: list[str], tmp_path: Path) -> None:
    deployment = {"name": "prod", "profile": "meshery", "server": "http://mühle.example:9081"}
    file = write(tmp_path / "reachd.yaml", {"vantage": ["client"], "deployments": [deployment]})
    with refusing() as nothing:
        words = {"FILE": str(file), "URL": f"tcp://{nothing}"}
        process = reachd(*[words.get(word, word) for word in command], environment=ASCII)
        out, err = process.communicate(timeout=20)
    assert process.returncode == (1 if "check" in command else 0), err
    assert out.isascii()
    assert err == b""
    assert ("x url-1" in out.decode() and "default: here -> 127.0.0.1" in out.decode()) or "check" not in command
