"""What the checks of the Meshery profile find out about a simulated deployment."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Container

from agent.core.check import Check, Plan
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from agent.demo.configuration import write_configuration
from agent.demo.simulation import Simulation
from agent.probes._door import run_probe
from agent.probes._network import Network
from agent.probes._settings import ProbeSettings
from agent.settings.load import load
from agent.settings.plan import plan

TIMEOUT = 3.0
"""Seconds: what is not to be had on loopback within it is not there."""
SILENCE = 1.5
"""Seconds after which a check that is to time out has done so."""


def plan_from(simulation: Simulation, *vantages: str) -> Plan:
    """The plan of an agent that stands at `vantages`; the demo's own by default."""
    return plan(load([write_configuration(simulation, "127.0.0.1:0", *([vantages] if vantages else []))]))


async def observe(checks: tuple[Check, ...], silent: Container[str] = ()) -> dict[str, Outcome]:
    """Runs every check once, all together, whatever they depend on; those that are `silent` are not waited for long."""
    network = Network()
    probes = [_settings(check).probe(network) for check in checks]
    timeouts = [SILENCE if check.name in silent else TIMEOUT for check in checks]
    outcomes = await gather(*map(run_probe, probes, timeouts))
    return {check.name: outcome for check, outcome in zip(checks, outcomes, strict=True)}


def _settings(check: Check) -> ProbeSettings:
    """The check's settings, but for a silence that lasts over a minute."""
    settings = check.settings
    assert isinstance(settings, ProbeSettings)
    if check.name == "websocket-idle":
        return settings.model_copy(update={"hold": 0.2})
    return settings


def failures(checks: tuple[Check, ...], outcomes: dict[str, Outcome]) -> dict[str, Reason | None]:
    """The reasons of the checks that are not up, without those that would be blocked by another."""
    failing = {name for name, outcome in outcomes.items() if outcome.verdict is not Verdict.UP}
    blocked = _blocked(checks, failing)
    return {name: outcomes[name].reason for name in failing - blocked}


def _blocked(checks: tuple[Check, ...], failing: set[str]) -> set[str]:
    blocked: set[str] = set()
    for _ in checks:
        blocked |= {check.name for check in checks if {*check.depends_on} & (failing | blocked)}
    return blocked
