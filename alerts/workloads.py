"""Pods and workloads of the namespaces that reachd watches, whoever else is scraped by the same Prometheus.

Alerts on pods have the label `node`, so that a node that is not Ready suppresses those of the pods on it.
"""

from collections.abc import Iterator

from alerts.identity import GAP
from alerts.limits import near_limit
from alerts.observers import latest
from alerts.rule import Alert, Dashboard, Group, Recording, Severity
from alerts.thresholds import ABNORMAL_DEVIATIONS, ABNORMAL_GROWTH, ABNORMAL_LEAST, RESTARTS
from alerts.timing import Timing

DASHBOARD = Dashboard("reachd-kubernetes", ("cluster", "namespace"))
_COMPONENT = {"component": "workload"}
_POD = "cluster, namespace, pod, uid"
_LABELS = "cluster, namespace, pod, node, workload"
_OF_WORKLOAD = f"* on ({_POD}) group_left (node, workload) pod:reachd_workload:max"
_WAITING = "CrashLoopBackOff|CreateContainer.*Error|.*ImagePull.*|ErrImage.*|InvalidImageName|RunContainerError"


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    alerts = (_restarting, _not_running, _unavailable, _near_limit, _abnormal)
    yield Group("reachd-workloads", "30s", [*_recordings(timing), *(alert(timing) for alert in alerts)])


def _recordings(timing: Timing) -> Iterator[Recording]:
    # One of each for a pod, whatever has changed: with two the rules would fail.
    workload, node = (
        f"topk by ({_POD}) (1, max by ({_POD}, {label}) {latest(timing, info)})"
        for label, info in (("workload", "reachd_pod_workload_info"), ("node", "kube_pod_info"))
    )
    yield Recording("pod:reachd_workload:max", f"{workload}\n* on ({_POD}) group_left (node) {node}")


def _restarting(timing: Timing) -> Alert:
    restarts = (
        f"max by ({_POD}, container) (increase({metric}[{timing('15m')}]))"
        for metric in (
            "kube_pod_container_status_restarts_total",
            "kube_pod_init_container_status_restarts_total",
        )
    )
    return Alert(
        "ReachdPodRestarting",
        Severity.WARNING,
        f"max by ({_LABELS}, container) (\n  ({' or '.join(restarts)})\n  {_OF_WORKLOAD}\n) >= {RESTARTS}",
        hold="",
        keep="5m",
        summary="A container keeps restarting.",
        description=(
            "Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} has restarted "
            '{{ $value | printf "%.0f" }} times in the last quarter of an hour.'
            "{{ range query (printf `max by (reason) (kube_pod_container_status_last_terminated_reason{cluster=%q,"
            "namespace=%q,pod=%q,container=%q})` $labels.cluster $labels.namespace $labels.pod $labels.container) }}"
            " It ended before with {{ .Labels.reason }}.{{ end }}"
        ),
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _not_running(timing: Timing) -> Alert:
    bad = (
        'kube_pod_status_phase{phase=~"Pending|Unknown"}',
        f'kube_pod_container_status_waiting_reason{{reason=~"{_WAITING}"}}',
        f'kube_pod_init_container_status_waiting_reason{{reason=~"{_WAITING}"}}',
    )
    not_running = "\n  or ".join(f"max by ({_POD}) {latest(timing, it)} == 1" for it in bad)
    return Alert(
        "ReachdPodNotRunning",
        Severity.WARNING,
        f"max by ({_LABELS}) (\n  ({not_running})\n  {_OF_WORKLOAD}\n)",
        hold="10m",
        summary="A pod does not run.",
        description=(
            "Pod {{ $labels.namespace }}/{{ $labels.pod }} has not been running for ten minutes."
            "{{ range query (printf `max by (container, reason) (kube_pod_container_status_waiting_reason{cluster=%q,"
            'namespace=%q,pod=%q})` $labels.cluster $labels.namespace $labels.pod) | sortByLabel "container" }}'
            " Container {{ .Labels.container }} waits: {{ .Labels.reason }}.{{ end }}"
        ),
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _unavailable(timing: Timing) -> Alert:
    def missing(kind: str, wanted: str, available: str) -> str:
        def largest(metric: str) -> str:
            return f"max by (cluster, namespace, {kind}) {latest(timing, metric)}"

        return f'label_replace({largest(wanted)} - {largest(available)} > 0, "workload", "$1", "{kind}", "(.+)")'

    arms = (
        missing("deployment", "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"),
        missing("statefulset", "kube_statefulset_replicas", "kube_statefulset_status_replicas_available"),
        missing(
            "daemonset",
            "kube_daemonset_status_desired_number_scheduled",
            "kube_daemonset_status_number_available",
        ),
    )
    anything = "\n  or ".join(arms)
    watched = f"on (cluster, namespace) last_over_time(reachd_pod_workload_info[{timing('1h')}])"
    return Alert(
        "ReachdWorkloadUnavailable",
        Severity.WARNING,
        f"max by (cluster, namespace, workload) (\n  {anything}\n)\nand {watched}",
        hold="10m",
        summary="A workload has fewer pods available than it should have.",
        description="{{ $labels.namespace }}/{{ $labels.workload }} has {{ $value }} pods too few.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


_CONTAINER = "cluster, namespace, pod, container"
_USAGE = {"memory": "reachd_pod_container_memory_working_set_bytes", "cpu": "reachd_pod_container_cpu_usage_cores"}


def _near_limit(timing: Timing) -> Alert:
    def share(resource: str, usage: str) -> str:
        # A sidecar is an init container that goes on.
        limits = (
            f'kube_pod_{kind}_resource_limits{{resource="{resource}"}}' for kind in ("container", "init_container")
        )
        return near_limit(timing, _CONTAINER, resource, usage, *limits)

    return Alert(
        "ReachdNearLimit",
        Severity.WARNING,
        "\nor ".join(share(resource, usage) for resource, usage in _USAGE.items()),
        hold="15m",
        summary="A node or a container uses almost all that it may.",
        description=(
            "Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} uses "
            "{{ $value | humanizePercentage }} of its limit of {{ $labels.resource }}."
        ),
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _abnormal(timing: Timing) -> Alert:
    gap, day, offset = timing(GAP), timing("1d"), timing("1h")

    def unusual(resource: str, usage: str) -> str:
        now, before = f"max by ({_CONTAINER}) (last_over_time({usage}[{gap}]))", f"{usage}[{day}] offset {offset}"
        average = f"max by ({_CONTAINER}) (avg_over_time({before}))"
        deviation = f"max by ({_CONTAINER}) (stddev_over_time({before}))"
        over = (
            f"{now} > {ABNORMAL_GROWTH} * {average}\n  and {now} > {average} + {ABNORMAL_DEVIATIONS} * {deviation}"
            f"\n  and {now} > {average} + {ABNORMAL_LEAST[resource]}"
        )
        return f'label_replace(\n  {over},\n  "resource", "{resource}", "", ""\n)'

    return Alert(
        "ReachdAbnormalUsage",
        Severity.INFO,
        "\nor ".join(unusual(resource, usage) for resource, usage in _USAGE.items()),
        hold="15m",
        summary="A container uses far more than it did the day before.",
        description=(
            "Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} uses unusually much "
            "{{ $labels.resource }}."
        ),
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )
