"""The families of a cluster's nodes, workloads and pods, by the kind of object that they are made of.

Names, labels and meanings of kube_* are those of kube-state-metrics 2 (its docs/metrics), so that its dashboards and
rules work; reachd_* are what it has no series for. All families of a kind begin with the labels of the object.
"""

from typing import NamedTuple

from agent.metrics.text import Description, SeriesType

OWN_PREFIX = "reachd_"
"""Begins the names that kube-state-metrics does not have."""

_NODE = ("node",)
_POD = ("namespace", "pod", "uid")
_CONTAINER = (*_POD, "container")
_USAGE = ("namespace", "pod", "container")
_AMOUNT = ("resource", "unit")


def _gauge(name: str, text: str, *labels: str) -> Description:
    return Description(name, SeriesType.GAUGE, text, labels)


def _info(name: str, text: str, *labels: str) -> Description:
    return Description(name, SeriesType.INFO, text, labels)


NODE_CREATED = _gauge("kube_node_created", "Unix time at which the node joined the cluster.", *_NODE)
NODE_DELETION = _gauge("kube_node_deletion_timestamp", "Unix time at which deleting the node was asked for.", *_NODE)
NODE_INFO = _info(
    "kube_node_info",
    "1, with what the node says it runs; kubeproxy_version is always deprecated.",
    *_NODE,
    "kernel_version",
    "os_image",
    "container_runtime_version",
    "kubelet_version",
    "kubeproxy_version",
    "provider_id",
    "pod_cidr",
    "system_uuid",
    "internal_ip",
)
NODE_TAINT = _gauge("kube_node_spec_taint", "1 for each taint of the node.", *_NODE, "key", "value", "effect")
NODE_UNSCHEDULABLE = _gauge("kube_node_spec_unschedulable", "Whether the node is cordoned.", *_NODE)
NODE_ALLOCATABLE = _gauge(
    "kube_node_status_allocatable", "What pods may use of the node: cpu, memory, pods.", *_NODE, *_AMOUNT
)
NODE_CAPACITY = _gauge("kube_node_status_capacity", "What the node has: cpu, memory, pods.", *_NODE, *_AMOUNT)
NODE_CONDITION = _gauge(
    "kube_node_status_condition",
    "1 for the status that a condition has: true, false or unknown; 0 for the two others.",
    *_NODE,
    "condition",
    "status",
)
NODES = (
    NODE_CREATED,
    NODE_DELETION,
    NODE_INFO,
    NODE_TAINT,
    NODE_UNSCHEDULABLE,
    NODE_ALLOCATABLE,
    NODE_CAPACITY,
    NODE_CONDITION,
)

LEASE_RENEWED = _gauge(
    "reachd_node_lease_renewed_timestamp_seconds", "Unix time at which the kubelet last renewed its lease.", *_NODE
)
LEASES = (LEASE_RENEWED,)


def _replicas(kind: str, name: str, text: str) -> Description:
    return _gauge(f"kube_{kind}_{name}", text, "namespace", kind)


DEPLOYMENT_WANTED = _replicas("deployment", "spec_replicas", "Pods that the deployment should have.")
DEPLOYMENT_GENERATION = _replicas("deployment", "metadata_generation", "Number of the wanted state.")
DEPLOYMENT_OBSERVED = _replicas(
    "deployment", "status_observed_generation", "Number of the wanted state that the controller acts on."
)
DEPLOYMENT_REPLICAS = _replicas("deployment", "status_replicas", "Pods that the deployment has.")
DEPLOYMENT_READY = _replicas("deployment", "status_replicas_ready", "Pods that are ready.")
DEPLOYMENT_AVAILABLE = _replicas("deployment", "status_replicas_available", "Pods that have been ready long enough.")
DEPLOYMENT_UNAVAILABLE = _replicas(
    "deployment", "status_replicas_unavailable", "Pods that are missing, or not available yet."
)
DEPLOYMENT_UPDATED = _replicas("deployment", "status_replicas_updated", "Pods of the newest template.")
DEPLOYMENTS = (
    DEPLOYMENT_WANTED,
    DEPLOYMENT_GENERATION,
    DEPLOYMENT_OBSERVED,
    DEPLOYMENT_REPLICAS,
    DEPLOYMENT_READY,
    DEPLOYMENT_AVAILABLE,
    DEPLOYMENT_UNAVAILABLE,
    DEPLOYMENT_UPDATED,
)

