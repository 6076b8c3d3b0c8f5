"""What is in the cluster of a recording: objects that a real kube-apiserver holds.

It has no kubelet, no scheduler and no metrics-server: their part, and the numbers they would measure, are made up here.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from math import sin

from pictures.script import END, Span
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import Cluster
from tests.servers.kubernetes_api import ApiClient, Json

NAMESPACE = "meshery"
_NODES = tuple(f"worker-{number}" for number in range(1, 5))
_METRICS = "metrics.k8s.io"
_TICK = 5.0
_GIBIBYTE = 1 << 30

_SILENT = Span("worker-3", 200, 420)
_PRESSED = Span("worker-2", 500, 640)
_CORDONED = Span("worker-4", 300, END)
_CRASHING = Span("meshery-linkerd", 380, END)
_ROLLOUT = Span("meshery", 440, 500)


@dataclass(frozen=True, slots=True)
class _Workload:
    """A workload and its pods' use: cores, and bytes of their limit of 1 GiB."""

    kind: str
    name: str
    pods: int
    cores: float
    memory: float


_WORKLOADS = (
    _Workload("Deployment", "meshery", 3, 0.42, 0.62),
    _Workload("Deployment", "meshery-operator", 1, 0.05, 0.2),
    _Workload("Deployment", "meshery-istio", 1, 0.12, 0.31),
    _Workload("Deployment", "meshery-linkerd", 1, 0.1, 0.88),
    _Workload("StatefulSet", "meshery-nats", 3, 0.2, 0.4),
    _Workload("DaemonSet", "reachd", 4, 0.02, 0.06),
)


class Workloads:
    """Everything in the cluster as it is at a second of the script."""

    def __init__(self, cluster: Cluster) -> None:
        self._admin: ApiClient = cluster.admin
        self._applied: dict[tuple[str, str], Json] = {}
        self._since = _now()

    def prepare(self) -> None:
        """Makes the namespaces and the kinds of the metrics API."""
        for name in (NAMESPACE, "kube-node-lease"):
            self._admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self._admin.apply(custom_resource("NodeMetrics", _METRICS, "v1beta1", "nodes"))
        self._admin.apply(custom_resource("PodMetrics", _METRICS, "v1beta1", "pods"))
        self._admin.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}
        )

    async def live(self, began: float) -> None:
        """Goes on until it is cancelled. began: when the script begins, as Unix time."""
        while True:
            await asyncio.to_thread(self.be, time.time() - began)
            await asyncio.sleep(_TICK)

    def be(self, second: float) -> None:
        """Makes everything as it is at that second."""
        for name in _NODES:
            self._node(name, second)
        for workload in _WORKLOADS:
            self._workload(workload, second)

    def _node(self, name: str, second: float) -> None:
        silent, pressed = _holds(_SILENT, name, second), _holds(_PRESSED, name, second)
        node: Json = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "spec": {"unschedulable": _holds(_CORDONED, name, second)},
        }
        self._apply(node)
        conditions = {
            "Ready": "Unknown" if silent else "True",
            "MemoryPressure": "True" if pressed else "False",
            "DiskPressure": "False",
            "PIDPressure": "False",
        }
        room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
        status: Json = {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": kind, "status": value} for kind, value in conditions.items()],
            "nodeInfo": _node_info(),
        }
        self._apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}, "status")
        if not silent:
            spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": _now()}
            self._apply(_of("coordination.k8s.io/v1", "Lease", name, "kube-node-lease", spec=spec))
            used = (0.93 if pressed else 0.55) + 0.05 * sin(second / 70 + len(_NODES) * _NODES.index(name))
            usage = {"cpu": f"{used * 3200:.0f}m", "memory": f"{used * 8 * _GIBIBYTE:.0f}"}
            self._apply(_of(f"{_METRICS}/v1beta1", "NodeMetrics", name, NAMESPACE, usage=usage))

    def _workload(self, workload: _Workload, second: float) -> None:
        crashing, rolling = _holds(_CRASHING, workload.name, second), _holds(_ROLLOUT, workload.name, second)
        missing = int(crashing or rolling)
        rolled = workload.name == _ROLLOUT.what and second >= _ROLLOUT.start
        self._apply(_controller(workload, "2" if rolled else "1"))
        generation = self._admin.get(self._admin.path_of(_controller(workload, "")))["metadata"]["generation"]
        self._apply(_status(workload, generation, workload.pods - missing), "status")
        for number in range(workload.pods):
            down = missing == 1 and number == 0
            self._pod(workload, number, second, waiting="CrashLoopBackOff" if down and crashing else "")

    def _pod(self, workload: _Workload, number: int, second: float, waiting: str) -> None:
        name = f"{workload.name}-{number}"
        limits = {"cpu": "1", "memory": "1Gi"}
        container = {
            "name": workload.name,
            "image": f"registry.test/{workload.name}",
            "resources": {"limits": limits, "requests": limits},
        }
        spec = {"nodeName": _NODES[number], "containers": [container], "tolerations": [{"operator": "Exists"}]}
        self._apply(_of("v1", "Pod", name, NAMESPACE, spec=spec))
        restarts = 1 + int((second - _CRASHING.start) / 60) if waiting else 0
        killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": self._since}}
        state: Json = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": self._since}}
        of_container = {
            "name": workload.name,
            "image": "",
            "imageID": "",
            "ready": not waiting,
            "restartCount": restarts,
            "state": state,
            **({"lastState": killed} if restarts else {}),
        }
        status = {"phase": "Running", "containerStatuses": [of_container]}
        self._apply(_of("v1", "Pod", name, NAMESPACE, status=status), "status")
        wave = 1 + 0.12 * sin(second / 45 + 2 * number + len(workload.name))
        cores, memory = f"{workload.cores * wave * 1000:.0f}m", f"{min(0.97, workload.memory * wave) * _GIBIBYTE:.0f}"
        usage = [{"name": workload.name, "usage": {"cpu": cores, "memory": memory}}]
        self._apply(_of(f"{_METRICS}/v1beta1", "PodMetrics", name, NAMESPACE, containers=usage))

    def _apply(self, thing: Json, subresource: str = "") -> None:
        """Applies what has changed since it was applied last."""
        place = (self._admin.path_of(thing), subresource)
        if self._applied.get(place) != thing:
            self._admin.apply(thing, subresource)
            self._applied[place] = thing


def _holds(span: Span, what: str, second: float) -> bool:
    return span.what == what and span.start <= second < span.end


def _of(version: str, kind: str, name: str, namespace: str, **rest: object) -> Json:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _node_info() -> Json:
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": "6.12.41",
        "osImage": "Debian GNU/Linux 13",
        "containerRuntimeVersion": "containerd://2.1.1",
        "kubeletVersion": "v1.37.2",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def _controller(workload: _Workload, image: str) -> Json:
    labels = {"app": workload.name}
    container = {"name": workload.name, "image": f"registry.test/{workload.name}:{image}"}
    spec: Json = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    if workload.kind != "DaemonSet":
        spec["replicas"] = workload.pods
    if workload.kind == "StatefulSet":
        spec["serviceName"] = workload.name
    return _of("apps/v1", workload.kind, workload.name, NAMESPACE, spec=spec)


def _status(workload: _Workload, generation: int, available: int) -> Json:
    if workload.kind == "DaemonSet":
        status = {
            "currentNumberScheduled": workload.pods,
            "desiredNumberScheduled": workload.pods,
            "numberMisscheduled": 0,
            "numberReady": available,
            "numberAvailable": available,
            "updatedNumberScheduled": workload.pods,
        }
    else:
        status = {
            "replicas": workload.pods,
            "readyReplicas": available,
            "availableReplicas": available,
            "updatedReplicas": available,
        }
    status["observedGeneration"] = generation
    return _of("apps/v1", workload.kind, workload.name, NAMESPACE, status=status)
