"""What the checks of the Meshery profile find out about a simulated deployment."""

from __future__ import annotations

from asyncio import gather

from agent.core.check import Check, Plan
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from agent.demo.configuration import write_configuration
from agent.demo.simulation import Simulation
from agent.probes._door import run_probe
from agent.probes._network import Network
from agent.probes._settings import AuthorizationSettings, AuthSettings, ProbeSettings, TlsSettings
from agent.settings.load import load
from agent.settings.plan import plan

TIMEOUT = 1.5
"""Seconds: what is not to be had on loopback within it is not there."""


def plan_from(simulation: Simulation, *vantages: str) -> Plan:
    """The plan of an agent that stands at `vantages`; the demo's own by default."""
    return plan(load([write_configuration(simulation, "127.0.0.1:0", *([vantages] if vantages else []))]))


async def observe(simulation: Simulation, checks: tuple[Check, ...]) -> dict[str, Outcome]:
    """Runs every check once, all together, whatever they depend on."""
    network = Network()
    probes = [settings_here(check, simulation).probe(network) for check in checks]
    outcomes = await gather(*(run_probe(probe, TIMEOUT) for probe in probes))
    return {check.name: outcome for check, outcome in zip(checks, outcomes, strict=True)}


def settings_here(check: Check, simulation: Simulation) -> ProbeSettings:
    """The check's settings, but for what this machine does not have and for what takes over a minute."""
    settings = check.settings
    assert isinstance(settings, ProbeSettings)
    if check.name in ("meshsync-kubernetes-api", "operator-kubernetes-api"):
        # Their address and their files exist inside a cluster only.
        token = AuthorizationSettings(credentials_file=simulation.secrets.cluster_token.file)
        return settings.model_copy(
            update={
                "url": simulation.cluster.url,
                "tls": TlsSettings(ca_file=simulation.authority.ca_file),
                "auth": AuthSettings(authorization=token),
            }
        )
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