STATEFULSET_WANTED = _replicas("statefulset", "replicas", "Pods that the StatefulSet should have.")
STATEFULSET_GENERATION = _replicas("statefulset", "metadata_generation", "Number of the wanted state.")
STATEFULSET_OBSERVED = _replicas(
    "statefulset", "status_observed_generation", "Number of the wanted state that the controller acts on."
)
STATEFULSET_REPLICAS = _replicas("statefulset", "status_replicas", "Pods that the StatefulSet has.")
STATEFULSET_READY = _replicas("statefulset", "status_replicas_ready", "Pods that are ready.")
STATEFULSET_AVAILABLE = _replicas("statefulset", "status_replicas_available", "Pods that have been ready long enough.")
STATEFULSET_CURRENT = _replicas("statefulset", "status_replicas_current", "Pods of the revision that is replaced.")
STATEFULSET_UPDATED = _replicas("statefulset", "status_replicas_updated", "Pods of the newest revision.")
STATEFULSETS = (
    STATEFULSET_WANTED,
    STATEFULSET_GENERATION,
    STATEFULSET_OBSERVED,
    STATEFULSET_REPLICAS,
    STATEFULSET_READY,
    STATEFULSET_AVAILABLE,
    STATEFULSET_CURRENT,
    STATEFULSET_UPDATED,
)

DAEMONSET_WANTED = _replicas("daemonset", "status_desired_number_scheduled", "Nodes that should run the pod.")
DAEMONSET_GENERATION = _replicas("daemonset", "metadata_generation", "Number of the wanted state.")
DAEMONSET_OBSERVED = _replicas(
    "daemonset", "status_observed_generation", "Number of the wanted state that the controller acts on."
)
DAEMONSET_SCHEDULED = _replicas("daemonset", "status_current_number_scheduled", "Nodes that run it as they should.")
DAEMONSET_READY = _replicas("daemonset", "status_number_ready", "Nodes where it is ready.")
DAEMONSET_AVAILABLE = _replicas("daemonset", "status_number_available", "Nodes where it has been ready long enough.")
DAEMONSET_UNAVAILABLE = _replicas(
    "daemonset", "status_number_unavailable", "Nodes where it should be available and is not."
)
DAEMONSET_MISSCHEDULED = _replicas(
    "daemonset", "status_number_misscheduled", "Nodes that run it although they should not."
)
DAEMONSET_UPDATED = _replicas(
    "daemonset", "status_updated_number_scheduled", "Nodes that run it from the newest template."
)
DAEMONSETS = (
    DAEMONSET_WANTED,
    DAEMONSET_GENERATION,
    DAEMONSET_OBSERVED,
    DAEMONSET_SCHEDULED,
    DAEMONSET_READY,
    DAEMONSET_AVAILABLE,
    DAEMONSET_UNAVAILABLE,
    DAEMONSET_MISSCHEDULED,
    DAEMONSET_UPDATED,
)

POD_INFO = _info(
    "kube_pod_info",
    "1, with where the pod runs and what made it.",
    *_POD,
    "host_ip",
    "pod_ip",
    "node",
    "created_by_kind",
    "created_by_name",
    "priority_class",
    "host_network",
)
POD_OWNER = _gauge(
    "kube_pod_owner",
    "1 for each owner of the pod; the labels are empty when it has none.",
    *_POD,
    "owner_kind",
    "owner_name",
    "owner_is_controller",
)
POD_WORKLOAD = _info(
    "reachd_pod_workload_info",
    "1, with the workload that the pod belongs to: its deployment rather than the ReplicaSet between them.",
    *_POD,
    "workload_type",
    "workload",
)
POD_CREATED = _gauge("kube_pod_created", "Unix time at which the pod was created.", *_POD)
POD_DELETION = _gauge(
    "kube_pod_deletion_timestamp", "Unix time by which a pod that is being deleted has to be gone.", *_POD
)
POD_PHASE = _gauge(
    "kube_pod_status_phase",
    "1 for the phase that the pod is in: Pending, Running, Succeeded, Failed or Unknown; 0 for the others.",
    *_POD,
    "phase",
)
POD_READY = _gauge(
    "kube_pod_status_ready",
    "1 for what is known of the pod's readiness: true, false or unknown; 0 for the two others.",
    *_POD,
    "condition",
)
POD_UNSCHEDULABLE = _gauge("kube_pod_status_unschedulable", "1 while the scheduler finds no node for the pod.", *_POD)


class ContainerFamilies(NamedTuple):
    """The families of one sort of containers."""

    ready: Description
    restarts: Description
    waiting: Description
    terminated: Description
    last_terminated: Description
    requests: Description
    limits: Description


