"""What is in the cluster that is watched: a node under pressure, one cordoned, workloads that lack pods, and usage."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.cluster.sample_objects import DAEMONSET, DEPLOYMENT, NODE, NODE_USAGE, POD, POD_USAGE, STATEFULSET
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes_api import ApiClient, Json

WORKER = "worker-1"
CORDONED = "worker-2"
NAMESPACE = "meshery"
_LEASES = "kube-node-lease"
_METRICS = "metrics.k8s.io"
_TEMPLATE: Json = {
    "metadata": {"labels": {"app": "any"}},
    "spec": {"containers": [{"name": "main", "image": "registry.test/image"}]},
}
_CONDITIONS = [
    {"type": "Ready", "status": "True"},
    {"type": "MemoryPressure", "status": "True"},
    {"type": "DiskPressure", "status": "False"},
]


def create(admin: ApiClient) -> None:
    """Creates everything, at once."""
    for namespace in (NAMESPACE, _LEASES):
        admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}})
    for node, spec in ((WORKER, {}), (CORDONED, {"unschedulable": True})):
        _with_status(admin, _named(NODE, node), {**NODE["status"], "conditions": _CONDITIONS}, spec=spec)
    sign_of_life(admin)
    for workload in (DEPLOYMENT, STATEFULSET, DAEMONSET):
        selector = {"selector": {"matchLabels": {"app": "any"}}, "template": _TEMPLATE}
        _with_status(admin, _named(workload), workload["status"], spec={**workload["spec"], **selector})
    spec = {key: value for key, value in POD["spec"].items() if key != "priorityClassName"}
    pod = _named(POD)
    pod["metadata"]["ownerReferences"] = POD["metadata"]["ownerReferences"]
    _with_status(admin, pod, POD["status"], spec={**spec, "nodeName": WORKER})


def define_usage(admin: ApiClient) -> None:
    """Makes the API server serve the metrics API; it takes a moment."""
    admin.apply(custom_resource("PodMetrics", _METRICS, "v1beta1", "pods"))
    nodes = custom_resource("NodeMetrics", _METRICS, "v1beta1", "nodes")
    nodes["spec"]["scope"] = "Cluster"
    admin.apply(nodes)


def use(admin: ApiClient) -> None:
    """Says what the pod and the node use."""
    version = f"{_METRICS}/v1beta1"
    pod, node = _named(POD_USAGE, kind="PodMetrics"), _named(NODE_USAGE, WORKER, "NodeMetrics")
    admin.apply({**pod, "apiVersion": version, "containers": POD_USAGE["containers"]})
    admin.apply({**node, "apiVersion": version, "usage": NODE_USAGE["usage"]})


def sign_of_life(admin: ApiClient) -> None:
    """What a kubelet does every ten seconds."""
    renewed = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = {"holderIdentity": WORKER, "leaseDurationSeconds": 40, "renewTime": renewed}
    metadata = {"name": WORKER, "namespace": _LEASES}
    admin.apply({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": lease})


def roll_out(admin: ApiClient) -> None:
    """Changes what each workload should be."""
    for workload in (DEPLOYMENT, STATEFULSET, DAEMONSET):
        template = {**_TEMPLATE, "metadata": {"labels": {"app": "any", "release": "next"}}}
        selector = {"selector": {"matchLabels": {"app": "any"}}, "template": template}
        admin.apply({**_named(workload), "spec": {**workload["spec"], **selector}})


def _named(sample: Json, name: str = "", kind: str = "") -> Json:
    """The head of an object like the sample, in our namespace."""
    metadata = {"name": name or sample["metadata"]["name"]}
    if "namespace" in sample["metadata"]:
        metadata["namespace"] = NAMESPACE
    return {"apiVersion": sample.get("apiVersion", ""), "kind": kind or sample["kind"], "metadata": metadata}


def _with_status(admin: ApiClient, head: Json, status: Json, *, spec: Json) -> None:
    admin.apply({**head, "spec": spec})
    admin.apply({**head, "status": status}, "status")
