"""A whole agent to test: in this process, or in one of its own, always through what people and programs see of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import yaml
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from agent.app import Agent

Json = dict[str, Any]
_DIRECTLY = build_opener(ProxyHandler({}))
_START_SECONDS = 30.0


def write(file: Path, configuration: Mapping[str, object]) -> Path:
    """Writes a configuration that listens on any free port of loopback; replaces the file at once."""
    fresh = file.with_suffix(".new")
    fresh.write_text(yaml.safe_dump({"listen": "127.0.0.1:0", "proxy": "none", **configuration}))
    return fresh.replace(file)


def check(name: str, kind: str, /, **keys: object) -> dict[str, object]:
    """One entry of `checks`: keys of the check itself are told from those of its probe."""
    own = {key: keys.pop(key) for key in list(keys) if key in _OWN_KEYS}
    return {"name": name, "every": "200ms", "timeout": "200ms", **own, "probe": {"kind": kind, **keys}}


_OWN_KEYS = ("every", "timeout", "slo", "latency_objective", "severity", "depends_on", "labels")


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns as soon as `condition` holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def until_true(condition: Callable[[], Awaitable[object]], seconds: float = 30.0) -> None:
    """Returns as soon as `condition`, which has to be awaited, holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


def select(samples: Sequence[Sample], name: str, labels: Mapping[str, str]) -> dict[str, float]:
    """Values of the samples called `name` that have `labels`, by the name of their check (or empty)."""
    return {
        sample.labels.get("check", ""): sample.value
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


@dataclass
class Client:
    """What can be asked of an agent, beside the servers that run in the test's event loop."""

    file: Path
    session: ClientSession

    async def text(self, path: str, **headers: str) -> str:
        """The body of an answer of the agent."""
        async with self.session.get(path, headers=headers) as response:
            return await response.text()

    async def samples(self) -> list[Sample]:
        """One scrape."""
        families = text_string_to_metric_families(await self.text("/metrics", Accept="text/plain"))
        return [sample for family in families for sample in family.samples]

    async def values(self, name: str, **labels: str) -> dict[str, float]:
        """The values of a metric by check."""
        return select(await self.samples(), name, labels)

    async def check(self, name: str) -> Json:
        """What the API says of a check."""
        document: Json = json.loads(await self.text(f"/api/v1/checks/default/{name}"))
        return document

    async def states(self) -> dict[str, str]:
        """The state of every check."""
        document: Json = json.loads(await self.text("/api/v1/checks"))
        return {entry["check"]: entry["state"] for entry in document["checks"]}

    async def until_states(self, seconds: float = 30.0, /, **wanted: str) -> None:
        """Waits until the checks, hyphens in their names as underscores, are in these states."""
        named = {name.replace("_", "-"): state for name, state in wanted.items()}
        states: dict[str, str] = {}
        try:
            async with asyncio.timeout(seconds):
                while not named.items() <= states.items():
                    await asyncio.sleep(0.01)
                    states = await self.states()
        except TimeoutError:
            raise AssertionError(f"wanted {named}, still {states} after {seconds} s") from None

    async def until_runs(self, runs: int, seconds: float = 30.0) -> None:
        """Waits until each check that is not blocked has run so many times since it began to exist."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.values("probe_runs_total")
                blocked = await self.values("probe_state", state="blocked")
                if min(found[name] for name in found if name not in blocked) >= runs:
                    return
                await asyncio.sleep(0.01)

    async def reload(self, configuration: Mapping[str, object] | None = None) -> tuple[int, str]:
        """Asks for a reload, of another configuration where one is given. Returns status and text of the answer."""
        if configuration is not None:
            write(self.file, configuration)
        async with self.session.post("/-/reload") as response:
            return response.status, await response.text()


@dataclass
class LocalAgent(Client):
    """An agent inside of the test's own event loop, whose work is then the agent's own slowness."""

    agent: Agent


@asynccontextmanager
async def local_agent(
    folder: Path, configuration: Mapping[str, object], *, meanwhile: Callable[[], object] = lambda: None
) -> AsyncIterator[LocalAgent]:
    """An agent in this event loop, with its configuration in `folder`. `meanwhile` happens while it starts."""
    async with agent_of(write(folder / "reachd.yaml", configuration), meanwhile=meanwhile) as running:
        yield running


@asynccontextmanager
async def agent_of(path: Path, *, meanwhile: Callable[[], object] = lambda: None) -> AsyncIterator[LocalAgent]:
    """An agent in this event loop whose configuration is in a file, or in the files of a directory."""
    agent = Agent([path])
    meanwhile()
    await agent.start()
    try:
        async with ClientSession(agent.address) as session:
            yield LocalAgent(path, session, agent)
    finally:
        await agent.close()


@dataclass
class AgentProcess:
    """An agent in a process of its own. `file` is its configuration, `log_file` what it writes to standard error."""

    process: subprocess.Popen[bytes]
    file: Path
    log_file: Path
    address: str = ""

    def log(self) -> str:
        """What it has logged so far."""
        return self.log_file.read_text()

    def lines(self, event: str) -> list[Json]:
        """The lines of the log about an event."""
        found = []
        for line in self.log().splitlines():
            if line.startswith("{") and (document := json.loads(line))["event"] == event:
                found.append(document)
        return found

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Status and text of an answer."""
        request = Request(f"{self.address}{path}", method=method)
        try:
            with _DIRECTLY.open(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except OSError as error:
            if (status := getattr(error, "code", None)) is None:
                raise
            return status, error.read().decode()  # type: ignore[attr-defined]  # an HTTPError is its own answer

    def samples(self) -> list[Sample]:
        """One scrape."""
        families = text_string_to_metric_families(self.ask("/metrics")[1])
        return [sample for family in families for sample in family.samples]

    def values(self, name: str, **labels: str) -> dict[str, float]:
        """The values of a metric by check, from a scrape of its own."""
        return select(self.samples(), name, labels)

    def states(self) -> dict[str, str]:
        """The state of every check."""
        return {entry["check"]: entry["state"] for entry in json.loads(self.ask("/api/v1/checks")[1])["checks"]}

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit status."""
        return self.process.wait(seconds)


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns as soon as `condition` holds. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


@asynccontextmanager
async def client(process: AgentProcess) -> AsyncIterator[Client]:
    """A client of an agent in a process of its own."""
    async with ClientSession(process.address) as session:
        yield Client(process.file, session)


@contextmanager
def agent_process(
    folder: Path,
    configuration: Mapping[str, object],
    *,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "agent"),
    wait: bool = True,
    start_seconds: float = _START_SECONDS,
) -> Iterator[AgentProcess]:
    """Starts an agent and, with `wait`, returns when it has started. `program`: what Python runs."""
    file, log_file = write(folder / "reachd.yaml", configuration), folder / "log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *program, "run", "--config", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # as a service has: where sessions share the CPU, it gets a share of its own
        )
    running = AgentProcess(process, file, log_file)
    try:
        if wait:
            wait_until(lambda: process.poll() is not None or running.lines("started"), start_seconds)
            assert process.poll() is None, running.log()
            running.address = running.lines("started")[0]["address"]
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        sys.stderr.write(running.log()[-4000:])
