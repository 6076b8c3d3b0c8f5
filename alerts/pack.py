"""All rules, by the files that they are in."""

from collections.abc import Callable, Iterator, Mapping

from alerts import broker, budget, down, monitor, nodes, observers, quality, traffic, verdicts, workloads
from alerts.rule import Alert, Group
from alerts.timing import Timing

FILES: Mapping[str, tuple[Callable[[Timing], Iterator[Group]], ...]] = {
    "reachd-checks": (down.groups, verdicts.groups, quality.groups, budget.groups),
    "reachd-broker": (broker.groups,),
    "reachd-kubernetes": (observers.groups, nodes.groups, workloads.groups),
    "reachd-agent": (monitor.groups,),
    "reachd-traffic": (traffic.groups,),
}
"""Names of files without their ending. The last one is about traffic that others measure."""


def files(timing: Timing) -> dict[str, list[Group]]:
    """The groups of each file."""
    return {name: [group for source in sources for group in source(timing)] for name, sources in FILES.items()}


def alerts() -> list[Alert]:
    """Every alert, in the order of the files."""
    everything = [group for groups in files(Timing()).values() for group in groups]
    return [rule for group in everything for rule in group.rules if isinstance(rule, Alert)]
