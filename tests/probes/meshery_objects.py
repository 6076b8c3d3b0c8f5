"""A Meshery as objects of the Kubernetes API: each as an API server takes it, and all of them keeping every rule."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from agent.probes._checklist_rule import Objects
from agent.probes._checklist_rules import RULES

Json = dict[str, Any]

NAMESPACE = "meshery"
DELETED: Any = object()
"""In a change: there is no such thing."""

SERVER = {"app.kubernetes.io/name": "meshery", "app.kubernetes.io/instance": "prod"}
OPERATOR = {"app": "meshery", "component": "operator"}
BROKER = {"app.kubernetes.io/name": "nats", "app.kubernetes.io/instance": "meshery-nats"}
NGINX = "nginx.ingress.kubernetes.io"
ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
WORKERS = ("worker-a", "worker-b", "worker-c")
KINDS = {
    "deployments.apps": "Deployment",
    "statefulsets.apps": "StatefulSet",
    "services": "Service",
    "pods": "Pod",
    "nodes": "Node",
    "ingresses.networking.k8s.io": "Ingress",
    "networkpolicies.networking.k8s.io": "NetworkPolicy",
    "horizontalpodautoscalers.autoscaling": "HorizontalPodAutoscaler",
    "pods.metrics.k8s.io": "PodMetrics",
    "brokers.meshery.io": "Broker",
    "meshsyncs.meshery.io": "MeshSync",
}
RESOURCES = {str(resource): resource for rule in RULES.values() for resource in rule.resources}


def healthy() -> dict[str, list[Json]]:
    """The objects by the name of their resource; each call makes new ones."""
    return {
        "deployments.apps": [_server(), _operator()],
        "statefulsets.apps": [_broker()],
        "services": [_service()],
        "pods": [_pod(worker) for worker in WORKERS],
        "nodes": [
            *(_node(worker, {ZONE: f"zone-{worker[-1]}"}) for worker in WORKERS),
            *(_node(f"control-{number}", {CONTROL_PLANE: "", ZONE: f"zone-{number}"}) for number in "123"),
        ],
        "ingresses.networking.k8s.io": [_ingress()],
        "networkpolicies.networking.k8s.io": [_deny_all(), _allow_server()],
        "horizontalpodautoscalers.autoscaling": [_autoscaler()],
        "pods.metrics.k8s.io": [
            *(_usage(_pod_name(worker), SERVER, "meshery", "700Mi") for worker in WORKERS),
            _usage("meshery-nats-0", BROKER, "nats", "30000Ki"),
        ],
        "brokers.meshery.io": [_custom("meshery-broker")],
        "meshsyncs.meshery.io": [_custom("meshery-meshsync")],
    }


def manifest(resource: str, thing: Json, namespace: str = NAMESPACE) -> Json:
    """An object as one applies it, in a namespace where it belongs into one."""
    known = RESOURCES[resource]
    version = f"{known.group}/{known.version}" if known.group else known.version
    applied = deepcopy(thing)
    if known.namespaced:
        applied["metadata"]["namespace"] = namespace
    return {"apiVersion": version, "kind": KINDS[resource], **applied}


def changed(things: dict[str, list[Json]], changes: dict[str, Any]) -> dict[str, list[Json]]:
    """The objects with some values changed: `deployments.apps/0/spec/replicas` is where one is. It changes `things`."""
    for place, value in changes.items():
        steps = [int(step) if step.isdigit() else step.replace("~", "/") for step in place.split("/")]
        inside: Any = things
        for step in steps[:-1]:
            if isinstance(step, str) and step not in inside:
                inside[step] = {}
            inside = inside[step]
        if value is DELETED:
            del inside[steps[-1]]
        elif isinstance(inside, list) and steps[-1] == len(inside):
            inside.append(value)
        else:
            inside[steps[-1]] = value
    return things


def listed(things: dict[str, list[Json]]) -> Objects:
    """What rules are given: what the API server would list, with its selectors."""
    return {
        resource: [thing for thing in things[str(resource)] if is_selected(resource.selector, thing)]
        for rule in RULES.values()
        for resource in rule.resources
        if str(resource) in things
    }


def is_selected(selector: str, thing: Any) -> bool:
    """Whether a resource's selector, or none, leaves an object in."""
    if selector.startswith("labelSelector="):
        return CONTROL_PLANE in thing["metadata"].get("labels", {})
    return not selector or thing.get("status", {}).get("phase") == "Running"


