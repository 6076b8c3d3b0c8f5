"""Objects of a large cluster: valid for an API server, and as it gives them, but for what it adds itself."""

import json

from agent.probes._json import JsonObject

TEAMS = 50
"""Namespaces over which the pods are spread."""


def node_name(number: int) -> str:
    """The name of a node."""
    return f"worker-{number}.eu-1.example.internal"


def node(number: int, version: int, ready: str = "True") -> JsonObject:
    """A node; `ready`: the status of its condition Ready."""
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    return _parsed(
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": node_name(number),
                "resourceVersion": str(version),
                "creationTimestamp": f"2026-03-01T06:{number % 60:02}:00Z",
            },
            "spec": {"podCIDR": f"10.{number >> 8}.{number & 255}.0/24", "providerID": f"example://eu-1/{number:08x}"},
            "status": {
                "capacity": {"cpu": "16", "memory": f"{65_000_000 + number}Ki", "pods": "110"},
                "allocatable": {"cpu": "15890m", "memory": f"{64_000_000 + number}Ki", "pods": "110"},
                "conditions": [
                    {"type": "Ready", "status": ready},
                    *[{"type": pressure, "status": "False"} for pressure in pressures],
                ],
                "addresses": [{"type": "InternalIP", "address": f"172.16.{number >> 8}.{number & 255}"}],
                "nodeInfo": {
                    "systemUUID": f"{number:032x}",
                    "kernelVersion": "6.8.0-60-generic",
                    "osImage": "Ubuntu 24.04.2 LTS",
                    "containerRuntimeVersion": "containerd://2.1.1",
                    "kubeletVersion": "v1.37.2",
                },
                "images": [
                    {"names": [f"registry.example.com/service-{each}@sha256:{each:064x}"], "sizeBytes": 40_000_000}
                    for each in range(50)
                ],
            },
        }
    )


def lease(number: int, version: int) -> JsonObject:
    """The lease that the kubelet of a node renews."""
    return _parsed(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": node_name(number),
                "namespace": "kube-node-lease",
                "resourceVersion": str(version),
            },
            "spec": {
                "holderIdentity": node_name(number),
                "leaseDurationSeconds": 40,
                "renewTime": f"2026-03-02T06:{number % 60:02}:{version % 60:02}.123456Z",
            },
        }
    )


def namespace_of_pod(number: int) -> str:
    """The namespace of a pod."""
    return f"team-{number % TEAMS}"


def pod_name(number: int) -> str:
    """The name of a pod."""
    return f"service-{number // 4}-{number // 4:010x}-{number:05x}"


def pod(number: int, version: int, nodes: int) -> JsonObject:
    """A pod that runs on one of so many nodes; `version` is how often its container has started again."""
    workload, template = f"service-{number // 4}", f"{number // 4:010x}"
    amounts = {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
    uid = f"{number:08x}-8a3b-4f5c-9f0e-0a1b2c3d4e5f"
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{workload}-{template}", "uid": uid}
    return _parsed(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": pod_name(number),
                "namespace": namespace_of_pod(number),
                "uid": uid,
                "resourceVersion": str(version),
                "creationTimestamp": f"2026-03-02T{number % 24:02}:{number % 60:02}:00Z",
                "labels": {"app.kubernetes.io/name": workload, "pod-template-hash": template},
                "annotations": {"example.com/checksum": f"{number:064x}", "example.com/owner": f"team of {workload}"},
                "ownerReferences": [{**owner, "controller": True}],
            },
            "spec": {
                "nodeName": node_name(number % nodes),
                "containers": [
                    {
                        "name": "main",
                        "image": f"registry.example.com/{workload}:1.4.2",
                        "resources": amounts,
                        "env": [{"name": f"SETTING_{each}", "value": f"value-{each}-{workload}"} for each in range(12)],
                        "volumeMounts": [
                            {"name": f"volume-{each}", "mountPath": f"/etc/service/{each}"} for each in range(3)
                        ],
                        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
                        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                    }
                ],
                "volumes": [
                    {"name": f"volume-{each}", "configMap": {"name": f"{workload}-{each}"}} for each in range(3)
                ],
            },
            "status": {
                "phase": "Running",
                "hostIP": f"172.16.{(number % nodes) >> 8}.{number % nodes & 255}",
                "podIP": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": "main",
                        "image": f"registry.example.com/{workload}:1.4.2",
                        "imageID": f"registry.example.com/{workload}@sha256:{number:064x}",
                        "ready": True,
                        "restartCount": version,
                        "state": {"running": {"startedAt": "2026-03-02T06:00:00Z"}},
                        "lastState": {},
                    }
                ],
            },
        }
    )


def _parsed(document: object) -> JsonObject:
    """The object as it would come from the API server: nothing of it shared with another."""
    parsed: JsonObject = json.loads(json.dumps(document))
    return parsed
