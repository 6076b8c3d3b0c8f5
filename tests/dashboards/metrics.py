"""Every metric that a dashboard may ask for, with its labels: the agent's, those of rules, and a few of others."""

from __future__ import annotations

from functools import cache

from promql_parser import parse

from agent.metrics.catalogue import catalogue
from agent.metrics.text import SeriesType
from alerts import pack
from alerts.rule import Alert, Recording
from alerts.timing import Timing
from tests.dashboards.promql import Labels, LabelsOf

OF_TARGETS = frozenset({"cluster", "job", "instance"})
"""What Prometheus adds to each series that it scrapes; `cluster` where it is told to."""

_CADVISOR = frozenset({"namespace", "pod", "container"})
_INGRESS = frozenset({"namespace", "service", "exported_namespace", "exported_service", "status"})
_MESH = frozenset({"destination_service_namespace", "destination_service_name", "response_code", "reporter"})
_GAUGES_OF_OTHERS: dict[str, Labels] = {
    "up": frozenset({"node"}),
    "process_resident_memory_bytes": frozenset(),
    "process_open_fds": frozenset(),
    "process_max_fds": frozenset(),
    "process_start_time_seconds": frozenset(),
    "container_memory_rss": _CADVISOR,
    "container_memory_cache": _CADVISOR,
}
_COUNTERS_OF_OTHERS: dict[str, Labels] = {
    "process_cpu_seconds_total": frozenset(),
    "container_cpu_system_seconds_total": _CADVISOR,
    "nginx_ingress_controller_requests": _INGRESS,
    "nginx_ingress_controller_request_duration_seconds_bucket": _INGRESS | {"le"},
    "istio_requests_total": _MESH,
    "istio_request_duration_milliseconds_bucket": _MESH | {"le"},
}
"""Of prometheus-client, Prometheus, cAdvisor, ingress-nginx and Istio."""


@cache
def counters() -> frozenset[str]:
    """The names of all samples that only ever rise."""
    rising = [entry.family for entry in catalogue().entries() if entry.family.type is SeriesType.COUNTER]
    return frozenset({family.name for family in rising} | set(_COUNTERS_OF_OTHERS) | set(_histograms()))


@cache
def labels_of_metrics() -> dict[str, Labels]:
    """The labels of each metric, by its name as samples have it."""
    found = {entry.family.name: frozenset(entry.labels) for entry in catalogue().entries()}
    found |= _histograms() | _GAUGES_OF_OTHERS | _COUNTERS_OF_OTHERS
    found = {name: labels | OF_TARGETS for name, labels in found.items()}
    labels_of = LabelsOf(lambda name: found[name])
    rules = [rule for groups in pack.files(Timing()).values() for group in groups for rule in group.rules]
    for rule in rules:
        if isinstance(rule, Recording):
            found[rule.name] = labels_of(parse(rule.expr))
    found["ALERTS_FOR_STATE"] = frozenset({"alertname", "severity"})
    for rule in rules:
        if isinstance(rule, Alert) and "ALERTS" not in rule.expr:
            found["ALERTS_FOR_STATE"] |= labels_of(parse(rule.expr)) | set(rule.labels)
    found["ALERTS"] = found["ALERTS_FOR_STATE"] | {"alertstate"}
    return found


def _histograms() -> dict[str, Labels]:
    samples = {}
    for entry in catalogue().entries():
        if entry.family.type is SeriesType.HISTOGRAM:
            for suffix, own in (("_bucket", {"le"}), ("_count", set()), ("_sum", set())):
                samples[f"{entry.family.name}{suffix}"] = frozenset({*entry.labels, *own})
    return samples
