"""`reachd demo` as people use it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.commands.demo import _listening
from agent.core.reasons import Reason
from agent.demo.faults import FAULTS
from tests.servers.catalogue import find
from tests.servers.process import free_port, wait_until

_UP_WITHIN = 30.0
_DOWN_WITHIN = 15.0
_END_WITHIN = 10.0
_PROGRAM = f"{sys.executable} -m agent"
_LAST_WORDS = "repairs it, and Ctrl-C ends everything.\n"
_TAKES_OVER_A_MINUTE = "websocket-idle"


class RunningDemo:
    """A demo in a process of its own; `lines` is what it printed until it was ready."""

    def __init__(self, process: subprocess.Popen[str], listen: str) -> None:
        self.process = process
        self.listen = listen
        assert process.stdout is not None
        self.lines: list[str] = []
        for line in process.stdout:
            self.lines.append(line)
            if line.endswith(_LAST_WORDS):
                break

    def states(self) -> dict[str, str]:
        """The state of each check, but for the one whose first run takes long."""
        return {name: state for name, (state, _) in self._checks().items() if name != _TAKES_OVER_A_MINUTE}

    def reason(self, check: str) -> str:
        """Why the check is down; empty while it is not."""
        state, reason = self._checks()[check]
        return reason if state == "down" else ""

    def _checks(self) -> dict[str, tuple[str, str]]:
        """State and reason of the last run, by check."""
        directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with directly.open(f"http://{self.listen}/api/v1/checks", timeout=5) as answer:
            checks = json.load(answer)["checks"]
        return {check["check"]: (check["state"], (check["last"] or {}).get("reason") or "") for check in checks}


@contextmanager
def running_demo(path: str) -> Iterator[RunningDemo]:
    """`reachd demo` with `path` as its PATH, ended by Ctrl-C."""
    listen = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "demo", "--listen", listen],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield RunningDemo(process, listen)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_END_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()


def children(process: subprocess.Popen[str]) -> list[int]:
    """Ids of the processes that `process` has started and that still run."""
    return [int(child) for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.slow
@pytest.mark.servers("nats-server")
def test_a_fault_goes_down_and_up_again_by_command(capsys: pytest.CaptureFixture[str]) -> None:
    nats = find("nats-server")
    assert nats is not None
    with running_demo(str(nats.parent)) as demo:
        wait_until(lambda: set(demo.states().values()) == {"up"}, _UP_WITHIN, "all checks are up")
        assert main(["demo", "break", "broker-down", "--listen", demo.listen]) == 0
        wait_until(
            lambda: demo.reason("broker-client") == Reason.CONNECT_REFUSED.value, _DOWN_WITHIN, "the Broker is down"
        )
        assert main(["demo", "repair", "broker-down", "--listen", demo.listen]) == 0
        wait_until(lambda: set(demo.states().values()) == {"up"}, _UP_WITHIN, "all checks are up again")
        started = children(demo.process)
        assert len(started) == 1
    assert demo.process.returncode == 0
    assert not Path(f"/proc/{started[0]}").exists()
    assert capsys.readouterr().out == "broker-down is broken\nbroker-down is repaired\n"


@pytest.mark.servers("nats-server")
def test_a_demo_that_is_killed_takes_its_broker_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nats = find("nats-server")
    assert nats is not None
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where it leaves its files
    with running_demo(str(nats.parent)) as demo:
        (broker,) = children(demo.process)
        assert is_running(broker)
        demo.process.kill()
        try:
            wait_until(lambda: not is_running(broker), _END_WITHIN, "the Broker has ended")
        finally:
            if is_running(broker):
                os.kill(broker, signal.SIGKILL)


def is_running(process: int) -> bool:
    """Whether the process has not ended; one that has, and that nobody has waited for, has no command line."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def test_it_introduces_itself_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    with running_demo(str(tmp_path)) as demo:
        text = "".join(demo.lines)
    assert demo.process.returncode == 0
    assert f"http://{demo.listen}/metrics" in text
    assert "a stand-in, since nats-server is not on PATH" in text
    assert all(fault.title in text for fault in FAULTS)
    commands = [f"demo break {fault.name}" for fault in FAULTS] + ["demo repair NAME"]
    assert all(f"{_PROGRAM} {command} --listen {demo.listen}" in text for command in commands), text


def test_the_usual_address_need_not_be_named() -> None:
    assert _listening("127.0.0.1:9886") == ""


def test_a_port_in_use_is_said_and_ends_with_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        demo = subprocess.run(
            [sys.executable, "-m", "agent", "demo", "--listen", listen],
            capture_output=True,
            text=True,
            timeout=_END_WITHIN,
            check=False,
        )
    assert demo.returncode == 2
    assert f"cannot listen on {listen}: " in demo.stderr
    assert "choose another with --listen 127.0.0.1:PORT" in demo.stderr
    assert demo.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["break"], "name a fault; `reachd demo faults` lists them"),
        (["break", "broker-dwn"], "broker-dwn: no such fault; did you mean broker-down?"),
        (["repair", "everything"], "everything: no such fault; `reachd demo faults` lists them"),
        (["start", "broker-down"], "start takes no fault; did you mean `reachd demo break broker-down`?"),
        (
            ["start", "broker-down", "--listen", "127.0.0.1:1"],
            "did you mean `reachd demo break broker-down --listen 127.0.0.1:1`?",
        ),
        (["start", "--listen", "here"], '--listen here: "here": expected an address and a port to listen on'),
        (["break", "broker-down", "--listen", "127.0.0.1:1"], "no demo answers at 127.0.0.1:1 ("),
    ],
)
def test_what_cannot_be_done_is_said_with_a_remedy(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["reachd"])
    assert main(["demo", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_faults_are_listed_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "faults"]) == 0
    listing = capsys.readouterr().out
    assert "adapter-hung" in listing
    assert "response_timeout, server_error" in listing


def test_the_page_of_the_documentation_has_every_fault() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "demo.md").read_text()
    for fault in FAULTS:
        reasons = ", ".join(dict.fromkeys(f"`{reason.value}`" for reason in fault.expected.values()))
        assert f"| `{fault.name}` | {fault.title} | {fault.symptom} | {reasons} |" in page
