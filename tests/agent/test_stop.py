"""The end of an agent: unready first, soon, and with the status that says why."""

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.agent.support import AgentProcess, agent_process, check, wait_until
from tests.probes.support import unaccepting
from tests.servers.process import accepts, free_port

STOP_SECONDS = 5.0


@contextmanager
def never_answering() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_dead_api_server_keeps_no_observer_from_leaving(tmp_path: Path) -> None:
    lease = {"namespace": "reachd", "duration": "15s", "retry": "2s"}
    with never_answering() as hung:
        cluster = {"name": "dead", "cluster": {"server": f"http://{hung}"}}
        context = {"name": "dead", "context": {"cluster": "dead"}}
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(
            json.dumps({"clusters": [cluster], "contexts": [context], "users": [], "current-context": "dead"})
        )
        observer = {"kubeconfig": str(kubeconfig), "election": lease, "sharing": lease}
        with agent_process(tmp_path, {"kubernetes": observer}) as agent:
            began = time.monotonic()
            agent.signal(signal.SIGTERM)
            status = agent.wait()
            elapsed = time.monotonic() - began
    assert status == 0, agent.log()
    assert elapsed < STOP_SECONDS


@pytest.mark.parametrize(("collector", "number"), [(never_answering, signal.SIGTERM), (unaccepting, signal.SIGINT)])
def test_an_agent_is_gone_in_time_whatever_hangs(
    tmp_path: Path, collector: Callable[[], AbstractContextManager[str]], number: signal.Signals
) -> None:
    with never_answering() as hung, collector() as dead:
        configuration = {
            "otlp": {"endpoint": f"http://{dead}", "success_ratio": 1.0},
            "state_file": str(tmp_path / "state.json"),
            "checks": [
                *[check(f"hung-{n}", "http", url=f"http://{hung}/", every="60s", timeout="60s") for n in range(20)],
                *[check(f"tcp-{n}", "tcp", address=hung) for n in range(5)],
            ],
        }
        with agent_process(tmp_path, configuration) as agent:
            wait_until(lambda: agent.states()["tcp-0"] == "up")
            readers = [reading_events(agent) for _ in range(3)]
            assert agent.ask("/healthz/ready")[0] == 200
            answers: list[int] = []
            began = time.monotonic()
            agent.signal(number)
            while agent.process.poll() is None and time.monotonic() < began + STOP_SECONDS:
                try:
                    answers.append(agent.ask("/healthz/ready")[0])
                except OSError:
                    break
            status = agent.wait()
            elapsed = time.monotonic() - began
            for reader in readers:
                reader.join(2)
    assert status == 0, agent.log()
    assert elapsed < STOP_SECONDS
    assert answers
    assert answers[-1] == 503
    assert set(answers) <= {200, 503}
    assert sorted(answers) == answers
    assert not [line for line in agent.log().splitlines() if '"level": "error"' in line or "Traceback" in line]
    assert json.loads((tmp_path / "state.json").read_text())["states"]["default/tcp-0"]


def reading_events(agent: AgentProcess) -> threading.Thread:
    """A client that holds the stream of events open."""
    connection = HTTPConnection(urlsplit(agent.address).netloc, timeout=20)
    connection.request("GET", "/api/v1/events")
    response = connection.getresponse()
    assert response.status == 200

    def read() -> None:
        try:
            while response.read1(100):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    return reader


def test_more_signals_change_nothing(tmp_path: Path) -> None:
    with unaccepting() as dead:
        configuration = {
            "otlp": {"endpoint": f"http://{dead}", "success_ratio": 1.0},
            "checks": [check("refused", "tcp", address="127.0.0.1:1")],
        }
        with agent_process(tmp_path, configuration) as agent:
            wait_until(lambda: agent.states() == {"refused": "down"})
            agent.signal(signal.SIGTERM)
            wait_until(lambda: agent.lines("stopping"))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                if agent.process.poll() is None:
                    agent.signal(number)
            assert agent.wait(STOP_SECONDS) == 0
            assert "Traceback" not in agent.log()


def test_a_signal_during_the_start_is_obeyed(tmp_path: Path) -> None:
    checks = [check(f"tcp-{number}", "tcp", address="127.0.0.1:1", every="60s") for number in range(2000)]
    port = free_port()
    with agent_process(tmp_path, {"listen": f"127.0.0.1:{port}", "checks": checks}, wait=False) as agent:
        wait_until(lambda: accepts(port), 30)
        began = time.monotonic()
        agent.signal(signal.SIGTERM)
        assert agent.wait() == 0, agent.log()
        assert time.monotonic() - began < STOP_SECONDS


def test_a_port_in_use_is_status_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with agent_process(tmp_path, {"listen": address}, wait=False) as agent:
            assert agent.wait() == 2
    assert f"reachd run: cannot listen on {address}: " in agent.log()
    assert "Traceback" not in agent.log()


def test_a_bad_configuration_is_status_2(tmp_path: Path) -> None:
    with agent_process(tmp_path, {"listen": "nowhere"}, wait=False) as agent:
        assert agent.wait() == 2
    assert agent.log().startswith(f"{agent.file}:")
    assert "Traceback" not in agent.log()


BROKEN = """\
import sys
from agent.app import Agent
from agent.__main__ import main

async def start(self):
    raise LookupError("nobody expected this")

Agent.start = start
sys.exit(main(sys.argv[1:]))
"""


def test_an_agent_that_breaks_is_status_3_with_a_traceback_in_its_log(tmp_path: Path) -> None:
    with agent_process(tmp_path, {}, program=("-c", BROKEN), wait=False) as agent:
        assert agent.wait() == 3
    (line,) = agent.lines("the agent itself broke")
    assert line["level"] == "critical"
    assert "LookupError: nobody expected this" in line["exception"]
    assert "Traceback" in line["exception"]
