"""All that the agent can export, for documentation: of checks, of each kind of probe, of a cluster, and of itself."""

from typing import NamedTuple

from agent.core.check import CHECK_LABELS
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.families import FAMILIES
from agent.metrics.kubernetes import FAMILIES as CLUSTER_FAMILIES
from agent.metrics.latency import LATENCY
from agent.metrics.measured import describe
from agent.metrics.store import CHECKS
from agent.metrics.text import Description
from agent.probes import probe_kinds, settings_of


class Entry(NamedTuple):
    """A family, with all its labels, and the kinds of probes that measure it; without kinds, each check has it."""

    family: Description
    labels: tuple[str, ...]
    kinds: tuple[str, ...] = ()


class Catalogue(NamedTuple):
    """All families, in the order of the exposition."""

    checks: tuple[Entry, ...]
    probes: tuple[Entry, ...]
    cluster: tuple[Entry, ...]
    agent: tuple[Entry, ...]

    def entries(self) -> tuple[Entry, ...]:
        return self.checks + self.probes + self.cluster + self.agent


def catalogue() -> Catalogue:
    """Every family that there is. Loads the modules of all probes."""
    of_checks = [Entry(family.description, CHECK_LABELS + family.description.labels) for family in FAMILIES]
    kinds = {kind: settings_of(kind).metrics for kind in probe_kinds()}
    metrics = dict.fromkeys([metric for measured in kinds.values() for metric in measured])
    of_probes = [
        Entry(
            describe(metric),
            (*CHECK_LABELS, *[label.name for label in metric.labels]),
            tuple([kind for kind, measured in kinds.items() if metric in measured]),
        )
        for metric in metrics
    ]
    of_agent = [CHECKS, *AgentMetrics().descriptions()]
    return Catalogue(
        (*of_checks, Entry(LATENCY, LATENCY.labels)),
        tuple(of_probes),
        tuple([Entry(family, family.labels) for family in CLUSTER_FAMILIES]),
        tuple([Entry(family, family.labels) for family in of_agent]),
    )
