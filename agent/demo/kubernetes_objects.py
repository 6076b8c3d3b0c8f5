"""The objects in the simulated cluster, as its API lists them: a Meshery that keeps every rule of the checklist."""

from collections.abc import Mapping

from agent.probes._json import JsonObject
from agent.probes._kube_objects import labels_of

NAMESPACE = "meshery"
_SERVER = {"app.kubernetes.io/name": "meshery", "app.kubernetes.io/instance": "meshery"}
_OPERATOR = {"app": "meshery", "component": "operator"}
_BROKER = {"app.kubernetes.io/name": "nats", "app.kubernetes.io/instance": "meshery-nats"}
_ZONES = {"worker-a": "zone-a", "worker-b": "zone-b", "worker-c": "zone-c"}
_CONTROL_PLANE = ("control-plane-a", "control-plane-b", "control-plane-c")
_NGINX = "nginx.ingress.kubernetes.io"
_READY = {"type": "Ready", "status": "True", "reason": "ReconciliationSuccessful"}


def lists(external_url: str, external_host: str, *, exposed: bool) -> Mapping[str, tuple[str, list[JsonObject]]]:
    """What is listed at each path: the kind of the list, and its items.

    external_url, external_host: Meshery as users reach it. exposed: the Server's Service is a raw LoadBalancer.
    """
    core, inside = "/api/v1", f"namespaces/{NAMESPACE}"
    return {
        f"/apis/apps/v1/{inside}/deployments": ("DeploymentList", [_server(external_url), _operator()]),
        f"/apis/apps/v1/{inside}/statefulsets": ("StatefulSetList", [_broker()]),
        f"{core}/{inside}/services": ("ServiceList", [_service(exposed=exposed)]),
        f"{core}/{inside}/pods": ("PodList", [_pod(node) for node in _ZONES]),
        f"{core}/nodes": ("NodeList", [*map(_worker, _ZONES), *map(_control_plane_node, _CONTROL_PLANE)]),
        f"/apis/networking.k8s.io/v1/{inside}/ingresses": ("IngressList", [_ingress(external_host)]),
        f"/apis/networking.k8s.io/v1/{inside}/networkpolicies": ("NetworkPolicyList", [_deny_all()]),
        f"/apis/autoscaling/v2/{inside}/horizontalpodautoscalers": ("HorizontalPodAutoscalerList", [_autoscaler()]),
        f"/apis/metrics.k8s.io/v1beta1/{inside}/pods": (
            "PodMetricsList",
            [
                *(_usage(_pod_name(node), _SERVER, "meshery", "620Mi") for node in _ZONES),
                _usage("meshery-nats-0", _BROKER, "nats", "41Mi"),
            ],
        ),
        f"/apis/meshery.io/v1alpha1/{inside}/brokers": ("BrokerList", [_resource("meshery-broker")]),
        f"/apis/meshery.io/v1alpha1/{inside}/meshsyncs": ("MeshSyncList", [_resource("meshery-meshsync")]),
    }


def is_selected(thing: JsonObject, label: str) -> bool:
    """Whether an object has a label, as a selector asks for it; without one, all have."""
    return not label or label in labels_of(thing)


def _server(external_url: str) -> JsonObject:
    container = {
        "name": "meshery",
        "image": "meshery/meshery:stable-latest",
        "env": [
            {"name": "PROVIDER", "value": "Meshery"},
            {"name": "MESHERY_SERVER_CALLBACK_URL", "value": external_url},
            {"name": "OTEL_CONFIG", "value": "service_name: meshery-server\nendpoint: otel-collector:4317\n"},
        ],
        "resources": {"limits": {"memory": "2Gi"}},
        "startupProbe": _probe("/healthz/live", period=10, failures=18, timeout=5),
        "livenessProbe": _probe("/healthz/live", delay=60, period=12, failures=4, timeout=5),
        "readinessProbe": _probe("/healthz/ready", delay=15, period=5, failures=6, timeout=3),
    }
    return _workload("meshery", _SERVER, container, replicas=len(_ZONES))


def _operator() -> JsonObject:
    return _workload("meshery-operator", _OPERATOR, {"name": "manager"}, replicas=1)


def _broker() -> JsonObject:
    container = {"name": "nats", "resources": {"limits": {"memory": "256Mi"}}}
    return _workload("meshery-nats", _BROKER, container, replicas=1)


def _workload(name: str, labels: dict[str, str], container: JsonObject, *, replicas: int) -> JsonObject:
    return {
        "metadata": _metadata(name, labels),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
        "status": {"replicas": replicas, "availableReplicas": replicas},
    }


def _probe(path: str, *, delay: int = 0, period: int, failures: int, timeout: int) -> JsonObject:
    return {
        "httpGet": {"path": path, "port": "http"},
        "initialDelaySeconds": delay,
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": timeout,
    }


def _service(*, exposed: bool) -> JsonObject:
    spec = {"type": "LoadBalancer" if exposed else "ClusterIP", "selector": _SERVER, "ports": [{"port": 9081}]}
    return {"metadata": _metadata("meshery", _SERVER), "spec": spec}


def _ingress(host: str) -> JsonObject:
    backend = {"service": {"name": "meshery", "port": {"number": 9081}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    annotations = {
        f"{_NGINX}/affinity": "cookie",
        f"{_NGINX}/proxy-read-timeout": "3600",
        f"{_NGINX}/proxy-send-timeout": "3600",
    }
    return {
        "metadata": {**_metadata("meshery", _SERVER), "annotations": annotations},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": [host], "secretName": "meshery-tls"}],
            "rules": [{"host": host, "http": {"paths": paths}}],
        },
    }


def _deny_all() -> JsonObject:
    return {"metadata": _metadata("deny-all"), "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}


def _autoscaler() -> JsonObject:
    return {
        "metadata": _metadata("meshery", _SERVER),
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "meshery"}, "minReplicas": 3, "maxReplicas": 6},
        "status": {"currentReplicas": len(_ZONES), "conditions": [{"type": "ScalingActive", "status": "True"}]},
    }


def _pod(node: str) -> JsonObject:
    return {
        "metadata": _metadata(_pod_name(node), _SERVER),
        "spec": {"nodeName": node},
        "status": {"phase": "Running"},
    }


def _pod_name(node: str) -> str:
    return f"meshery-6c9f-{node[-1] * 5}"


def _usage(pod: str, labels: dict[str, str], container: str, memory: str) -> JsonObject:
    usage = {"cpu": "120m", "memory": memory}
    return {"metadata": _metadata(pod, labels), "containers": [{"name": container, "usage": usage}]}


def _resource(name: str) -> JsonObject:
    return {"metadata": _metadata(name), "status": {"conditions": [_READY]}}


def _worker(name: str) -> JsonObject:
    return {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": _ZONES[name]}}}


def _control_plane_node(name: str) -> JsonObject:
    labels = {"node-role.kubernetes.io/control-plane": ""}
    return {"metadata": {"name": name, "labels": labels}, "status": {"conditions": [{**_READY, "reason": "Kubelet"}]}}


def _metadata(name: str, labels: dict[str, str] | None = None) -> JsonObject:
    return {"name": name, "namespace": NAMESPACE, "labels": labels or {}}
