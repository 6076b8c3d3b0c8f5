"""Turns a deployment and its profile's catalogue into checks. Pure: touches neither files of the user nor the network."""

from dataclasses import dataclass

from agent.core.check import Check, UntestableRow


@dataclass(frozen=True, slots=True)
class ExpansionContext:
    """What of the rest of the configuration decides how a profile expands.

    vantages: where the agent stands. every, timeout, latency_objective: seconds. slo: ratio of runs that must succeed.
    """

    vantages: frozenset[str]
    every: float
    timeout: float
    slo: float
    latency_objective: float


@dataclass(frozen=True, slots=True)
class Expansion:
    """The rows of a profile for one deployment: those that become checks here, and the others with the reason why."""

    checks: tuple[Check, ...]
    untestable: tuple[UntestableRow, ...]
