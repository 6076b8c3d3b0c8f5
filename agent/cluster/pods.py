"""Series of pods (v1) and of their containers."""

from collections.abc import Iterator

from agent.cluster.fields import (
    address,
    count,
    dns_label,
    items,
    kind,
    name_of,
    namespace_of,
    one_of,
    statuses,
    subdomain,
    uid_of,
    unix_time,
)
from agent.metrics.kubernetes import (
    CONTAINERS,
    INIT_CONTAINERS,
    POD_CREATED,
    POD_DELETION,
    POD_INFO,
    POD_OWNER,
    POD_PHASE,
    POD_PHASES,
    POD_READY,
    POD_UNSCHEDULABLE,
    POD_WORKLOAD,
    TERMINATED_REASONS,
    WAITING_REASONS,
    WORKLOAD_TYPES,
    ContainerFamilies,
)
from agent.metrics.objects import ObjectSeries, Row
from agent.probes._json import NOTHING, JsonObject, child, text_of
from agent.probes._quantity import thousandths, units

_TEMPLATE_HASH = "pod-template-hash"
"""The label by which a deployment tells its ReplicaSets apart; their names end with its value."""


def pod_series(pod: JsonObject) -> ObjectSeries | None:
    """The series of a pod; None when its name, namespace or uid is none."""
    namespace, name, uid = namespace_of(pod), name_of(pod), uid_of(pod)
    if not (namespace and name and uid):
        return None
    return ObjectSeries(f"{namespace}/{name}", (("namespace", namespace), ("pod", name), ("uid", uid)), _rows(pod))


def _rows(pod: JsonObject) -> Iterator[Row]:
    metadata, spec, status = child(pod, "metadata"), child(pod, "spec"), child(pod, "status")
    node = subdomain(text_of(spec, "nodeName"))
    owners = [owner for owner in items(metadata, "ownerReferences") if _kind_and_name(owner)]
    controller = next((owner for owner in owners if owner.get("controller") is True), NOTHING)
    yield Row(POD_INFO, _info(spec, status, node, controller), 1)
    for owner in owners:
        yield Row(POD_OWNER, (*_kind_and_name(owner), "true" if owner is controller else "false"), 1)
    if not owners:
        yield Row(POD_OWNER, ("", "", ""), 1)
    if controller:
        yield Row(POD_WORKLOAD, _workload(metadata, controller), 1)
    for family, field in ((POD_CREATED, "creationTimestamp"), (POD_DELETION, "deletionTimestamp")):
        moment = unix_time(metadata, field)
        if moment is not None:
            yield Row(family, (), int(moment))
    yield from _status(status)
    yield from _containers(spec, status, node)


def _kind_and_name(owner: JsonObject) -> tuple[str, ...]:
    """Both, or nothing when one of them is none."""
    words = kind(text_of(owner, "kind")), subdomain(text_of(owner, "name"))
    return words if all(words) else ()


def _info(spec: JsonObject, status: JsonObject, node: str, controller: JsonObject) -> tuple[str, ...]:
    return (
        address(text_of(status, "hostIP")),
        address(text_of(status, "podIP")),
        node,
        *(_kind_and_name(controller) or ("", "")),
        subdomain(text_of(spec, "priorityClassName")),
        "true" if spec.get("hostNetwork") is True else "false",
    )


def _workload(metadata: JsonObject, controller: JsonObject) -> tuple[str, str]:
    """The type and name of what the pod belongs to. A ReplicaSet of a deployment is named after it and its template."""
    sort, name = _kind_and_name(controller)
    template = text_of(child(metadata, "labels"), _TEMPLATE_HASH)
    deployment = name.removesuffix(f"-{template}")
    if sort == "ReplicaSet" and template and deployment != name:
        return "deployment", deployment
    return one_of(sort.lower(), WORKLOAD_TYPES), name


def _status(status: JsonObject) -> Iterator[Row]:
    phase = text_of(status, "phase")
    if phase:
        for possible in POD_PHASES:
            yield Row(POD_PHASE, (possible,), phase == possible)
    for condition in items(status, "conditions"):
        if condition.get("type") == "Ready":
            for possible, value in statuses(condition):
                yield Row(POD_READY, (possible,), value)
        elif condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield Row(POD_UNSCHEDULABLE, (), 1)


def _containers(spec: JsonObject, status: JsonObject, node: str) -> Iterator[Row]:
    for container in items(status, "containerStatuses"):
        yield from _container_status(CONTAINERS, container)
    for container in items(spec, "containers"):
        yield from _container_resources(CONTAINERS, container, node)
    for container in items(status, "initContainerStatuses"):
        yield from _container_status(INIT_CONTAINERS, container)
    for container in items(spec, "initContainers"):
        yield from _container_resources(INIT_CONTAINERS, container, node)


def _container_status(families: ContainerFamilies, container: JsonObject) -> Iterator[Row]:
    name = dns_label(text_of(container, "name"))
    if not name:
        return
    yield Row(families.ready, (name,), container.get("ready") is True)
    restarts = count(container, "restartCount", absent=0)
    if restarts is not None and restarts >= 0:
        yield Row(families.restarts, (name,), restarts)
    state, last = child(container, "state"), child(container, "lastState")
    for family, section, now, reasons in (
        (families.waiting, state, "waiting", WAITING_REASONS),
        (families.terminated, state, "terminated", TERMINATED_REASONS),
        (families.last_terminated, last, "terminated", TERMINATED_REASONS),
    ):
        if isinstance(section.get(now), dict):
            yield Row(family, (name, one_of(text_of(child(section, now), "reason"), reasons)), 1)


def _container_resources(families: ContainerFamilies, container: JsonObject, node: str) -> Iterator[Row]:
    name = dns_label(text_of(container, "name"))
    if not name:
        return
    resources = child(container, "resources")
    for family, field in ((families.requests, "requests"), (families.limits, "limits")):
        amounts = child(resources, field)
        cpu, memory = thousandths(amounts.get("cpu")), units(amounts.get("memory"))
        if cpu is not None:
            yield Row(family, (name, node, "cpu", "core"), cpu)
        if memory is not None:
            yield Row(family, (name, node, "memory", "byte"), memory)
