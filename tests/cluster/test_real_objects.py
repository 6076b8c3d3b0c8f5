"""Objects of a real API server: what it admits, defaults and puts in order becomes the series that it should."""

from __future__ import annotations

import pytest

from agent.cluster.packed import packed
from agent.cluster.series import ClusterSeries, Resource
from tests.cluster.series_support import Listed, named, sample_lines, text_of
from tests.servers.kubernetes import Cluster
from tests.servers.kubernetes_api import ApiError, Json
from tests.servers.process import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.servers("etcd", "kube-apiserver", "kube-controller-manager"),
]


def node(name: str) -> Json:
    """A node that a cloud provider and its kubelet have filled in; cordoned."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {
            "unschedulable": True,
            "taints": [{"key": "example.com/broker", "value": "yes", "effect": "NoExecute"}],
        },
        "status": {
            "capacity": {"cpu": "4", "memory": "7.5Gi", "pods": "1.1e2"},
            "allocatable": {"cpu": "3.92", "memory": "7800000000000m", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "False"}],
        },
    }


def lease(name: str) -> Json:
    """The lease that the node's kubelet renews."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": name, "renewTime": "2026-03-02T06:30:05.250000Z"},
    }


def deployment(namespace: str, node_name: str) -> Json:
    """One pod on the node, with an init container."""
    resources = {"requests": {"cpu": "0.1", "memory": "0.25Gi"}, "limits": {"cpu": "1e0", "memory": "1e9"}}
    labels = {"app": "meshery"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "meshery", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "nodeName": node_name,
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "meshery", "image": "registry.test/meshery", "resources": resources}],
                    "initContainers": [{"name": "first", "image": "registry.test/first", "resources": resources}],
                },
            },
        },
    }


def waiting(pod: Json) -> Json:
    """The pod's status as a kubelet sets it that cannot pull the image."""
    failing = {"name": "meshery", "image": "registry.test/meshery", "imageID": "", "ready": False, "restartCount": 3}
    status = {
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{**failing, "state": {"waiting": {"reason": "ImagePullBackOff"}}}],
    }
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


class Watched:
    """What an agent would watch, read from the API server anew by `read`."""

    def __init__(self, kubernetes: Cluster, namespace: str) -> None:
        self._admin = kubernetes.admin
        self._paths = {
            Resource.NODES: "/api/v1/nodes",
            Resource.LEASES: "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
            Resource.DEPLOYMENTS: f"/apis/apps/v1/namespaces/{namespace}/deployments",
            Resource.PODS: f"/api/v1/namespaces/{namespace}/pods",
        }
        self._sources = {resource: Listed() for resource in self._paths}
        self._series = ClusterSeries({resource: [source] for resource, source in self._sources.items()})

    def items(self, resource: Resource) -> list[Json]:
        """The objects that there are."""
        found: list[Json] = self._admin.get(self._paths[resource])["items"]
        return found

    def read(self) -> list[str]:
        """The lines of all of them."""
        for resource, source in self._sources.items():
            source.objects = {thing["metadata"]["uid"]: packed(thing) for thing in self.items(resource)}
        return sample_lines(text_of(self._series))


