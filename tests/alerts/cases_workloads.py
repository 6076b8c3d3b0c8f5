"""Pods and workloads of the namespaces that reachd watches."""

from collections.abc import Mapping

from tests.alerts.case import Batch, Case, Firing, Shape
from tests.alerts.cases_nodes import FOLLOWED
from tests.alerts.series import labelled

_RESTARTING, _NOT_RUNNING = "ReachdPodRestarting/warning/workload", "ReachdPodNotRunning/warning/workload"
_UNAVAILABLE, _NEAR_LIMIT = "ReachdWorkloadUnavailable/warning/workload", "ReachdNearLimit/warning/workload"
_ABNORMAL = "ReachdAbnormalUsage/info/workload"
_OBSERVER = {"job": "reachd", "instance": "observer-0"}
_OTHER = {"job": "reachd", "instance": "observer-1"}
_STATE_METRICS = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}
_POD = {"namespace": "meshery", "pod": "meshery-0", "uid": "u1"}
_CONTAINER = {**_POD, "container": "meshery"}


def _pod(timeline: str = "1", by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    """What says where the pod is, and what it belongs to; the latter only reachd knows."""
    series = {labelled("kube_pod_info", node="n1", created_by_kind="ReplicaSet", **_POD, **by): timeline}
    if by["job"] == "reachd":
        series |= _belongs("meshery", timeline, by)
    return series


def _belongs(workload: str, timeline: str = "1", by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    labels = {"workload_type": "deployment", "workload": workload}
    return {labelled("reachd_pod_workload_info", **labels, **_POD, **by): timeline}


def _restarts(timeline: str, by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    return {labelled("kube_pod_container_status_restarts_total", **_CONTAINER, **by): timeline}


def _phase(timeline: str, by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    return {labelled("kube_pod_status_phase", phase="Pending", **_POD, **by): timeline}


def _waiting(timeline: str, reason: str = "CrashLoopBackOff", by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    return {labelled("kube_pod_container_status_waiting_reason", reason=reason, **_CONTAINER, **by): timeline}


def _replicas(available: str, wanted: str = "2", by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    names = {"namespace": "meshery", "deployment": "meshery"}
    return {
        labelled("kube_deployment_spec_replicas", **names, **by): wanted,
        labelled("kube_deployment_status_replicas_available", **names, **by): available,
    }


_STATEFUL = ("statefulset", "kube_statefulset_replicas", "kube_statefulset_status_replicas_available")
_ON_NODES = (
    "daemonset",
    "kube_daemonset_status_desired_number_scheduled",
    "kube_daemonset_status_number_available",
)


def _of_kind(kind: str, wanted: str, available: str) -> dict[str, str]:
    """A workload of another kind that lacks one of two pods from two minutes on."""
    names = {"namespace": "meshery", kind: "meshery", **_OBSERVER}
    return {labelled(wanted, **names): "2", labelled(available, **names): "2 2m, 1"}


def _fires(name: str, since: str, until: str = "", severity: str = "warning", **labels: str) -> Firing:
    common = {"alertname": name, "severity": severity, "component": "workload", "namespace": "meshery"}
    return Firing({**common, **labels}, since, until)


_OF_POD = {"pod": "meshery-0", "node": "n1", "workload": "meshery"}
_AT_FIVE = _fires("ReachdPodRestarting", "5m", container="meshery", **_OF_POD)
_NOT_RUN = _fires("ReachdPodNotRunning", "12m", **_OF_POD)
_LACKS = _fires("ReachdWorkloadUnavailable", "12m", workload="meshery")

_POD_CASES = [
    Case(
        "pod: restarted twice",
        series={**_pod(), **_restarts("0 2m, 1 3m, 2")},
        firing=[_AT_FIVE],
        of=_RESTARTING,
        shape=Shape.FIRES,
    ),
    Case("pod: restarted once", series={**_pod(), **_restarts("0 2m, 1")}, of=_RESTARTING, shape=Shape.SPARED),
    Case("pod: restarted often before it was watched", series={**_pod(), **_restarts("40")}),
    Case("pod: restarted, in a namespace that reachd does not watch", series=_restarts("0 2m, 1 3m, 2")),
    Case("pod: no restarts are known", series=_pod(), of=_RESTARTING, shape=Shape.NO_DATA),
    Case(
        "pod: restarted once, and deleted",
        series={**_pod("1 4m, gone"), **_restarts("0 2m, 1 2m, gone")},
        of=_RESTARTING,
        shape=Shape.STALE,
    ),
    Case(
        "pod: restarted twice, and deleted",
        series={**_pod("1 6m, gone"), **_restarts("0 2m, 1 3m, 2 1m, gone")},
        firing=[_fires("ReachdPodRestarting", "5m", "12m", container="meshery", **_OF_POD)],
        of=_RESTARTING,
        shape=Shape.STALE,
    ),
    Case(
        "pod: restarted once, and kube-state-metrics is scraped, too",
        series={
            **_pod(),
            **_restarts("0 2m, 1"),
            **_pod(by=_STATE_METRICS),
            **_restarts("0 2m, 1", _STATE_METRICS),
        },
    ),
    Case(
        "pod: restarted once, and the observer fails over",
        series={
            **_pod("1 4m, gone"),
            **_restarts("0 2m, 1 2m, gone"),
            **_pod("gone 270s, 1", _OTHER),
            **_restarts("gone 270s, 1", _OTHER),
        },
    ),
    Case(
        "pod: pending for eight minutes, while another workload takes it",
        series={**_pod("1 4m, gone"), **_belongs("other", "gone 4m, 1"), **_phase("0 2m, 1 8m, 0")},
    ),
    Case(
        "pod: pending for ten minutes, and an observer that is cut off knows it as another's",
        series={
            **FOLLOWED,
            **_belongs("other"),
            **_pod("gone 2m, 1", _OTHER),
            **_phase("gone 2m, 0 3m, 1", _OTHER),
        },
        firing=[_fires("ReachdPodNotRunning", "15m", **_OF_POD)],
    ),
    Case(
        "pod: pending for ten minutes",
        series={**_pod(), **_phase("0 2m, 1")},
        firing=[_NOT_RUN],
        of=_NOT_RUNNING,
        shape=Shape.FIRES,
    ),
    Case("pod: crash loop", series={**_pod(), **_waiting("gone 2m, 1")}, firing=[_NOT_RUN]),
    Case("pod: image cannot be pulled", series={**_pod(), **_waiting("gone 2m, 1", "ErrImagePull")}, firing=[_NOT_RUN]),
    Case("pod: waits as each pod does", series={**_pod(), **_waiting("1", "ContainerCreating")}),
    Case(
        "pod: running at ten minutes",
        series={**_pod(), **_phase("0 2m, 1 10m, 0")},
        of=_NOT_RUNNING,
        shape=Shape.SPARED,
    ),
    Case("pod: no phase is known", series=_pod(), of=_NOT_RUNNING, shape=Shape.NO_DATA),
    Case(
        "pod: deleted while pending",
        series={**_pod("1 6m, gone"), **_phase("0 2m, 1 4m, gone")},
        of=_NOT_RUNNING,
        shape=Shape.STALE,
    ),
    Case(
        "pod: deleted, which an observer that is cut off cannot know",
        series={**FOLLOWED, **_pod(), **_phase("1"), **_waiting("1")},
    ),
    Case(
        "pod: the observer fails over while it is pending, and the clock goes on",
        series={
            **_pod("1 6m, gone"),
            **_phase("0 2m, 1 4m, gone"),
            **_waiting("gone 2m, 1 4m, gone"),
            **_pod("gone 390s, 1", _OTHER),
            **_phase("gone 390s, 1", _OTHER),
            **_waiting("gone 390s, 1", by=_OTHER),
        },
        firing=[_NOT_RUN],
    ),
]
_WORKLOAD_CASES = [
    Case(
        "workload: one of two pods for ten minutes",
        series={**_pod(), **_replicas("2 2m, 1")},
        firing=[_LACKS],
        of=_UNAVAILABLE,
        shape=Shape.FIRES,
    ),
    Case(
        "workload: both at ten minutes",
        series={**_pod(), **_replicas("2 2m, 1 10m, 2")},
        of=_UNAVAILABLE,
        shape=Shape.SPARED,
    ),
    Case("workload: a StatefulSet lacks a pod", series={**_pod(), **_of_kind(*_STATEFUL)}, firing=[_LACKS]),
    Case("workload: a DaemonSet lacks a pod", series={**_pod(), **_of_kind(*_ON_NODES)}, firing=[_LACKS]),
    Case("workload: scaled to nothing", series={**_pod(), **_replicas("2 2m, 0", "2 2m, 0")}),
    Case("workload: of a namespace that reachd does not watch", series=_replicas("0")),
    Case("workload: none is known", series=_pod(), of=_UNAVAILABLE, shape=Shape.NO_DATA),
    Case(
        "workload: deleted while pending",
        series={**_pod(), **_replicas("2 2m, 1 4m, gone", "2 6m, gone")},
        of=_UNAVAILABLE,
        shape=Shape.STALE,
    ),
    Case(
        "workload: scaled down, which an observer that is cut off cannot know",
        series={**FOLLOWED, **_pod(), **_replicas("1", "3"), **_replicas("gone 2m, 1", "gone 2m, 1", _OTHER)},
    ),
    Case(
        "workload: lacks a pod, which an observer that is cut off cannot know",
        series={**FOLLOWED, **_pod(), **_replicas("2"), **_replicas("gone 2m, 1", "gone 2m, 2", _OTHER)},
        firing=[_LACKS],
    ),
    Case(
        "workload: the observer fails over, and kube-state-metrics is scraped, too",
        series={
            **_pod(),
            **_replicas("2 2m, 1 4m, gone", "2 6m, gone"),
            **_replicas("gone 390s, 1", "gone 390s, 2", _OTHER),
            **_replicas("2 2m, 1", "2", _STATE_METRICS),
        },
        firing=[_LACKS],
    ),
]


def _usage(timeline: str, metric: str = "memory_working_set_bytes") -> dict[str, str]:
    names = {name: value for name, value in _CONTAINER.items() if name != "uid"}
    return {labelled(f"reachd_pod_container_{metric}", **names, **_OBSERVER): timeline}


_CPU = "cpu_usage_cores"


def _limit(resource: str, limit: str = "1000", of: str = "container") -> dict[str, str]:
    names = {**_CONTAINER, **_OBSERVER}
    return {labelled(f"kube_pod_{of}_resource_limits", resource=resource, node="n1", **names): limit}


_LIMITS = _limit("memory")
_IN_POD = {"pod": "meshery-0", "container": "meshery"}
_FULL = _fires("ReachdNearLimit", "17m", resource="memory", **_IN_POD)
_LIMIT_CASES = [
    Case(
        "near its limit: 91 %",
        series={**_LIMITS, **_usage("500 2m, 910")},
        firing=[_FULL],
        of=_NEAR_LIMIT,
        shape=Shape.FIRES,
    ),
    Case("near its limit: 90 %", series={**_LIMITS, **_usage("500 2m, 900")}, of=_NEAR_LIMIT, shape=Shape.SPARED),
    Case(
        "near its limit: of CPU",
        series={**_limit("cpu"), **_usage("500 2m, 910", _CPU)},
        firing=[_fires("ReachdNearLimit", "17m", resource="cpu", **_IN_POD)],
    ),
    Case("near its limit: 90 % of CPU", series={**_limit("cpu"), **_usage("900", _CPU)}),
    Case(
        "near its limit: a sidecar, which is an init container that goes on",
        series={**_limit("memory", of="init_container"), **_usage("500 2m, 910")},
        firing=[_FULL],
    ),
    Case("near its limit: a limit of 0, which is none", series={**_limit("cpu", "0"), **_usage("910", _CPU)}),
    Case("near its limit: it has none", series=_usage("999"), of=_NEAR_LIMIT, shape=Shape.NO_DATA),
    Case(
        "near its limit: gone", series={**_LIMITS, **_usage("500 2m, 950 10m, gone")}, of=_NEAR_LIMIT, shape=Shape.STALE
    ),
]


def _unusual(resource: str) -> Firing:
    return _fires("ReachdAbnormalUsage", "100m", severity="info", resource=resource, **_IN_POD)


_ABNORMAL_CASES = [
    Case(
        "unusual: more than one and a half times, and far out",
        series=_usage("100e7/104e7 85m, 160e7"),
        firing=[_unusual("memory")],
        of=_ABNORMAL,
        shape=Shape.FIRES,
    ),
    Case(
        "unusual: never varied, and grows by a half",
        series=_usage("100e7 85m, 150e7"),
        of=_ABNORMAL,
        shape=Shape.SPARED,
    ),
    Case("unusual: grows by more than a half, as it often does", series=_usage("100e7/300e7 85m, 330e7")),
    Case("unusual: CPU", series=_usage("1/1.04 85m, 1.6", _CPU), firing=[_unusual("cpu")]),
    Case("unusual: CPU grows by a half", series=_usage("1 85m, 1.5", _CPU)),
    Case("unusual: CPU grows by more, as it often does", series=_usage("1/3 85m, 3.3", _CPU)),
    Case("unusual: tenfold CPU, and still little", series=_usage("0.01 85m, 0.1", _CPU)),
    Case("unusual: tenfold, and still little", series=_usage("1e6 85m, 1e7")),
    Case("unusual: no day before", series=_usage("gone 85m, 150e7"), of=_ABNORMAL, shape=Shape.NO_DATA),
    Case(
        "unusual: gone while pending",
        series=_usage("100e7/104e7 85m, 160e7 10m, gone"),
        of=_ABNORMAL,
        shape=Shape.STALE,
    ),
]

BATCHES = [
    Batch("workloads", ["reachd-kubernetes"], "18m", [*_POD_CASES, *_WORKLOAD_CASES, *_LIMIT_CASES]),
    Batch("unusual-usage", ["reachd-kubernetes"], "105m", _ABNORMAL_CASES, step=300),
]
