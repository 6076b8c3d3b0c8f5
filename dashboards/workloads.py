"""The workloads and pods of watched namespaces: panels of the dashboard of Kubernetes.

Series are aggregated first, so that nothing counts twice where kube-state-metrics is scraped beside reachd.
"""

from typing import NamedTuple

from alerts.thresholds import NEAR_LIMIT, RESTARTS
from dashboards import drawings, tables
from dashboards.colours import BAD, GOOD, NONE_IS_BEST, UNKNOWN, WARN, above
from dashboards.description import About
from dashboards.panel import Facts, Panel
from dashboards.queries import CLUSTER
from dashboards.query import Query
from dashboards.tables import Column

SCOPE = f'{CLUSTER},namespace=~"$namespace"'
_POD = "cluster, namespace, pod"
_CONTAINER = f"{_POD}, container"
_OF_CONTAINER = "{{pod}} {{container}}"
_COLOUR_OF_PHASE = {"Running": GOOD, "Succeeded": "blue", "Pending": WARN, "Unknown": UNKNOWN, "Failed": BAD}
_UNSEEN = "no agent watches these namespaces"


class _OfEach(NamedTuple):
    """A metric of Deployments, StatefulSets and DaemonSets."""

    deployment: str
    statefulset: str
    daemonset: str

    def query(self) -> str:
        """Under the labels `kind` and `workload`, whatever kind it is of."""
        arms = []
        for kind, metric in self._asdict().items():
            series = f"max by (cluster, namespace, {kind}) ({metric}{{{SCOPE}}})"
            named = f'label_replace({series}, "workload", "$1", "{kind}", "(.+)")'
            arms.append(
                f'sum by (cluster, namespace, kind, workload) (label_replace({named}, "kind", "{kind}", "", ""))'
            )
        return f"({' or '.join(arms)})"


_WANTED = _OfEach(
    "kube_deployment_spec_replicas", "kube_statefulset_replicas", "kube_daemonset_status_desired_number_scheduled"
)
_AVAILABLE = _OfEach(
    "kube_deployment_status_replicas_available",
    "kube_statefulset_status_replicas_available",
    "kube_daemonset_status_number_available",
)
_UPDATED = _OfEach(
    "kube_deployment_status_replicas_updated",
    "kube_statefulset_status_replicas_updated",
    "kube_daemonset_status_updated_number_scheduled",
)
_GENERATION, _OBSERVED = (
    _OfEach(*(f"kube_{kind}_{what}_generation" for kind in _OfEach._fields)) for what in ("metadata", "status_observed")
)


def not_running() -> Panel:
    """How many pods do not run."""
    phases = f'kube_pod_status_phase{{{SCOPE},phase=~"Pending|Unknown|Failed"}}'
    return drawings.number(
        Facts(
            "Pods not running",
            About(
                "Pods that are pending or failed, or whose node does not tell.",
                "0, but for a moment during rollouts",
                "see why in the table below",
                ("ReachdPodNotRunning",),
            ),
            [Query(f"count(max by ({_POD}) ({phases}) == 1) or vector(0)")],
            _UNSEEN,
            steps=NONE_IS_BEST,
        )
    )


def lacking() -> Panel:
    """How many workloads lack pods."""
    return drawings.number(
        Facts(
            "Workloads that lack pods",
            About(
                "Deployments, StatefulSets and DaemonSets with fewer pods available than they should have.",
                "0, but for a moment during rollouts",
                "see which ones in the table below, and whether a rollout is stuck",
                ("ReachdWorkloadUnavailable",),
            ),
            [Query(f"count({_WANTED.query()} - {_AVAILABLE.query()} > 0) or vector(0)")],
            _UNSEEN,
            steps=NONE_IS_BEST,
        )
    )


def table() -> Panel:
    """Each workload."""
    return tables.rows(
        Facts(
            "Pods of each workload",
            About(
                "Pods of each workload: wanted, available, of the newest template; and changes not acted on yet.",
                "as many available and up to date as wanted; nothing pending",
                "fewer up to date than wanted for long: a rollout is stuck; see its newest pods",
                ("ReachdWorkloadUnavailable",),
            ),
            [
                Query(_WANTED.query()),
                Query(_AVAILABLE.query()),
                Query(f"{_WANTED.query()} - {_AVAILABLE.query()}"),
                Query(_UPDATED.query()),
                Query(f"{_GENERATION.query()} - {_OBSERVED.query()}"),
            ],
            _UNSEEN,
        ),
        [
            Column("cluster", "Cluster"),
            Column("namespace", "Namespace"),
            Column("kind", "Kind"),
            Column("workload", "Workload"),
            Column("Value #A", "Wanted", width=100),
            Column("Value #B", "Available", width=100),
            Column("Value #C", "Lacking", steps=NONE_IS_BEST, width=100),
            Column("Value #D", "Up to date", width=100),
            Column("Value #E", "Changes pending", steps=NONE_IS_BEST, width=130),
        ],
        "Lacking",
        descending=True,
    )


