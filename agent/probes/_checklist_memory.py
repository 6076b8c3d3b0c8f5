"""Rules about memory: limits, and what is left of them."""

from agent.probes._checklist_meshery import POD_METRICS, broker, broker_container, server, server_container
from agent.probes._checklist_rule import Objects, Wanted, served, unknowable, wrong
from agent.probes._json import JsonObject, child, children, text_of
from agent.probes._kube_objects import bytes_of, container_named, name_of, pod_template, pods_of
from agent.probes._text import quote

_MEBIBYTE = 1024.0**2


def server_memory(objects: Objects, wanted: Wanted) -> str:
    """Meshery Server has a memory limit, and its pods use no more of it than leaves the headroom that is wanted: what
    MeshSync has found of the clusters is kept in memory."""
    deployment = server(objects)
    return _memory(objects, deployment, server_container(deployment), "the Server", wanted.memory_headroom)


def broker_memory(objects: Objects, wanted: Wanted) -> str:
    """Meshery Broker has a memory limit, and its pods use no more of it than leaves the headroom that is wanted: when
    MeshSync reconnects, it publishes everything again at once."""
    stateful_set = broker(objects)
    return _memory(objects, stateful_set, broker_container(stateful_set), "the Broker", wanted.memory_headroom)


def _memory(objects: Objects, workload: JsonObject, container: JsonObject, of: str, headroom: float) -> str:
    limit = _memory_limit(container) or _memory_limit(child(pod_template(workload), "spec"))
    if limit is None:
        raise wrong(
            f"the container {quote(text_of(container, 'name'), 80)} of {of} has no memory limit, so it grows until its "
            "node has none left",
            "set resources.limits.memory",
        )
    used = [
        (usage, name_of(pod))
        for pod in pods_of(workload, served(objects, POD_METRICS))
        if (usage := _usage(pod, text_of(container, "name"))) is not None
    ]
    if not used:
        raise unknowable(
            f"the limit of {of} is {_mebibytes(limit)}, but the metrics API says nothing of its pods",
            "Metrics appear a minute after a pod has started; else look at the log of metrics-server.",
        )
    most, pod_name = max(used)
    found = f"{quote(pod_name, 80)} uses {_mebibytes(most)} of {_mebibytes(limit)}, {most / limit:.0%}"
    if most > limit * (1 - headroom):
        raise wrong(found, f"raise its memory limit: {headroom:.0%} of it should stay free")
    return found


def _memory_limit(thing: JsonObject) -> float | None:
    return bytes_of(child(child(thing, "resources"), "limits").get("memory"))


def _usage(pod_metrics: JsonObject, container: str) -> float | None:
    found = container_named(container, children(pod_metrics, "containers"))
    return bytes_of(child(found, "usage").get("memory")) if found is not None else None


def _mebibytes(amount: float) -> str:
    return f"{amount / _MEBIBYTE:.0f} MiB"
