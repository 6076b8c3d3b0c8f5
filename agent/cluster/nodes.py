"""Series of nodes and of the leases that their kubelets renew."""

from collections.abc import Iterator

from agent.cluster.fields import (
    address,
    items,
    label_value,
    name_of,
    namespace_of,
    one_of,
    qualified_name,
    shown,
    statuses,
    unix_time,
)
from agent.metrics.kubernetes import (
    LEASE_RENEWED,
    NODE_ALLOCATABLE,
    NODE_CAPACITY,
    NODE_CONDITION,
    NODE_CONDITIONS,
    NODE_CREATED,
    NODE_DELETION,
    NODE_INFO,
    NODE_TAINT,
    NODE_UNSCHEDULABLE,
    TAINT_EFFECTS,
)
from agent.metrics.objects import ObjectSeries, Row
from agent.probes._json import JsonObject, child, text_of
from agent.probes._quantity import thousandths

_LEASES = "kube-node-lease"
"""The namespace of the leases that are named like their nodes."""
_AMOUNTS = (("cpu", "core"), ("memory", "byte"), ("pods", "integer"))


def node_series(node: JsonObject) -> ObjectSeries | None:
    """The series of a node of v1; None when its name is none."""
    name = name_of(node)
    return ObjectSeries(name, (("node", name),), _rows(node)) if name else None


def lease_series(lease: JsonObject) -> ObjectSeries | None:
    """The series of a node's lease, of coordination.k8s.io/v1; None for any other lease."""
    name = name_of(lease)
    if not name or namespace_of(lease) != _LEASES:
        return None
    renewed = unix_time(child(lease, "spec"), "renewTime")
    return ObjectSeries(name, (("node", name),), () if renewed is None else (Row(LEASE_RENEWED, (), renewed),))


def _rows(node: JsonObject) -> Iterator[Row]:
    metadata, spec, status = child(node, "metadata"), child(node, "spec"), child(node, "status")
    for family, field in ((NODE_CREATED, "creationTimestamp"), (NODE_DELETION, "deletionTimestamp")):
        moment = unix_time(metadata, field)
        if moment is not None:
            yield Row(family, (), int(moment))
    yield Row(NODE_INFO, _info(spec, status), 1)
    yield Row(NODE_UNSCHEDULABLE, (), spec.get("unschedulable") is True)
    yield from _taints(spec)
    for family, field in ((NODE_ALLOCATABLE, "allocatable"), (NODE_CAPACITY, "capacity")):
        amounts = child(status, field)
        for resource, unit in _AMOUNTS:
            amount = thousandths(amounts.get(resource))
            if amount is not None:
                yield Row(family, (resource, unit), amount)
    for condition in items(status, "conditions"):
        kind = text_of(condition, "type")
        if kind in NODE_CONDITIONS:
            for possible, value in statuses(condition):
                yield Row(NODE_CONDITION, (kind, possible), value)


def _info(spec: JsonObject, status: JsonObject) -> tuple[str, ...]:
    info = child(status, "nodeInfo")
    internal = [text_of(it, "address") for it in items(status, "addresses") if it.get("type") == "InternalIP"]
    return (
        shown(info, "kernelVersion"),
        shown(info, "osImage"),
        shown(info, "containerRuntimeVersion"),
        shown(info, "kubeletVersion"),
        "deprecated",
        shown(spec, "providerID"),
        shown(spec, "podCIDR"),
        shown(info, "systemUUID"),
        address(internal[-1]) if internal else "",
    )


def _taints(spec: JsonObject) -> Iterator[Row]:
    for taint in items(spec, "taints"):
        key, value = qualified_name(text_of(taint, "key")), label_value(text_of(taint, "value"))
        if key and value is not None:
            yield Row(NODE_TAINT, (key, value, one_of(text_of(taint, "effect"), TAINT_EFFECTS)), 1)
