"""A real agent in a process of its own, as an operator runs it."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.process import free_port

_START_TIMEOUT = 60.0


class AgentProcess:
    """A running agent: its process id, its address and its metrics."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, seconds_to_ready: float) -> None:
        self.pid = process.pid
        self.seconds_to_ready = seconds_to_ready
        self.address = f"http://127.0.0.1:{port}"

    def scrape(self, *, compressed: bool = False) -> bytes:
        """The body of one scrape."""
        request = urllib.request.Request(f"{self.address}/metrics")
        if compressed:
            request.add_header("Accept-Encoding", "gzip")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def total(self, name: str) -> float:
        """The sum of all samples of a metric."""
        return sum(value for _, value in self.samples(name))

    def samples(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Labels and values of all samples of that name."""
        # Of 10,000 checks the parser takes ten seconds to read everything.
        lines = [line for line in self.scrape().decode().splitlines() if line.startswith(name)]
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families("\n".join([*lines, ""]))
            for sample in family.samples
            if sample.name == name
        ]


@contextmanager
def agent(configuration: dict[str, object]) -> Iterator[AgentProcess]:
    """Starts an agent with `configuration` and waits until it is ready."""
    port = free_port()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "reachd.yaml"
        file.write_text(yaml.safe_dump({"listen": f"127.0.0.1:{port}", "log": {"level": "warning"}, **configuration}))
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "agent", "run", "--config", str(file)])
        try:
            seconds = _wait_until_ready(process, port, began)
            yield AgentProcess(process, port, seconds)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, began: float) -> float:
    url = f"http://127.0.0.1:{port}/healthz/ready"
    while time.perf_counter() - began < _START_TIMEOUT:
        if process.poll() is not None:
            raise RuntimeError(f"the agent ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.01)
    raise TimeoutError("the agent did not become ready")