def _containers(sort: str, words: str) -> ContainerFamilies:
    start = f"kube_pod_{sort}"
    return ContainerFamilies(
        _gauge(f"{start}_status_ready", f"Whether the {words} is ready.", *_CONTAINER),
        Description(f"{start}_status_restarts_total", SeriesType.COUNTER, f"Restarts of the {words}.", _CONTAINER),
        _gauge(f"{start}_status_waiting_reason", f"1 while the {words} waits, with why.", *_CONTAINER, "reason"),
        _gauge(f"{start}_status_terminated_reason", f"1 while the {words} has ended, with why.", *_CONTAINER, "reason"),
        _gauge(
            f"{start}_status_last_terminated_reason", f"1, with why the {words} ended before.", *_CONTAINER, "reason"
        ),
        _gauge(f"{start}_resource_requests", f"What the {words} requests: cpu, memory.", *_CONTAINER, "node", *_AMOUNT),
        _gauge(f"{start}_resource_limits", f"What the {words} may use: cpu, memory.", *_CONTAINER, "node", *_AMOUNT),
    )


CONTAINERS = _containers("container", "container")
INIT_CONTAINERS = _containers("init_container", "init container")
PODS = (
    POD_INFO,
    POD_OWNER,
    POD_WORKLOAD,
    POD_CREATED,
    POD_DELETION,
    POD_PHASE,
    POD_READY,
    POD_UNSCHEDULABLE,
    *CONTAINERS,
    *INIT_CONTAINERS,
)

POD_CPU = _gauge("reachd_pod_container_cpu_usage_cores", "CPU that the container uses, by the metrics API.", *_USAGE)
POD_MEMORY = _gauge(
    "reachd_pod_container_memory_working_set_bytes", "Memory that the container uses, by the metrics API.", *_USAGE
)
POD_USAGE = (POD_CPU, POD_MEMORY)

NODE_CPU = _gauge("reachd_node_cpu_usage_cores", "CPU that the node uses, by the metrics API.", *_NODE)
NODE_MEMORY = _gauge("reachd_node_memory_working_set_bytes", "Memory that the node uses, by the metrics API.", *_NODE)
NODE_USAGE = (NODE_CPU, NODE_MEMORY)

FAMILIES = (*NODES, *LEASES, *DEPLOYMENTS, *STATEFULSETS, *DAEMONSETS, *PODS, *POD_USAGE, *NODE_USAGE)

CONDITION_STATUSES = ("true", "false", "unknown")

NODE_CONDITIONS = frozenset(
    {
        "Ready",
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "NetworkUnavailable",
        "GracefulNodeShutdownInProgress",
        "DrainInProgress",
        "Drained",
        "MaintenancePlanned",
        "MaintenanceInProgress",
        "KernelDeadlock",
        "ReadonlyFilesystem",
        "FrequentKubeletRestart",
        "FrequentDockerRestart",
        "FrequentContainerdRestart",
        "FrequentUnregisterNetDevice",
        "KubeletUnhealthy",
        "ContainerRuntimeUnhealthy",
        "CorruptDockerOverlay2",
    }
)
"""Conditions of a node that are exported: those of Kubernetes (k8s.io/api/core/v1), and of node-problem-detector as it
comes. A type is text that whoever runs on the node may choose, so this list is closed."""

TAINT_EFFECTS = frozenset({"NoSchedule", "PreferNoSchedule", "NoExecute"})

POD_PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")

WAITING_REASONS = frozenset(
    {
        "ContainerCreating",
        "PodInitializing",
        "CrashLoopBackOff",
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "ImageInspectError",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "RROUnsupported",
        "ImageVolumeMountFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
        "RunContainerError",
        "RestartingAllContainers",
    }
)
"""Why the kubelet lets a container wait (k8s.io/kubernetes 1.37, pkg/kubelet; k8s.io/cri-api, pkg/errors)."""

TERMINATED_REASONS = frozenset(
    {
        "Completed",
        "Error",
        "OOMKilled",
        "StartError",
        "ContainerCannotRun",
        "ContainerStatusUnknown",
        "RestartingAllContainers",
        "DeadlineExceeded",
        "Evicted",
        "Unknown",
    }
)
"""Why a container has ended, as containerd, CRI-O, Docker and the kubelet say it."""

WORKLOAD_TYPES = frozenset({"deployment", "replicaset", "statefulset", "daemonset", "job", "replicationcontroller"})
"""What pods belong to, as `workload_type` says it."""
