"""Nodes of a cluster. What is done to a node on purpose, and a node that has just joined, wakes nobody.

Sums are right where kube-state-metrics is scraped beside reachd, when the observer fails over, and while another one
cannot know that it has been followed.
"""

from collections.abc import Iterator

from agent.metrics.node_states import CORDONED, DRAINING
from alerts.limits import near_limit
from alerts.observers import latest
from alerts.rule import Alert, Dashboard, Group, Recording, Severity
from alerts.timing import Timing

DASHBOARD = Dashboard("reachd-kubernetes", ("cluster", "node"))
_COMPONENT = {"component": "node"}
_UNLESS_QUIET = "unless on (cluster, node) node:reachd_quiet:max"


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    yield Group("reachd-nodes", "15s", [_quiet(timing), _not_ready(timing), _pressure(timing), _near_limit(timing)])


def _quiet(timing: Timing) -> Recording:
    joined = f"time() - max by (cluster, node) (kube_node_created) < {timing.seconds('10m')}"
    return Recording(
        "node:reachd_quiet:max",
        f"group by (cluster, node) (\n(\n{CORDONED.query}\n)\nor (\n{DRAINING.query}\n)\nor {joined}\n)",
    )


def _not_ready(timing: Timing) -> Alert:
    ready = latest(timing, 'kube_node_status_condition{condition="Ready",status="true"}')
    return Alert(
        "ReachdNodeNotReady",
        Severity.CRITICAL,
        f"max by (cluster, node) {ready} == 0\n{_UNLESS_QUIET}",
        hold="3m",
        keep="5m",
        summary="A node is not Ready, so what runs on it does not answer or is about to be moved.",
        description=(
            "Node {{ $labels.node }} is not Ready."
            '{{ range query (printf `max by (status) (kube_node_status_condition{cluster=%q,node=%q,condition="Ready"})'
            " == 1` $labels.cluster $labels.node) }} Its condition Ready is {{ .Labels.status }}.{{ end }}"
        ),
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _pressure(timing: Timing) -> Alert:
    selector = 'condition=~"(Memory|Disk|PID)Pressure|NetworkUnavailable",status="true"'
    conditions = latest(timing, f"kube_node_status_condition{{{selector}}}")
    return Alert(
        "ReachdNodePressure",
        Severity.WARNING,
        f"max by (cluster, node, condition) {conditions} == 1\n{_UNLESS_QUIET}",
        hold="5m",
        summary="A node runs short of something, and may evict pods.",
        description="Node {{ $labels.node }} has the condition {{ $labels.condition }}.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _near_limit(timing: Timing) -> Alert:
    def share(resource: str, usage: str) -> str:
        allocatable = f'kube_node_status_allocatable{{resource="{resource}"}}'
        return near_limit(timing, "cluster, node", resource, usage, allocatable)

    return Alert(
        "ReachdNearLimit",
        Severity.WARNING,
        f"{share('memory', 'reachd_node_memory_working_set_bytes')}\nor {share('cpu', 'reachd_node_cpu_usage_cores')}",
        hold="15m",
        summary="A node or a container uses almost all that it may.",
        description=(
            "Node {{ $labels.node }} uses {{ $value | humanizePercentage }} of the {{ $labels.resource }} for pods."
        ),
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )
