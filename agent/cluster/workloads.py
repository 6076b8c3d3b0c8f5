"""Series of deployments, StatefulSets and DaemonSets (apps/v1): how many pods each wants, has, and can use."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.cluster.fields import count, name_of, namespace_of
from agent.metrics import kubernetes as families
from agent.metrics.objects import ObjectSeries, Row
from agent.metrics.text import Description
from agent.probes._json import JsonObject, child


class _Count(NamedTuple):
    """Where the API has a number; `absent` is what it means that it has none."""

    family: Description
    section: str
    field: str
    absent: int | None = 0


_DEPLOYMENT = (
    _Count(families.DEPLOYMENT_WANTED, "spec", "replicas", None),
    _Count(families.DEPLOYMENT_GENERATION, "metadata", "generation"),
    _Count(families.DEPLOYMENT_OBSERVED, "status", "observedGeneration"),
    _Count(families.DEPLOYMENT_REPLICAS, "status", "replicas"),
    _Count(families.DEPLOYMENT_READY, "status", "readyReplicas"),
    _Count(families.DEPLOYMENT_AVAILABLE, "status", "availableReplicas"),
    _Count(families.DEPLOYMENT_UNAVAILABLE, "status", "unavailableReplicas"),
    _Count(families.DEPLOYMENT_UPDATED, "status", "updatedReplicas"),
)
_STATEFULSET = (
    _Count(families.STATEFULSET_WANTED, "spec", "replicas", None),
    _Count(families.STATEFULSET_GENERATION, "metadata", "generation"),
    _Count(families.STATEFULSET_OBSERVED, "status", "observedGeneration"),
    _Count(families.STATEFULSET_REPLICAS, "status", "replicas"),
    _Count(families.STATEFULSET_READY, "status", "readyReplicas"),
    _Count(families.STATEFULSET_AVAILABLE, "status", "availableReplicas"),
    _Count(families.STATEFULSET_CURRENT, "status", "currentReplicas"),
    _Count(families.STATEFULSET_UPDATED, "status", "updatedReplicas"),
)
_DAEMONSET = (
    _Count(families.DAEMONSET_WANTED, "status", "desiredNumberScheduled"),
    _Count(families.DAEMONSET_GENERATION, "metadata", "generation"),
    _Count(families.DAEMONSET_OBSERVED, "status", "observedGeneration"),
    _Count(families.DAEMONSET_SCHEDULED, "status", "currentNumberScheduled"),
    _Count(families.DAEMONSET_READY, "status", "numberReady"),
    _Count(families.DAEMONSET_AVAILABLE, "status", "numberAvailable"),
    _Count(families.DAEMONSET_UNAVAILABLE, "status", "numberUnavailable"),
    _Count(families.DAEMONSET_MISSCHEDULED, "status", "numberMisscheduled"),
    _Count(families.DAEMONSET_UPDATED, "status", "updatedNumberScheduled"),
)


def deployment_series(deployment: JsonObject) -> ObjectSeries | None:
    """The series of a deployment; None when its name is none."""
    return _series(deployment, "deployment", _DEPLOYMENT)


def statefulset_series(statefulset: JsonObject) -> ObjectSeries | None:
    """The series of a StatefulSet; None when its name is none."""
    return _series(statefulset, "statefulset", _STATEFULSET)


def daemonset_series(daemonset: JsonObject) -> ObjectSeries | None:
    """The series of a DaemonSet; None when its name is none."""
    return _series(daemonset, "daemonset", _DAEMONSET)


def _series(workload: JsonObject, label: str, counts: Sequence[_Count]) -> ObjectSeries | None:
    namespace, name = namespace_of(workload), name_of(workload)
    if not (namespace and name):
        return None
    return ObjectSeries(f"{namespace}/{name}", (("namespace", namespace), (label, name)), _rows(workload, counts))


def _rows(workload: JsonObject, counts: Sequence[_Count]) -> Iterator[Row]:
    for family, section, field, absent in counts:
        value = count(child(workload, section), field, absent)
        if value is not None:
            yield Row(family, (), value)
