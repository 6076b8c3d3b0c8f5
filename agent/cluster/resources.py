"""Which collections of the API are watched for the series of a cluster. The Roles in the packages follow from it."""

from collections.abc import Mapping, Sequence

from agent.cluster.series import Resource
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
_OF_DISCOVERY = {
    "services": "/api/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "deployments": "/apis/apps/v1",
    "brokers": "/apis/meshery.io/v1alpha1",
    "meshsyncs": "/apis/meshery.io/v1alpha1",
}
_METRICS = "/apis/metrics.k8s.io/v1beta1"


def watched_collections(settings: KubernetesSettings) -> Mapping[Resource, Sequence[str]]:
    """Paths by resource: one for the whole cluster, or one for each namespace that is named."""
    wanted: dict[Resource, Sequence[str]] = {}
    if settings.nodes:
        wanted |= {resource: (path,) for resource, path in _OF_NODES.items()}
    if settings.workloads:
        wanted |= {
            resource: in_namespaces(group, plural, settings.namespaces)
            for resource, (group, plural) in _OF_WORKLOADS.items()
        }
    return wanted


def usage_collections(settings: KubernetesSettings) -> Mapping[Resource, Sequence[str]]:
    """Paths of the metrics API, which cannot be watched."""
    wanted: dict[Resource, Sequence[str]] = {}
    if settings.nodes:
        wanted[Resource.NODE_USAGE] = (f"{_METRICS}/nodes",)
    if settings.workloads:
        wanted[Resource.POD_USAGE] = in_namespaces(_METRICS, "pods", settings.namespaces)
    return wanted


def discovered_collections(settings: KubernetesSettings) -> Mapping[str, Sequence[str]]:
    """Paths by kind of object of what is looked at to find checks; empty where nothing is to be found."""
    if not settings.discovery:
        return {}
    return {plural: in_namespaces(group, plural, settings.namespaces) for plural, group in _OF_DISCOVERY.items()}


def in_namespaces(group: str, plural: str, namespaces: Sequence[str]) -> Sequence[str]:
    """The paths of a collection in some namespaces; in all of them where none are named."""
    if not namespaces:
        return (f"{group}/{plural}",)
    return tuple(f"{group}/namespaces/{namespace}/{plural}" for namespace in namespaces)
