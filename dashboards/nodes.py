"""The nodes of a cluster: panels of the dashboard of Kubernetes.

Series are aggregated first, so that nothing counts twice where kube-state-metrics is scraped beside reachd.
"""

from agent.metrics.node_states import CORDONED, DRAINED, DRAINING, FRESHLY_JOINED, NOT_READY, SILENT
from alerts.thresholds import NEAR_LIMIT
from dashboards import drawings, tables
from dashboards.colours import BAD, BLOCKED, GOOD, NONE_IS_BEST, NONE_IS_GOOD, UNKNOWN, above, words
from dashboards.description import About
from dashboards.panel import Facts, Panel
from dashboards.queries import CLUSTER
from dashboards.query import Query
from dashboards.tables import Column

SCOPE = f'{CLUSTER},node=~"$node"'
_BY = "cluster, node"
_UNSEEN = "no agent watches the nodes of a cluster"
_STATES = (
    (SILENT, 6, "SILENT", BAD),
    (NOT_READY, 5, "NOT READY", BAD),
    (DRAINED, 4, "DRAINED", BLOCKED),
    (DRAINING, 3, "DRAINING", BLOCKED),
    (CORDONED, 2, "CORDONED", UNKNOWN),
    (FRESHLY_JOINED, 1, "JUST JOINED", UNKNOWN),
)
"""States, those that matter more before the others, with the number and the word that stand for each."""

_WORDS = words((0, "READY", GOOD), *((number, word, colour) for _, number, word, colour in reversed(_STATES)))
_PRESSURE_WORDS = words((0, "FINE", GOOD), (1, "PRESSURE", BAD))
_PRESSURE = (
    f'kube_node_status_condition{{{SCOPE},condition=~"(Memory|Disk|PID)Pressure|NetworkUnavailable",status="true"}}'
)


def _state_number() -> str:
    known = f"group by ({_BY}) (kube_node_info{{{SCOPE}}})"
    arms = "\nor ".join(f"(0 * (\n{state.query}\n) + {number})" for state, number, _, _ in _STATES)
    return f"(\n{arms}\nor 0 * {known}\n)\nand on ({_BY}) {known}"


def not_ready() -> Panel:
    """How many cannot run pods."""
    ready = f'max by ({_BY}) (kube_node_status_condition{{{SCOPE},condition="Ready",status="true"}})'
    return drawings.number(
        Facts(
            "Nodes not Ready",
            About(
                "Nodes that cannot run pods, or are not known to. One that is cordoned or drained raises no alert.",
                "0",
                "see in the states below since when; then look at its kubelet, its machine, its network",
                ("ReachdNodeNotReady",),
            ),
            [Query(f"count({ready} == 0) or vector(0)")],
            _UNSEEN,
            steps=NONE_IS_GOOD,
        )
    )


def under_pressure() -> Panel:
    """How many are short of something."""
    return drawings.number(
        Facts(
            "Nodes under pressure",
            About(
                "Nodes that are short of memory, disk or process ids, or have no network.",
                "0",
                "see which condition in the timeline below",
                ("ReachdNodePressure",),
            ),
            [Query(f"count(group by ({_BY}) ({_PRESSURE} == 1)) or vector(0)")],
            _UNSEEN,
            steps=NONE_IS_BEST,
        )
    )


def states() -> Panel:
    """What is done with each over time."""
    return drawings.timeline(
        Facts(
            "States of nodes",
            About(
                "What is done with each node, or has happened to it. DRAINED is said only where an agent watches all "
                "namespaces; elsewhere such a node stays CORDONED.",
                "READY; CORDONED to DRAINED while somebody works on it",
                "SILENT: the kubelet gives no sign of life; NOT READY: it says itself that it cannot run pods",
                ("ReachdNodeNotReady",),
            ),
            [Query(_state_number(), "{{node}}")],
            _UNSEEN,
            mappings=[_WORDS],
        )
    )


def pressure() -> Panel:
    """What each is short of over time."""
    return drawings.timeline(
        Facts(
            "Pressure on nodes",
            About(
                "The conditions by which a node says what it is short of.",
                "FINE all the time",
                "memory: see its containers below; disk: images and logs; the kubelet evicts pods meanwhile",
                ("ReachdNodePressure",),
            ),
            [Query(f"max by ({_BY}, condition) ({_PRESSURE})", "{{node}} {{condition}}")],
            _UNSEEN,
            mappings=[_PRESSURE_WORDS],
        )
    )


def facts() -> Panel:
    """What each node is."""
    capacity = f"max by ({_BY}) (kube_node_status_allocatable{{{SCOPE},resource=%s}})"
    return tables.rows(
        Facts(
            "What each node is",
            About(
                "What each node says it runs, when it joined, and when its kubelet last gave a sign of life.",
                "one version of each; a sign of life within the last minute",
                "an old sign of life: the kubelet is dead, or cannot reach the API server",
                ("ReachdNodeNotReady",),
            ),
            [
                Query(f"group by ({_BY}, kubelet_version, os_image, kernel_version) (kube_node_info{{{SCOPE}}})"),
                Query(f"1000 * max by ({_BY}) (kube_node_created{{{SCOPE}}})"),
                Query(f"1000 * max by ({_BY}) (reachd_node_lease_renewed_timestamp_seconds{{{SCOPE}}})"),
                Query(capacity % '"cpu"'),
                Query(capacity % '"memory"'),
            ],
            _UNSEEN,
        ),
        [
            Column("cluster", "Cluster"),
            Column("node", "Node"),
            Column("kubelet_version", "Kubelet"),
            Column("os_image", "System"),
            Column("kernel_version", "Kernel"),
            Column("Value #B", "Joined", unit="dateTimeFromNow"),
            Column("Value #C", "Sign of life", unit="dateTimeFromNow"),
            Column("Value #D", "Cores for pods", unit="none"),
            Column("Value #E", "Memory for pods", unit="bytes"),
        ],
        "Node",
    )


def use(resource: str, usage: str) -> Panel:
    """How much of what pods may use is used: cpu or memory."""
    used = f"max by ({_BY}) ({usage}{{{SCOPE}}})"
    limit = f'max by ({_BY}) (kube_node_status_allocatable{{{SCOPE},resource="{resource}"}})'
    name = {"cpu": "CPU", "memory": "Memory"}[resource]
    return drawings.lines(
        Facts(
            f"{name} of nodes against what pods may use",
            About(
                f"{name} in use, as a share of what the node has for pods.",
                f"below {NEAR_LIMIT:.0%}",
                "find what uses it below; move it, limit it, or add a node",
                ("ReachdNearLimit",),
            ),
            [Query(f"{used} / ({limit} > 0)", "{{node}}")],
            "the cluster serves no metrics API",
            unit="percentunit",
            steps=above(NEAR_LIMIT),
        )
    )
