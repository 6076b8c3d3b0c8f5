"""CPU and memory that pods and nodes use, by the metrics API (metrics.k8s.io/v1beta1), where it is served."""

from collections.abc import Iterator

from agent.cluster.fields import dns_label, items, name_of, namespace_of
from agent.metrics.kubernetes import NODE_CPU, NODE_MEMORY, POD_CPU, POD_MEMORY
from agent.metrics.objects import ObjectSeries, Row
from agent.metrics.text import Description
from agent.probes._json import JsonObject, child, text_of
from agent.probes._quantity import exact, units


def usage_key(entry: JsonObject) -> str:
    """What tells an entry of a PodMetricsList or NodeMetricsList from the others: they have no uid."""
    return f"{namespace_of(entry)}/{name_of(entry)}"


def pod_usage_series(usage: JsonObject) -> ObjectSeries | None:
    """What the containers of a pod use; None when its name or namespace is none."""
    namespace, name = namespace_of(usage), name_of(usage)
    if not (namespace and name):
        return None
    return ObjectSeries(f"{namespace}/{name}", (("namespace", namespace), ("pod", name)), _pod_rows(usage))


def node_usage_series(usage: JsonObject) -> ObjectSeries | None:
    """What a node uses; None when its name is none."""
    name = name_of(usage)
    return ObjectSeries(name, (("node", name),), _rows(usage, NODE_CPU, NODE_MEMORY)) if name else None


def _pod_rows(usage: JsonObject) -> Iterator[Row]:
    for container in items(usage, "containers"):
        name = dns_label(text_of(container, "name"))
        if name:
            yield from _rows(container, POD_CPU, POD_MEMORY, name)


def _rows(measured: JsonObject, cpu: Description, memory: Description, *values: str) -> Iterator[Row]:
    usage = child(measured, "usage")
    cores, used = exact(usage.get("cpu")), units(usage.get("memory"))
    if cores is not None:
        yield Row(cpu, values, cores)
    if used is not None:
        yield Row(memory, values, used)
