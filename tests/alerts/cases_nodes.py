"""Nodes: what is done on purpose, and what is too new, wakes nobody; what is broken wakes somebody once."""

from collections.abc import Mapping

from tests.alerts.case import Batch, Case, Firing, Shape
from tests.alerts.series import labelled

_NOT_READY, _PRESSURE = "ReachdNodeNotReady/critical/node", "ReachdNodePressure/warning/node"
_NEAR_LIMIT = "ReachdNearLimit/warning/node"
_OBSERVER = {"job": "reachd", "instance": "observer-0"}
_OTHER = {"job": "reachd", "instance": "observer-1"}
_STATE_METRICS = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}
_DAY_AGO = "-86400"
FAILOVER = "4m, gone 30s, "
"""An observer is gone, and with its series half a minute later begins another."""


def _node(
    ready: str = "1",
    *,
    cordoned: str = "0",
    created: str = _DAY_AGO,
    pressure: str = "0",
    gone: str = "",
    by: Mapping[str, str] = _OBSERVER,
) -> dict[str, str]:
    """The series of a node. gone: a timeline that all of them have instead, but for the value V."""
    values = {
        labelled("kube_node_status_condition", node="n1", condition="Ready", status="true", **by): ready,
        labelled("kube_node_status_condition", node="n1", condition="MemoryPressure", status="true", **by): pressure,
        labelled("kube_node_spec_unschedulable", node="n1", **by): cordoned,
        labelled("kube_node_created", node="n1", **by): created,
    }
    return {series: gone.replace("V", value) if gone else value for series, value in values.items()}


FOLLOWED = {
    labelled("reachd_leading", lease="reachd/observer", **_OBSERVER): "1 2m, 0",
    labelled("reachd_leading", lease="reachd/observer", **_OTHER): "gone 2m, 1",
}
"""One observer follows another, which cannot read of it and goes on."""
NOT_FOLLOWED = {
    labelled("reachd_leading", lease="reachd/observer", **_OBSERVER): "1 2m, 0",
    labelled("reachd_leading", lease="reachd/observer", **_OTHER): "0",
}
"""One observer cannot hold the Lease any more, and the other one cannot take it."""


def _leaving(pod: str, timeline: str, owner: str = "ReplicaSet") -> dict[str, str]:
    names = {"namespace": "shop", "pod": pod, "uid": pod}
    return {
        labelled("kube_pod_info", node="n1", created_by_kind=owner, **names, **_OBSERVER): "1",
        labelled("kube_pod_deletion_timestamp", **names, **_OBSERVER): timeline,
    }


def _fires(name: str, since: str, until: str = "", severity: str = "warning", **labels: str) -> Firing:
    common = {"alertname": name, "severity": severity, "component": "node", "node": "n1"}
    return Firing({**common, **labels}, since, until)


def _not_ready(since: str, until: str = "") -> Firing:
    return _fires("ReachdNodeNotReady", since, until, "critical")


_NOT_READY_CASES = [
    Case(
        "node: not Ready for three minutes",
        series=_node("1 2m, 0"),
        firing=[_not_ready("5m")],
        of=_NOT_READY,
        shape=Shape.FIRES,
    ),
    Case("node: Ready again at three minutes", series=_node("1 2m, 0 3m, 1"), of=_NOT_READY, shape=Shape.SPARED),
    Case("node: no node", of=_NOT_READY, shape=Shape.NO_DATA),
    Case("node: removed while pending", series=_node("1 2m, 0 1m, gone"), of=_NOT_READY, shape=Shape.STALE),
    Case(
        "node: removed while it fires",
        series=_node("1 2m, 0 4m, gone"),
        firing=[_not_ready("5m", "12m")],
        of=_NOT_READY,
        shape=Shape.STALE,
    ),
    Case(
        "node: not Ready, and Ready now and then, is one alert",
        series=_node("1 2m, 0 4m, 1 2m, 0 4m, 1 2m, 0"),
        firing=[_not_ready("5m")],
    ),
    Case("node: cordoned, then not Ready", series=_node("1 2m, 0", cordoned="0 1m, 1")),
    Case(
        "node: drained, then not Ready, then removed",
        series={**_node("1 3m, 0 4m, gone", cordoned="0 1m, 1 6m, gone"), **_leaving("web", "1 1m, 90 2m, gone")},
    ),
    Case(
        "node: another tool reports that it drains it",
        series={
            **_node("1 3m, 0"),
            labelled(
                "kube_node_status_condition", node="n1", condition="DrainInProgress", status="true", **_OBSERVER
            ): "0 1m, 1",
        },
    ),
    Case(
        "node: pods are deleted from a node that is not Ready",
        series={**_node("1 2m, 0"), **_leaving("web", "gone 1m, 90")},
        firing=[_not_ready("5m")],
    ),
    Case(
        "node: removed by an autoscaler",
        series={
            **_node("1 3m, 0 4m, gone"),
            **_leaving("web", "gone 1m, 90"),
            labelled(
                "kube_node_spec_taint", node="n1", key="ToBeDeletedByClusterAutoscaler", **_OBSERVER
            ): "gone 1m, 1",
        },
    ),
    Case("node: joined five minutes ago and not Ready", series=_node("0 9m, 1", created="0")),
    Case(
        "node: joined ten minutes ago and still not Ready", series=_node("0", created="0"), firing=[_not_ready("13m")]
    ),
    Case("node: not Ready for the length of a failover", series=_node(gone=f"V {FAILOVER}V")),
    Case(
        "node: the observer fails over while it is not Ready, and the clock goes on",
        series={
            **_node(
                "1 2m, 0 90s, gone", cordoned="0 210s, gone", created=f"{_DAY_AGO} 210s, gone", pressure="0 210s, gone"
            ),
            **_node(
                "gone 4m, 0", cordoned="gone 4m, 0", created=f"gone 4m, {_DAY_AGO}", pressure="gone 4m, 0", by=_OTHER
            ),
        },
        firing=[_not_ready("5m")],
    ),
    Case(
        "node: the observer fails over while a cordoned node is not Ready",
        series={
            **_node("0 4m, gone", cordoned="1 4m, gone", created=f"{_DAY_AGO} 4m, gone"),
            **_node("gone 270s, 0", cordoned="gone 270s, 1", created=f"gone 270s, {_DAY_AGO}", by=_OTHER),
        },
    ),
    Case(
        "node: kube-state-metrics is scraped, too",
        series={**_node("1 2m, 0"), **_node("1 2m, 0", by=_STATE_METRICS)},
        firing=[_not_ready("5m")],
    ),
    Case(
        "node: cordoned, and kube-state-metrics is scraped, too",
        series={**_node("0", cordoned="1"), **_node("0", cordoned="1", by=_STATE_METRICS)},
    ),
    Case(
        "node: not Ready, which an observer that is cut off cannot know",
        series={**FOLLOWED, **_node("1"), **_node("gone 2m, 0", by=_OTHER)},
        firing=[_not_ready("5m")],
    ),
    Case(
        "node: not Ready when nobody can ask any more",
        series={**NOT_FOLLOWED, **_node("1 1m, 0")},
        firing=[_not_ready("4m")],
    ),
    Case(
        "node: one cluster without a label of its own",
        series=_node("1 2m, 0"),
        firing=[_not_ready("5m")],
        clustered=False,
    ),
]


def _short_of_memory(since: str) -> Firing:
    return _fires("ReachdNodePressure", since, condition="MemoryPressure")


_PRESSURE_CASES = [
    Case(
        "pressure: short of memory for five minutes",
        series=_node(pressure="0 2m, 1"),
        firing=[_short_of_memory("7m")],
        of=_PRESSURE,
        shape=Shape.FIRES,
    ),
    Case("pressure: over at five minutes", series=_node(pressure="0 2m, 1 5m, 0"), of=_PRESSURE, shape=Shape.SPARED),
    Case("pressure: on a cordoned node", series=_node(pressure="1", cordoned="1")),
    Case("pressure: no node", of=_PRESSURE, shape=Shape.NO_DATA),
    Case("pressure: gone while pending", series=_node(pressure="0 2m, 1 3m, gone"), of=_PRESSURE, shape=Shape.STALE),
    Case(
        "pressure: over, which an observer that is cut off cannot know",
        series={**FOLLOWED, **_node(pressure="1"), **_node(gone="gone 2m, V", by=_OTHER)},
    ),
    Case(
        "pressure: the observer fails over, and the clock goes on",
        series={**_node(gone="V 4m, gone", pressure="1"), **_node(gone="gone 270s, V", pressure="1", by=_OTHER)},
        firing=[_short_of_memory("5m")],
    ),
]


def _usage(timeline: str, by: Mapping[str, str] = _OBSERVER) -> dict[str, str]:
    return {
        labelled("kube_node_status_allocatable", node="n1", resource="memory", unit="byte", **by): "1000",
        labelled("reachd_node_memory_working_set_bytes", node="n1", **by): timeline,
    }


_FULL = _fires("ReachdNearLimit", "17m", resource="memory")
_LIMIT_CASES = [
    Case("node near its limit: 91 %", series=_usage("500 2m, 910"), firing=[_FULL], of=_NEAR_LIMIT, shape=Shape.FIRES),
    Case("node near its limit: 90 %", series=_usage("500 2m, 900"), of=_NEAR_LIMIT, shape=Shape.SPARED),
    Case("node near its limit: for a quarter of an hour", series=_usage("500 2m, 910 15m, 500")),
    Case(
        "node near its limit: of CPU",
        series={
            labelled("kube_node_status_allocatable", node="n1", resource="cpu", unit="core", **_OBSERVER): "10",
            labelled("reachd_node_cpu_usage_cores", node="n1", **_OBSERVER): "5 2m, 9.1",
        },
        firing=[_fires("ReachdNearLimit", "17m", resource="cpu")],
    ),
    Case("node near its limit: no usage is known", series=_node(), of=_NEAR_LIMIT, shape=Shape.NO_DATA),
    Case("node near its limit: gone", series=_usage("500 2m, 950 10m, gone"), of=_NEAR_LIMIT, shape=Shape.STALE),
    Case(
        "node near its limit: the observer fails over, and the clock goes on",
        series={**_usage("500 2m, 950 6m, gone"), **_usage("gone 510s, 950", _OTHER)},
        firing=[_FULL],
    ),
]

BATCHES = [Batch("nodes", ["reachd-kubernetes"], "18m", [*_NOT_READY_CASES, *_PRESSURE_CASES, *_LIMIT_CASES])]
