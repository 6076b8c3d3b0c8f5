"""Writes docs/metrics.md from the catalogue. Run: python -m agent.metrics.reference > docs/metrics.md"""

import sys
from collections.abc import Iterable, Iterator, Sequence

from agent.core.check import CHECK_LABELS
from agent.core.reasons import Reason
from agent.metrics.catalogue import Entry, catalogue
from agent.metrics.kubernetes import NODE_CONDITIONS, TERMINATED_REASONS, WAITING_REASONS, WORKLOAD_TYPES
from agent.metrics.latency import BOUNDS
from agent.metrics.node_states import NODE_STATES

_INTRODUCTION = """\
# Metrics

This page is generated from the code by `make docs`.

`/metrics` answers in the Prometheus text format 0.0.4, or in OpenMetrics 1.0 to a reader that prefers it. Only
OpenMetrics has exemplars: the trace ids of successful runs whose traces are exported. gzip is used when the reader
takes it. Eight scrapes may be in progress at once; one more is answered with 503.

In OpenMetrics the families of counters and of info metrics have names without `_total` and `_info`; the names of
their samples, which are all that a query sees, are the same in both formats.
"""

_CHECKS = """\
## Every check

The series of a check begin with the check and end with it. Counters begin at 0; a check that is changed and keeps
its labels keeps its counters. Besides the labels shown, each series except the histogram has {labels}. A check
outside of any deployment has `deployment="default"`, `system="custom"` and `component="custom"`.

`probe_failure_reasons_total` counts every reason, those included for which the agent is to blame; such runs are in
`probe_inconclusive_total`, not in `probe_failures_total`. A run that overlapped a stall of the agent's event loop
of over 10 ms is neither in the histogram nor in `probe_slow_total`, but in `reachd_stalled_runs_total`. The buckets
of the histogram end at {bounds} seconds.

The labels of a check from the configuration are in `probe_target_info`, with `label_` before their names.
"""

_PROBES = """\
## Some kinds of probes

What a kind of probe measures besides. A gauge or info metric that the last run did not measure is absent, and so is a
counter that the target keeps while it cannot be read; both are absent while the check is blocked. A counter that the
agent keeps exists from its first sample on. The values of labels come from closed lists or from the configuration:
whatever else a target sends is `other`.
"""

_CLUSTER = """\
## A cluster

Where `kubernetes` is configured. `kube_*` have the names, labels and meanings of kube-state-metrics 2, and `reachd_*`
are what it does not have. Where it runs too, set `kubernetes.kube_state_metrics`: then `reachd_*` alone are exported.
A rule that has to be right while both are scraped aggregates first, such as `max by (namespace, deployment) (...)`.

The series of an object end with the first scrape after the object has gone, and those of its lease and usage with
them. While the API server cannot be asked they stay as they were, and `reachd_source_last_success_timestamp_seconds`
says since when. An object whose name no API server would take is left out, and in each object all but the first 64
containers, taints or owners.

Nodes and pods write texts into their objects that become labels, so these lists are closed. Whatever else a reason
says, or an owner is, is `other`; kube-state-metrics 2 exports reasons as they stand. Other conditions of nodes are
left out.

- Reasons of waiting: {waiting}.
- Reasons of having ended: {terminated}.
- Conditions of nodes: {conditions}.
- Types of workloads: {workloads}.

Pods of a deployment belong to one of its ReplicaSets, which are not watched: `reachd_pod_workload_info` names the
deployment itself, in the labels that recording rules of kube-prometheus use. A sidecar that Kubernetes knows as one is
an init container. Usage is there where the metrics API is served.
"""

_NODE_STATES = """\
### What is done with a node

Each query gives one series for each node in that state, and counts nothing twice where kube-state-metrics is scraped,
too. Several clusters in one Prometheus are told apart by the label `cluster`, where series have it. Which pods are
leaving is known for the namespaces that are watched; that a node has none, only where `reachd_all_pods_watched` is 1.
Where `kubernetes.namespaces` names some, or kube-state-metrics alone has the pods, no node is called drained.
"""

_AGENT = """\
## The agent itself

And `process_*` as prometheus-client has them: CPU time, memory, open files, start time.
"""


def reference() -> str:
    """The page, as Markdown."""
    families = catalogue()
    labels = ", ".join([f"`{label}`" for label in CHECK_LABELS])
    bounds = ", ".join([f"{bound:g}" for bound in BOUNDS])
    agent = [entry for entry in families.agent if not entry.family.name.startswith("process_")]
    return "\n".join(
        [
            _INTRODUCTION,
            _CHECKS.format(labels=labels, bounds=bounds),
            *_table(("metric", "type", "what it says"), families.checks),
            "",
            f"Reasons are: {', '.join([f'`{reason}`' for reason in Reason])}.",
            "",
            _PROBES,
            *_table(("metric", "type", "what it says", "probes"), families.probes),
            "",
            _CLUSTER.format(
                waiting=_values(WAITING_REASONS),
                terminated=_values(TERMINATED_REASONS),
                conditions=_values(NODE_CONDITIONS),
                workloads=_values(WORKLOAD_TYPES),
            ),
            *_table(("metric", "type", "what it says"), families.cluster),
            "",
            _NODE_STATES,
            *_node_states(),
            _AGENT,
            *_table(("metric", "type", "what it says"), agent),
            "",
        ]
    )


def _values(known: Iterable[str]) -> str:
    return ", ".join([f"`{value}`" for value in sorted(known)])


def _node_states() -> Iterator[str]:
    for state in NODE_STATES:
        yield f"**{state.name}**: {state.meaning}.\n\n```promql\n{state.query}\n```\n"


def _table(columns: Sequence[str], entries: Sequence[Entry]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for family, _, kinds in entries:
        labels = f"{{{','.join(family.labels)}}}" if family.labels else ""
        cells = [f"`{family.name}{labels}`", family.type, family.help.replace("|", "\\|"), ", ".join(kinds)]
        yield f"| {' | '.join(cells[: len(columns)])} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