def probe_of(path: str, delay: int, period: int, failures: int, timeout: int) -> Json:
    """A container's probe."""
    return {
        "httpGet": {"path": path, "port": 8080},
        "initialDelaySeconds": delay,
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": timeout,
    }


def _server() -> Json:
    container = {
        "name": "meshery",
        "image": "meshery/meshery:stable-latest",
        "env": [
            {"name": "PROVIDER", "value": "Meshery"},
            {"name": "MESHERY_SERVER_CALLBACK_URL", "value": "https://meshery.example.com"},
            {"name": "OTEL_CONFIG", "value": "service_name: meshery-server\nendpoint: otel:4317\n"},
        ],
        "resources": {"limits": {"memory": "2Gi"}},
        "startupProbe": probe_of("/healthz/live", 0, 10, 18, 5),
        "livenessProbe": probe_of("/healthz/live", 60, 12, 4, 5),
        "readinessProbe": probe_of("/healthz/ready", 15, 5, 6, 3),
    }
    sidecar = {"name": "reachd", "image": "reachd:1"}
    return _deployment("meshery", SERVER, [container, sidecar], 3)


def _operator() -> Json:
    return _deployment("meshery-operator", OPERATOR, [{"name": "manager", "image": "meshery/meshery-operator:1"}], 1)


def _deployment(name: str, labels: dict[str, str], containers: list[Json], replicas: int) -> Json:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": _template(labels, containers)},
        "status": {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas},
    }


def _broker() -> Json:
    container = {"name": "nats", "image": "nats:2", "resources": {"limits": {"memory": "256Mi"}}}
    spec = {"serviceName": "nats", "selector": {"matchLabels": BROKER}, "template": _template(BROKER, [container])}
    return {"metadata": {"name": "meshery-nats", "labels": BROKER}, "spec": spec}


def _template(labels: dict[str, str], containers: list[Json]) -> Json:
    return {"metadata": {"labels": labels}, "spec": {"containers": containers}}


def _service() -> Json:
    spec = {"type": "ClusterIP", "selector": SERVER, "ports": [{"name": "http", "port": 9081, "targetPort": 8080}]}
    return {"metadata": {"name": "meshery", "labels": SERVER}, "spec": spec}


def _ingress() -> Json:
    backend = {"service": {"name": "meshery", "port": {"number": 9081}}}
    host = "meshery.example.com"
    annotations = {
        f"{NGINX}/affinity": "cookie",
        f"{NGINX}/proxy-read-timeout": "3600",
        f"{NGINX}/proxy-send-timeout": "3600",
    }
    return {
        "metadata": {"name": "meshery", "annotations": annotations},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": [host], "secretName": "meshery-tls"}],
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    }


def _deny_all() -> Json:
    return {"metadata": {"name": "deny-all"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}


def _allow_server() -> Json:
    spec = {"podSelector": {"matchLabels": SERVER}, "ingress": [{"ports": [{"port": 8080}]}]}
    return {"metadata": {"name": "allow-server"}, "spec": {**spec, "policyTypes": ["Ingress"]}}


def _autoscaler() -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "meshery"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    when = "2026-01-01T00:00:00Z"
    able = [
        {"type": kind, "status": "True", "reason": "Fine", "message": "fine", "lastTransitionTime": when}
        for kind in ("AbleToScale", "ScalingActive")
    ]
    return {
        "metadata": {"name": "meshery"},
        "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 6, "metrics": [metric]},
        "status": {"currentReplicas": 3, "desiredReplicas": 3, "conditions": able, "currentMetrics": []},
    }


def _pod_name(worker: str) -> str:
    return f"meshery-7d9f-{worker[-1] * 5}"


def _pod(worker: str) -> Json:
    spec = {"nodeName": worker, "containers": [{"name": "meshery", "image": "meshery/meshery:stable-latest"}]}
    return {"metadata": {"name": _pod_name(worker), "labels": SERVER}, "spec": spec, "status": {"phase": "Running"}}


def _usage(pod: str, labels: dict[str, str], container: str, memory: str) -> Json:
    usage = {"cpu": "20m", "memory": memory}
    containers = [{"name": "reachd", "usage": {"cpu": "1m", "memory": "90Mi"}}, {"name": container, "usage": usage}]
    return {"metadata": {"name": pod, "labels": labels}, "containers": containers}


def _custom(name: str) -> Json:
    ready = {"type": "Ready", "status": "True", "reason": "ReconciliationSuccessful", "message": "reconciled"}
    return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": [ready]}}


def _node(name: str, labels: dict[str, str]) -> Json:
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {"metadata": {"name": name, "labels": labels}, "status": {"conditions": [ready]}}
