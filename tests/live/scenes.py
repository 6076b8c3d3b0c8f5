"""What is broken, each scene in a cluster of its own with an agent of its own, and what has to be delivered for it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Set
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from aiohttp import web

from agent.core.check import Check, Severity
from agent.demo.faults import Fault
from agent.settings.load import load
from agent.settings.plan import plan
from tests.agent.support import AgentProcess, Json, agent_process, check, write
from tests.live.entered import entered
from tests.live.simulations import SimulatedMeshery
from tests.servers.process import free_port

Switch = Callable[[], Awaitable[None]]

_TAKES_LONG = "websocket-idle"
_STARTED_WITHIN = 120.0


def with_time(configuration: Json) -> Json:
    """The demo's configuration with more time for each run: on a loaded machine, only what hangs is slow.

    Without the row whose run takes over a minute, which is too long for rules that are five times as fast.
    """
    (deployment,) = configuration["deployments"]
    quick = {**deployment, "rows": {**deployment["rows"], _TAKES_LONG: {"enabled": False}}}
    defaults = {"every": "3s", "timeout": "2500ms", "latency_objective": "2500ms"}
    return {**configuration, "defaults": defaults, "deployments": [quick]}


def as_in_real_life(configuration: Json) -> Json:
    """The demo's configuration with the intervals that agents have by default."""
    (deployment,) = configuration["deployments"]
    patient = {key: value for key, value in deployment.items() if key != "rows"}
    return {**configuration, "defaults": {"every": "15s", "timeout": "5s"}, "deployments": [patient]}


@dataclass(frozen=True, slots=True)
class Expected:
    """The one notification group of a scene.

    group: some of its labels. told: the checks that it is about, as long as all of it is broken; none where it is about
    an agent. suppressed: the checks whose alerts it explains. others: names of more alerts that it explains.
    """

    receiver: str
    alert: str
    severity: str
    group: Mapping[str, str]
    told: Set[str] = frozenset()
    suppressed: Set[str] = frozenset()
    others: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that breaks. checks: what its agent watches, by name."""

    cluster: str
    agent: AgentProcess
    target: str
    wreck: Switch
    repair: Switch
    expected: Expected | None
    checks: Mapping[str, Check] = field(default_factory=dict)

    def not_up(self) -> list[str]:
        """The checks that the agent has not found up, but for the one that takes long."""
        states = self.agent.states()
        return [f"{name} is {state}" for name, state in states.items() if state != "up" and name != _TAKES_LONG]


@asynccontextmanager
async def simulated(
    folder: Path,
    meshery: SimulatedMeshery,
    fault: Fault | None,
    alert: str = "",
    changed: Callable[[Json], Json] = with_time,
) -> AsyncIterator[Scene]:
    """A simulated Meshery with a fault, or healthy. `changed` adapts the configuration of the demo's agent."""
    cluster = fault.name if fault else "healthy"
    target = f"127.0.0.1:{free_port()}"
    configuration = {**changed(yaml.safe_load(meshery.file.read_text())), "listen": target}
    async with _agent(folder / cluster, configuration) as running:
        checks = {one.name: one for one in plan(load([running.file])).checks}

        async def switch(on: bool) -> None:
            if fault:
                await meshery.switch(fault.name, on=on)

        expected = _expected(fault, checks, alert) if fault else None
        yield Scene(cluster, running, target, lambda: switch(True), lambda: switch(False), expected, checks)


def _expected(fault: Fault, checks: Mapping[str, Check], alert: str) -> Expected:
    """The checks that page tell of the fault; where none does, those that make a ticket."""
    broken = [checks[name] for name in fault.expected]
    worst = Severity.PAGE if any(one.severity is Severity.PAGE for one in broken) else Severity.TICKET
    told = {one.name for one in broken if one.severity is worst}
    (component,) = {one.component for one in broken if one.severity is worst}
    page = worst is Severity.PAGE
    return Expected(
        receiver="page" if page else "ticket",
        alert=alert,
        severity="critical" if page else "warning",
        group={"deployment": "demo", "component": component},
        told=told,
        suppressed={*fault.expected} - told,
    )


@asynccontextmanager
async def killed_agent(folder: Path) -> AsyncIterator[Scene]:
    """The only agent of a cluster is killed, and comes back at the same address."""
    async with _answering() as answering, AsyncExitStack() as stack:
        port = free_port()
        configuration = {"listen": f"127.0.0.1:{port}", "checks": [_own_check(answering.url)]}
        running = await stack.enter_async_context(_agent(folder / "agent-killed", configuration))

        async def kill() -> None:
            running.signal(signal.SIGKILL)

        async def replace() -> None:
            await stack.enter_async_context(_agent(folder / "agent-replaced", configuration))

        group = {"deployment": "default", "component": "agent"}
        expected = Expected("page", "ReachdMonitorBlind", "critical", group)
        yield Scene("agent-killed", running, f"127.0.0.1:{port}", kill, replace, expected)


@asynccontextmanager
async def rejected_configuration(folder: Path) -> AsyncIterator[Scene]:
    """An agent is given a configuration that it cannot use."""
    async with _answering() as answering:
        target = f"127.0.0.1:{free_port()}"
        configuration = {"listen": target, "checks": [_own_check(answering.url)]}
        async with _agent(folder / "configuration-rejected", configuration) as running:

            async def spoil() -> None:
                write(running.file, {**configuration, "chekcs": []})

            async def correct() -> None:
                write(running.file, configuration)

            expected = Expected("ticket", "ReachdConfigRejected", "warning", {"component": "agent"})
            yield Scene("configuration-rejected", running, target, spoil, correct, expected)


@asynccontextmanager
async def intermittent_target(folder: Path) -> AsyncIterator[Scene]:
    """A target answers every third request with an error, so that it is never down for two runs."""
    async with _answering() as answering:
        target = f"127.0.0.1:{free_port()}"
        configuration = {"listen": target, "checks": [_own_check(answering.url)]}
        async with _agent(folder / "intermittent", configuration) as running:

            async def spoil() -> None:
                answering.fails_every = 3

            async def mend() -> None:
                answering.fails_every = 0

            group = {"deployment": "default", "component": "custom", "check": "own"}
            others = {"ReachdHttpErrors"}
            expected = Expected("page", "ReachdErrorBudgetBurn", "critical", group, {"own"}, others=others)
            yield Scene("intermittent", running, target, spoil, mend, expected)


def _own_check(url: str) -> dict[str, object]:
    return check("own", "http", every="3s", timeout="2500ms", severity="page", url=url)


@dataclass
class _Answering:
    """An HTTP server. `fails_every`: each so manieth request is answered 503; 0 for none."""

    url: str = ""
    fails_every: int = 0
    _requests: int = 0

    async def answer(self, _: web.Request) -> web.Response:
        self._requests += 1
        failed = self.fails_every and self._requests % self.fails_every == 0
        return web.Response(status=503 if failed else 200)


@asynccontextmanager
async def _answering() -> AsyncIterator[_Answering]:
    running = _Answering()
    application = web.Application()
    application.router.add_get("/", running.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        yield running
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _agent(folder: Path, configuration: Mapping[str, object]) -> AsyncIterator[AgentProcess]:
    """An agent in a process of its own, while servers in this event loop go on."""
    await asyncio.to_thread(folder.mkdir)
    log = {"format": "json", "level": "info"}
    process = agent_process(folder, {**configuration, "log": log}, start_seconds=_STARTED_WITHIN)
    async with entered(process) as running:
        yield running
