"""What the engine's tests share: a recording sink, checks, and a supervisor on loopback."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from agent.core.check import Check, Path, Plan, Severity
from agent.core.outcome import Outcome
from agent.core.transitions import Standing, Transition
from agent.engine.check_loop import Services
from agent.engine.clock import Clock
from agent.engine.fan_out import FanOut
from agent.engine.limits import Limits
from agent.engine.stalls import Stalls
from agent.engine.supervisor import Supervisor
from agent.probes import settings_of


@dataclass
class Recorder:
    """A sink, and the agent's own metrics, that remember everything."""

    events: list[tuple[str, str]] = field(default_factory=list)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    suspicions: dict[str, list[bool]] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    """Of the checks that exist now."""
    missed_slots: int = 0
    delays: list[float] = field(default_factory=list)
    stalled_runs: int = 0

    def added(self, check: Check, standing: Standing) -> None:
        self.events.append(("added", check.name))
        self.standings[check.name] = standing

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        self.events.append(("replaced", after.name))
        del self.standings[before.name]
        self.standings[after.name] = standing

    def removed(self, check: Check) -> None:
        self.events.append(("removed", check.name))
        del self.standings[check.name]

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        self.outcomes.setdefault(check.name, []).append(outcome)
        self.suspicions.setdefault(check.name, []).append(standing.suspected)

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        self.states.setdefault(check.name, []).append(transition.after.value)

    def missed(self, check: Check, slots: int) -> None:
        self.missed_slots += slots

    def schedule_delay(self, seconds: float) -> None:
        self.delays.append(seconds)

    def slots_missed(self, slots: int) -> None:
        """Counted by the sink's own call."""

    def stalled_run(self) -> None:
        self.stalled_runs += 1


def check(name: str, probe: dict[str, Any], **changes: Any) -> Check:
    settings = settings_of(probe["kind"]).model_validate(probe)
    made = Check(
        deployment="prod",
        system="custom",
        component="custom",
        name=name,
        kind=probe["kind"],
        vantage="server",
        settings=settings,
        every=0.2,
        timeout=0.2,
        slo=0.999,
        latency_objective=0.5,
        severity=Severity.PAGE,
        target=settings.target(),
        host=settings.endpoint().host,
        path=Path("agent", name, str(settings.endpoint().port), "test"),
    )
    return replace(made, **changes)


def plan(*checks: Check) -> Plan:
    return Plan(checks)


@asynccontextmanager
async def supervisor(
    recorder: Recorder, limits: Limits | None = None, standing_of: Callable[[Check], Standing] = lambda _: Standing()
) -> AsyncIterator[Supervisor]:
    stalls = Stalls(lambda _: None)
    stalls.start()
    services = Services(
        Clock(), limits or Limits(500, 20), stalls, FanOut([recorder], lambda name: None), recorder, None
    )
    running = Supervisor(services, standing_of)
    try:
        yield running
    finally:
        await running.stop()
        stalls.stop()
