"""Objects as an API server of Kubernetes 1.37 and a metrics-server give them, without what nobody here reads."""

from typing import Any

Json = dict[str, Any]

NODE: Json = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "worker-1.example.internal",
        "uid": "7f3c7c0a-5f6a-4b39-8a59-0c6f4e1f5b11",
        "resourceVersion": "81234",
        "creationTimestamp": "2026-03-01T06:30:00Z",
        "labels": {"kubernetes.io/hostname": "worker-1", "topology.kubernetes.io/zone": "eu-1a"},
        "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
    },
    "spec": {
        "podCIDR": "10.244.3.0/24",
        "podCIDRs": ["10.244.3.0/24"],
        "providerID": "kind://docker/east/worker-1",
        "unschedulable": True,
        "taints": [
            {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-03-02T06:30:00Z"},
            {"key": "dedicated", "value": "broker", "effect": "NoExecute"},
        ],
    },
    "status": {
        "capacity": {"cpu": "8", "ephemeral-storage": "263174212Ki", "memory": "32887724Ki", "pods": "110"},
        "allocatable": {"cpu": "7910m", "ephemeral-storage": "242541346Ki", "memory": "31863724Ki", "pods": "110"},
        "conditions": [
            {
                "type": "MemoryPressure",
                "status": "False",
                "lastHeartbeatTime": "2026-03-02T06:30:00Z",
                "lastTransitionTime": "2026-03-01T06:30:00Z",
                "reason": "KubeletHasSufficientMemory",
                "message": "kubelet has sufficient memory available",
            },
            {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped"},
        ],
        "addresses": [
            {"type": "InternalIP", "address": "172.18.0.3"},
            {"type": "Hostname", "address": "worker-1"},
        ],
        "nodeInfo": {
            "machineID": "61e3e5a5e9f04f0cb5ef0d6cf9b0d1f4",
            "systemUUID": "c5f1ab0f-6a1c-4a8a-8f2b-6a7d8bb4c1de",
            "kernelVersion": "6.8.0-60-generic",
            "osImage": 'Debian GNU/Linux 12 "bookworm"',
            "containerRuntimeVersion": "containerd://2.1.1",
            "kubeletVersion": "v1.37.2",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    },
}

LEASE: Json = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {
        "name": "worker-1.example.internal",
        "namespace": "kube-node-lease",
        "uid": "0b8de5a4-0f0a-4e0a-a4f0-5b6a3e2d1c00",
        "resourceVersion": "91000",
    },
    "spec": {
        "holderIdentity": "worker-1.example.internal",
        "leaseDurationSeconds": 40,
        "renewTime": "2026-03-02T06:30:05.250000Z",
    },
}

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "meshery", "namespace": "meshery", "uid": "d1", "resourceVersion": "7", "generation": 4},
    "spec": {"replicas": 3, "selector": {"matchLabels": {"app.kubernetes.io/name": "meshery"}}},
    "status": {
        "observedGeneration": 3,
        "replicas": 4,
        "updatedReplicas": 2,
        "readyReplicas": 3,
        "availableReplicas": 2,
        "unavailableReplicas": 2,
        "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
    },
}

STATEFULSET: Json = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "meshery-nats", "namespace": "meshery", "uid": "s1", "resourceVersion": "8", "generation": 2},
    "spec": {"replicas": 3, "serviceName": "meshery-nats"},
    "status": {
        "observedGeneration": 2,
        "replicas": 3,
        "readyReplicas": 2,
        "currentReplicas": 1,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        "currentRevision": "meshery-nats-5d4f",
        "updateRevision": "meshery-nats-6b8c",
        "collisionCount": 0,
    },
}

DAEMONSET: Json = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "reachd", "namespace": "reachd", "uid": "e1", "resourceVersion": "9", "generation": 1},
    "spec": {"selector": {"matchLabels": {"app.kubernetes.io/name": "reachd"}}},
    "status": {
        "currentNumberScheduled": 5,
        "numberMisscheduled": 1,
        "desiredNumberScheduled": 6,
        "numberReady": 4,
        "observedGeneration": 1,
        "updatedNumberScheduled": 3,
        "numberAvailable": 2,
        "numberUnavailable": 4,
    },
}

POD: Json = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "meshery-6c9f7d8b5-x2x4v",
        "generateName": "meshery-6c9f7d8b5-",
        "namespace": "meshery",
        "uid": "4f5d0d0e-8a3b-4f5c-9f0e-0a1b2c3d4e5f",
        "resourceVersion": "99001",
        "creationTimestamp": "2026-03-02T06:00:00Z",
        "labels": {"app.kubernetes.io/name": "meshery", "pod-template-hash": "6c9f7d8b5"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "meshery-6c9f7d8b5",
                "uid": "aa11",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    },
    "spec": {
        "nodeName": "worker-1.example.internal",
        "priorityClassName": "platform",
        "initContainers": [
            {
                "name": "reachd",
                "image": "reachd:1",
                "restartPolicy": "Always",
                "resources": {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "64Mi"}},
            }
        ],
        "containers": [
            {
                "name": "meshery",
                "image": "meshery/meshery:stable-latest",
                "resources": {
                    "requests": {"cpu": "250m", "memory": "512Mi"},
                    "limits": {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "1Gi"},
                },
            }
        ],
    },
    "status": {
        "phase": "Running",
        "hostIP": "172.18.0.3",
        "podIP": "10.244.3.17",
        "podIPs": [{"ip": "10.244.3.17"}],
        "startTime": "2026-03-02T06:00:01Z",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-03-02T06:00:00Z"},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
        ],
        "initContainerStatuses": [
            {
                "name": "reachd",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": "2026-03-02T06:00:02Z"}},
                "lastState": {},
            }
        ],
        "containerStatuses": [
            {
                "name": "meshery",
                "ready": False,
                "started": False,
                "restartCount": 7,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"}},
                "lastState": {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "OOMKilled",
                        "startedAt": "2026-03-02T06:20:00Z",
                        "finishedAt": "2026-03-02T06:25:00Z",
                    }
                },
            }
        ],
    },
}

POD_USAGE: Json = {
    "metadata": {
        "name": "meshery-6c9f7d8b5-x2x4v",
        "namespace": "meshery",
        "creationTimestamp": "2026-03-02T06:31:00Z",
    },
    "timestamp": "2026-03-02T06:30:45Z",
    "window": "15.044s",
    "containers": [
        {"name": "meshery", "usage": {"cpu": "123456789n", "memory": "345676Ki"}},
        {"name": "reachd", "usage": {"cpu": "1500u", "memory": "41984Ki"}},
    ],
}

NODE_USAGE: Json = {
    "metadata": {"name": "worker-1.example.internal", "creationTimestamp": "2026-03-02T06:31:00Z"},
    "timestamp": "2026-03-02T06:30:45Z",
    "window": "20.1s",
    "usage": {"cpu": "1937440112n", "memory": "9321484Ki"},
}
