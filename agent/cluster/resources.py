"""Which collections of the API are watched for the series of a cluster. The Roles in the packages follow from it."""

from collections.abc import Mapping, Sequence

from agent.cluster.series import Resource
from agent.probes._kube_objects import list_path
from agent.settings.kubernetes import KubernetesSettings

_OF_NODES = {
    Resource.NODES: "/api/v1/nodes",
    Resource.LEASES: "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
}
_OF_WORKLOADS = {
    Resource.DEPLOYMENTS: ("/apis/apps/v1", "deployments"),
    Resource.STATEFULSETS: ("/apis/apps/v1", "statefulsets"),
    Resource.DAEMONSETS: ("/apis/apps/v1", "daemonsets"),
    Resource.PODS: ("/api/v1", "pods"),
}
_METRICS = "/apis/metrics.k8s.io/v1beta1"


def watched_collections(settings: KubernetesSettings) -> Mapping[Resource, Sequence[str]]:
    """Paths by resource: one for the whole cluster, or one for each namespace that is named."""
    wanted: dict[Resource, Sequence[str]] = {}
    if settings.nodes:
        wanted |= {resource: (path,) for resource, path in _OF_NODES.items()}
    if settings.workloads:
        wanted |= {
            resource: _in_namespaces(group, plural, settings.namespaces)
            for resource, (group, plural) in _OF_WORKLOADS.items()
        }
    return wanted


def usage_collections(settings: KubernetesSettings) -> Mapping[Resource, Sequence[str]]:
    """Paths of the metrics API, which cannot be watched."""
    wanted: dict[Resource, Sequence[str]] = {}
    if settings.nodes:
        wanted[Resource.NODE_USAGE] = (f"{_METRICS}/nodes",)
    if settings.workloads:
        wanted[Resource.POD_USAGE] = _in_namespaces(_METRICS, "pods", settings.namespaces)
    return wanted


def _in_namespaces(group: str, plural: str, namespaces: Sequence[str]) -> Sequence[str]:
    """The paths of a collection in some namespaces; in all of them where none are named."""
    return tuple(list_path(group, plural, namespace) for namespace in namespaces or (None,))
