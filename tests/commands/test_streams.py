"""Commands whose standard streams are closed, or take nothing."""

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.agent.support import check, write
from tests.commands.support import reachd
from tests.probes.support import refusing
from tests.servers.process import wait_until

pytestmark = pytest.mark.slow


def _shell(script: str, *arguments: object) -> "subprocess.Popen[str]":
    words = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(["sh", "-c", script, *words], stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("arguments", "status"), [(["reasons"], 0), (["probes"], 0), (["check", "URL"], 1)], ids=str)
@pytest.mark.parametrize("closed", [">&-", "<&- >&-"])
def test_a_closed_output_is_no_failure(arguments: list[str], status: int, closed: str) -> None:
    with refusing() as nothing:
        words = [f"tcp://{nothing}" if word == "URL" else word for word in arguments]
        process = _shell(f'exec "$0" -m agent "$@" {closed}', *words)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (status, "")


@pytest.mark.parametrize("output", ["table", "json", "junit"])
@pytest.mark.parametrize(("port_is_open", "status"), [(True, 0), (False, 1)])
def test_a_reader_who_leaves_does_not_change_the_verdict(output: str, port_is_open: bool, status: int) -> None:
    with ExitStack() as stack:
        if port_is_open:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = f"127.0.0.1:{listener.getsockname()[1]}"
        else:
            address = stack.enter_context(refusing())
        process = reachd("check", f"tcp://{address}", "--output", output)
        assert process.stdout is not None
        process.stdout.close()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (status, b"")


def test_the_daemon_without_any_stream_ends_when_told(tmp_path: Path) -> None:
    file = write(tmp_path / "reachd.yaml", {"checks": [check("here", "tcp", address="127.0.0.1:1")]})
    with _shell('exec "$0" -m agent run --config "$1" <&- >&- 2>&-', file) as process:
        try:
            wait_until(lambda: _handles_sigterm(process.pid), 20, "the daemon runs")
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def _handles_sigterm(process: int) -> bool:
    """Whether SIGTERM has a handler by now."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("arguments", [["reasons"], ["check", "tcp://127.0.0.1:1"]], ids=lambda value: str(value[0]))
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    process = _shell('exec "$0" -m agent "$@" >/dev/full', *arguments)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 3
    assert err == f"reachd {arguments[0]}: cannot write: No space left on device\n"