def test_what_the_api_server_keeps_becomes_the_right_series(kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    name = f"node-of-{namespace}"
    worker = node(name)
    kubernetes.admin.apply({key: value for key, value in worker.items() if key != "status"})
    kubernetes.admin.apply(worker, "status")
    kubernetes.admin.apply(lease(name))
    kubernetes.admin.apply(deployment(namespace, name))
    watched = Watched(kubernetes, namespace)
    with kubernetes.controllers("deployment-controller", "replicaset-controller"):
        wait_until(lambda: bool(watched.items(Resource.PODS)), 60, "the deployment has its pod")
        kubernetes.admin.apply(waiting(watched.items(Resource.PODS)[0]), "status")
        wait_until(
            lambda: watched.items(Resource.DEPLOYMENTS)[0]["status"].get("unavailableReplicas") == 1,
            60,
            "the deployment sees that its pod is not available",
        )
    lines = watched.read()

    def of_node(metric: str) -> list[str]:
        return [line.removeprefix(f'{{node="{name}"') for line in named(metric, lines) if f'node="{name}"' in line]

    assert of_node("kube_node_spec_unschedulable") == ["} 1"]
    assert ',key="example.com/broker",value="yes",effect="NoExecute"} 1' in of_node("kube_node_spec_taint")
    assert of_node("kube_node_status_capacity") == [
        ',resource="cpu",unit="core"} 4',
        ',resource="memory",unit="byte"} 8053063680',
        ',resource="pods",unit="integer"} 110',
    ]
    assert of_node("kube_node_status_allocatable")[:2] == [
        ',resource="cpu",unit="core"} 3.92',
        ',resource="memory",unit="byte"} 7800000000',
    ]
    assert ',condition="Ready",status="true"} 1' in of_node("kube_node_status_condition")
    assert of_node("reachd_node_lease_renewed_timestamp_seconds") == ["} 1772433005.25"]

    (pod,) = watched.items(Resource.PODS)
    identity = f'{{namespace="{namespace}",pod="{pod["metadata"]["name"]}",uid="{pod["metadata"]["uid"]}"'
    of_pod = [line for line in lines if line.partition("{")[0].startswith(("kube_pod", "reachd_pod"))]
    assert all(identity in line for line in of_pod)
    owner = pod["metadata"]["ownerReferences"][0]["name"]
    assert f'{identity},owner_kind="ReplicaSet",owner_name="{owner}",owner_is_controller="true"}} 1' in named(
        "kube_pod_owner", of_pod
    )
    assert f'{identity},workload_type="deployment",workload="meshery"}} 1' in named("reachd_pod_workload_info", of_pod)
    assert f'{identity},phase="Pending"}} 1' in named("kube_pod_status_phase", of_pod)
    assert named("kube_pod_container_status_waiting_reason", of_pod) == [
        f'{identity},container="meshery",reason="ImagePullBackOff"}} 1'
    ]
    for sort, container in (("container", "meshery"), ("init_container", "first")):
        amounts = named(f"kube_pod_{sort}_resource_requests", of_pod) + named(
            f"kube_pod_{sort}_resource_limits", of_pod
        )
        start = f'{identity},container="{container}",node="{name}",resource='
        assert amounts == [
            f'{start}"cpu",unit="core"}} 0.1',
            f'{start}"memory",unit="byte"}} 268435456',
            f'{start}"cpu",unit="core"}} 1',
            f'{start}"memory",unit="byte"}} 1000000000',
        ]
    wanted = f'{{namespace="{namespace}",deployment="meshery"}} 1'
    for metric in ("spec_replicas", "status_replicas", "status_replicas_unavailable", "status_replicas_updated"):
        assert named(f"kube_deployment_{metric}", lines) == [wanted]
    assert named("kube_deployment_status_replicas_available", lines) == [wanted.replace("} 1", "} 0")]

    kubernetes.admin.delete(kubernetes.admin.path_of(worker))
    assert not [line for line in watched.read() if f'{{node="{name}"' in line]
    kubernetes.admin.delete(kubernetes.admin.path_of(lease(name)))


@pytest.mark.parametrize("name", ["a", "0", "a-0.b", "a--b", "1.2.3.4", "a" * 253])
def test_every_name_that_the_api_server_takes_is_exported(kubernetes: Cluster, name: str) -> None:
    taken: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    kubernetes.admin.create("/api/v1/nodes", taken)
    lines = Watched(kubernetes, "default").read()
    kubernetes.admin.delete(kubernetes.admin.path_of(taken))
    assert f'{{node="{name}"}} 0' in named("kube_node_spec_unschedulable", lines)


@pytest.mark.parametrize("name", ["A", 'a"b', "a b", "-a", "a..b", "a" * 254])
def test_the_api_server_gives_no_object_a_name_that_is_left_out(kubernetes: Cluster, name: str) -> None:
    with pytest.raises(ApiError) as refused:
        kubernetes.admin.create("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    assert refused.value.status == 422
