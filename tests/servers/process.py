"""One real server as a child process: started in the foreground, waited for, and ended by its own process id."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import randbelow
from typing import Self

from tests.servers.catalogue import find

FIRST_EPHEMERAL_PORT = 32768
START_SECONDS = 45.0
STOP_SECONDS = 5.0
LAST_LINES = 40


_HANDED_OUT: set[int] = set()


def free_port() -> int:
    """A TCP and UDP port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves.

    It is none of those that the kernel hands out itself, to connections and to servers on port 0.
    """
    while True:
        port = 15000 + randbelow(FIRST_EPHEMERAL_PORT - 15000)
        if port in _HANDED_OUT:
            continue
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
            try:
                stream.bind(("127.0.0.1", port))
                datagram.bind(("127.0.0.1", port))
            except OSError:
                continue
            _HANDED_OUT.add(port)
            return port


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Returns as soon as `condition` holds; after `seconds`, an AssertionError that says `what` did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def accepts(port: int) -> bool:
    """Whether something on 127.0.0.1 accepts a TCP connection on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A program that runs between `start()` and `stop()`, on the same ports each time; a context manager does both.

    What it printed since the first start is in `log()`, and its end is written to standard error when it stops, which
    pytest shows when the test failed.
    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        folder: Path,
        ready: Callable[[], bool],
        *,
        port: int,
        start_seconds: float = START_SECONDS,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self.folder = folder
        self.port = port
        self._program = program
        self._arguments = arguments
        self._ready = ready
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._log_file = folder / f"{program}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port` of its main port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Its main port as an http URL, without a slash at the end."""
        return f"http://{self.address}"

    @property
    def pid(self) -> int:
        """The process id of the server itself; it must be running."""
        assert self._process is not None, f"{self._program} is not running"
        return self._process.pid

    def log(self) -> str:
        """What the server printed so far."""
        return self._log_file.read_text(errors="replace")

    def start(self) -> None:
        """Starts the server and returns when it is ready; if it never is, the error has the end of its log."""
        assert self._process is None, f"{self._program} runs already"
        path = find(self._program)
        assert path is not None, f"{self._program} is missing; `make servers` brings it in"
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [path, *self._arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(self._answers, self._start_seconds, f"{self._program} is ready")
        except AssertionError:
            self.stop()
            raise

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the server and waits for it; one that ignores the signal is killed. Stopping twice is harmless."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        sys.stderr.write(f"--- {self._program}, pid {process.pid} ---\n{self._end_of_log()}\n")

    def signal(self, which: signal.Signals) -> None:
        """Sends a signal to the server, such as the one that makes it read its configuration again."""
        assert self._process is not None, f"{self._program} is not running"
        self._process.send_signal(which)

    def pause(self) -> None:
        """Freezes the server: the kernel still accepts connections for it, and nothing answers."""
        self.signal(signal.SIGSTOP)
        status = Path(f"/proc/{self.pid}/stat")
        wait_until(
            lambda: status.read_text().rpartition(")")[2].split()[0] == "T", STOP_SECONDS, "the server has stopped"
        )

    def resume(self) -> None:
        """Lets a frozen server go on."""
        self.signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        assert self._process is not None
        if (status := self._process.poll()) is not None:
            raise AssertionError(f"{self._program} ended with status {status}:\n{self._end_of_log()}")
        return self._ready()

    def _end_of_log(self) -> str:
        return "\n".join(self.log().splitlines()[-LAST_LINES:])