def phases() -> Panel:
    """Pods by phase over time."""
    return drawings.stack(
        Facts(
            "Pods by phase",
            About(
                "How many pods are in which phase.",
                "Running, and Succeeded for jobs",
                "Pending: no node takes it, or its image does not come; Failed: see the reasons below",
                ("ReachdPodNotRunning",),
            ),
            [Query(f"sum by (phase) (max by ({_POD}, phase) (kube_pod_status_phase{{{SCOPE}}})) > 0", "{{phase}}")],
            _UNSEEN,
        ),
        _COLOUR_OF_PHASE,
    )


def waiting() -> Panel:
    """Containers that wait."""
    series = " or ".join(
        f"max by ({_CONTAINER}, reason) (kube_pod_{kind}_status_waiting_reason{{{SCOPE}}})"
        for kind in ("container", "init_container")
    )
    return tables.rows(
        Facts(
            "Containers that wait, and why",
            About(
                "Containers that do not run, with the reason.",
                "no rows, but for a moment during rollouts",
                "CrashLoopBackOff: its log before; ImagePullBackOff: registry and credentials; else describe the pod",
                ("ReachdPodNotRunning", "ReachdPodRestarting"),
            ),
            [Query(series)],
            "no container waits",
        ),
        [
            Column("cluster", "Cluster"),
            Column("namespace", "Namespace"),
            Column("pod", "Pod"),
            Column("container", "Container"),
            Column("reason", "Reason"),
        ],
        "Pod",
    )


def restarts() -> Panel:
    """Restarts of containers."""
    increases = " or ".join(
        f"max by ({_CONTAINER}) (increase(kube_pod_{kind}_status_restarts_total{{{SCOPE}}}[15m]))"
        for kind in ("container", "init_container")
    )
    return drawings.lines(
        Facts(
            "Restarts in a quarter of an hour",
            About(
                "How often each container restarted within the quarter of an hour before.",
                f"below {RESTARTS}",
                "see beside it how it ended before; OOMKilled: raise the limit or find the leak",
                ("ReachdPodRestarting",),
            ),
            [Query(increases, _OF_CONTAINER)],
            _UNSEEN,
            steps=above(RESTARTS),
        )
    )


def ended() -> Panel:
    """How containers ended before."""
    series = " or ".join(
        f"max by ({_CONTAINER}, reason) (kube_pod_{kind}_status_last_terminated_reason{{{SCOPE}}})"
        for kind in ("container", "init_container")
    )
    count = " or ".join(
        f"max by ({_CONTAINER}) (kube_pod_{kind}_status_restarts_total{{{SCOPE}}})"
        for kind in ("container", "init_container")
    )
    return tables.rows(
        Facts(
            "How containers ended before",
            About(
                "Containers that have restarted, how often since their pod began, and how they ended last.",
                "no rows",
                "OOMKilled: memory; Error: its log before; Completed: it ended by itself and should not have",
                ("ReachdPodRestarting",),
            ),
            [Query(f"({count}) * on ({_CONTAINER}) group_right () ({series})")],
            "no container has restarted",
        ),
        [
            Column("cluster", "Cluster"),
            Column("namespace", "Namespace"),
            Column("pod", "Pod"),
            Column("container", "Container"),
            Column("reason", "Ended with"),
            Column("Value", "Restarts", steps={None: GOOD, RESTARTS: WARN}, width=90),
        ],
        "Restarts",
        descending=True,
    )


def use(resource: str, usage: str) -> Panel:
    """How much of their limits containers use: cpu or memory."""
    used = f"max by ({_CONTAINER}) ({usage}{{{SCOPE}}})"
    limit = " or ".join(
        f'max by ({_CONTAINER}) (kube_pod_{kind}_resource_limits{{{SCOPE},resource="{resource}"}}) > 0'
        for kind in ("container", "init_container")
    )
    name = {"cpu": "CPU", "memory": "Memory"}[resource]
    return drawings.lines(
        Facts(
            f"{name} of containers against their limits",
            About(
                f"{name} in use, as a share of the container's limit. A container without a limit has no line.",
                f"below {NEAR_LIMIT:.0%}",
                {"cpu": "it is throttled at 100 %", "memory": "it is killed at 100 %"}[resource]
                + ": raise the limit, or find out what has changed",
                ("ReachdNearLimit", "ReachdAbnormalUsage"),
            ),
            [Query(f"{used} / ({limit})", _OF_CONTAINER)],
            "no metrics API, or no limits",
            unit="percentunit",
            steps=above(NEAR_LIMIT),
        )
    )
