"""What the tests of the web share: an agent without engine, whose board is fed by hand."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from time import time

import aiohttp

from agent.core.check import Check, CheckKey, Path, Plan, Severity, UntestableRow
from agent.core.outcome import Outcome, Verdict
from agent.core.ports import DemoSwitch, Note
from agent.core.reasons import PHASES, Blame, Phase, Reason
from agent.core.transitions import Standing
from agent.settings.model import Web
from agent.sinks.status import StateChange, StatusSink
from agent.web.parts import Parts
from agent.web.server import WebServer


def check(name: str = "server-live", deployment: str = "prod", **changes: object) -> Check:
    """A check of a Meshery deployment."""
    wanted = Check(
        deployment=deployment,
        system="meshery",
        component="server",
        name=name,
        kind="http",
        vantage="server",
        settings=name,
        every=15.0,
        timeout=5.0,
        slo=0.999,
        latency_objective=0.5,
        severity=Severity.PAGE,
        target=f"http://meshery.test:9081/{name}",
        host="meshery.test",
        path=Path("Clients", "Meshery Server", "9081/tcp", f"Purpose of {name}"),
    )
    return replace(wanted, **changes)  # type: ignore[arg-type]  # every test names fields of Check


def untestable_row(name: str = "mesh-sync", deployment: str = "prod") -> UntestableRow:
    """A connection that only another vantage can test."""
    return UntestableRow(
        deployment=deployment,
        system="meshery",
        component="meshsync",
        name=name,
        vantage="meshsync",
        target="broker.test:4222",
        path=Path("MeshSync", "Meshery Broker", "4222/tcp", "Discovered state"),
        why="only MeshSync's own network namespace can tell",
    )


def outcome(reason: Reason | None = None, detail: str = "", started: float | None = None, advice: str = "") -> Outcome:
    """A run that took 6 ms in three phases; it failed for `reason`, when there is one."""
    phases = dict.fromkeys(PHASES, None) | {Phase.RESOLVE: 0.001, Phase.CONNECT: 0.002, Phase.RESPONSE: 0.003}
    verdict = Verdict.UP
    if reason is not None:
        verdict = Verdict.UNKNOWN if reason.blame is Blame.AGENT else Verdict.DOWN
    elif advice:
        verdict = Verdict.UNKNOWN
    return Outcome(
        verdict=verdict,
        started=time() if started is None else started,
        duration=0.006,
        phases=tuple(phases.values()),
        reason=reason,
        phase=None if verdict is Verdict.UP else Phase.RESPONSE,
        detail=detail,
        advice=advice,
        peer="192.0.2.7:9081",
    )


class Board(StatusSink):
    """The real board, with a hand that feeds it as the engine does."""

    def __init__(self, *checks: Check, untestable: Sequence[UntestableRow] = ()) -> None:
        super().__init__(None)
        self.standings: dict[CheckKey, Standing] = {}
        self.readers = 0
        """How many read the events now."""
        self.want(*checks, untestable=untestable)

    async def events(self) -> AsyncIterator[StateChange]:
        self.readers += 1
        try:
            async for change in super().events():
                yield change
        finally:
            self.readers -= 1

    def want(self, *checks: Check, untestable: Sequence[UntestableRow] = ()) -> None:
        """Makes the plan exactly these checks."""
        before = {entry.check.key: entry.check for entry in self.entries()}
        self.plan_changed(Plan(checks, tuple(untestable)))
        for key, old in before.items():
            if key not in {check.key for check in checks}:
                self.removed(old)
        for new in checks:
            if new.key not in before:
                self.standings[new.key] = Standing()
                self.added(new, self.standings[new.key])

    def ran(self, name: str, *results: Outcome, deployment: str = "prod") -> None:
        """Ends runs of a check with these results."""
        entry = self.entry(CheckKey(deployment, name))
        assert entry is not None
        standing = self.standings[entry.check.key]
        for result in results:
            transition = standing.judge(result)
            self.observed(entry.check, result, standing)
            if transition is not None:
                self.moved(entry.check, transition, standing)

    def up(self, name: str, deployment: str = "prod") -> None:
        """Ends a run that found the target up."""
        self.ran(name, outcome(), deployment=deployment)

    def down(self, name: str, reason: Reason, detail: str = "", deployment: str = "prod") -> None:
        """Ends the two runs that it takes to be down."""
        self.ran(name, outcome(reason, detail), outcome(reason, detail), deployment=deployment)

    def blocked(self, name: str, by: str, deployment: str = "prod") -> None:
        """Blocks a check."""
        key = CheckKey(deployment, name)
        entry, standing = self.entry(key), self.standings[key]
        assert entry is not None
        transition = standing.block((by,), time())
        if transition is not None:
            self.moved(entry.check, transition, standing)


@dataclass
class Condition:
    """What the agent says of itself. Implements `agent.core.ports.Health`."""

    of_life: dict[str, str | None] = field(default_factory=lambda: {"event-loop": None})
    of_readiness: dict[str, str | None] = field(default_factory=lambda: {"configuration": None, "listener": None})

    of_people: dict[str, Note] = field(default_factory=dict)

    def live(self) -> Mapping[str, str | None]:
        return self.of_life

    def ready(self) -> Mapping[str, str | None]:
        return self.of_readiness

    def notes(self) -> Mapping[str, Note]:
        return self.of_people


class Faults:
    """Two faults. Implements `agent.core.ports.DemoControls`."""

    def __init__(self) -> None:
        self.on: set[str] = set()

    def switches(self) -> Sequence[DemoSwitch]:
        return [
            DemoSwitch("broker-down", "The Broker is gone", "The UI stands still.", "broker-down" in self.on),
            DemoSwitch("server-503", "The Server answers 503", "Its pod restarts.", "server-503" in self.on),
        ]

    async def set(self, name: str, on: bool) -> None:
        if name not in ("broker-down", "server-503"):
            raise KeyError(name)
        (self.on.add if on else self.on.discard)(name)


async def _some_metrics() -> AsyncGenerator[bytes, None]:
    yield b"# TYPE probe_success gauge\n"
    yield b"probe_success 1\n"


@dataclass
class Agent:
    """A listener with everything behind it, and a client."""

    board: Board
    health: Condition = field(default_factory=Condition)
    faults: Faults | None = None
    settings: Web = field(default_factory=Web)
    reloads: list[float] = field(default_factory=list)
    reload: Callable[[], Awaitable[Sequence[str]]] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    server: WebServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = WebServer(
            Parts(
                board=self.board,
                health=self.health,
                render_metrics=self._render,
                reload=self.reload or self._reload,
                config_text=lambda: "listen: 127.0.0.1:0\n",
                demo_controls=self.faults,
            ),
            self.settings,
        )

    def _render(self, accept: str, accept_encoding: str) -> tuple[dict[str, str], AsyncGenerator[bytes, None]]:
        self.asked.append((accept, accept_encoding))
        return {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}, _some_metrics()

    async def _reload(self) -> Sequence[str]:
        self.reloads.append(time())
        return ()


@asynccontextmanager
async def listening(agent: Agent, host: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
    """Starts the agent's listener on a free port; the session has its URL as base."""
    await agent.server.start(host, 0)
    agent.url = agent.server.address
    try:
        async with aiohttp.ClientSession(agent.url, timeout=aiohttp.ClientTimeout(10)) as session:
            yield session
    finally:
        await agent.server.close()
        await agent.board.close()
