"""Where Meshery's own objects are: which of the listed objects are the Server, the Broker and the Operator."""

from collections.abc import Callable

from agent.probes._broker_candidates import BROKER_NAMES
from agent.probes._checklist_rule import Objects, Resource, served, unknowable
from agent.probes._json import JsonObject, child, children, text_of
from agent.probes._kube_objects import container_named, is_selected, labels_of, name_of, pod_template

DEPLOYMENTS = Resource("apps", "v1", "deployments")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
SERVICES = Resource("", "v1", "services")
INGRESSES = Resource("networking.k8s.io", "v1", "ingresses")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies")
RUNNING_PODS = Resource("", "v1", "pods", selector="fieldSelector=status.phase%3DRunning")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
POD_METRICS = Resource(
    "metrics.k8s.io",
    "v1beta1",
    "pods",
    absent=(404, 503),
    advice="Install metrics-server, or whatever serves metrics.k8s.io in this cluster.",
)
_EMBEDDED = "A Meshery with embedded MeshSync needs no Operator; switch the row off there."
BROKERS = Resource("meshery.io", "v1alpha1", "brokers", absent=(404,), advice=_EMBEDDED)
MESHSYNCS = Resource("meshery.io", "v1alpha1", "meshsyncs", absent=(404,), advice=_EMBEDDED)
ZONE_LABEL = "topology.kubernetes.io/zone"
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
NODES = Resource("", "v1", "nodes", namespaced=False, labels_only=(ZONE_LABEL, CONTROL_PLANE_LABEL))
CONTROL_PLANE_NODES = Resource(
    "", "v1", "nodes", namespaced=False, selector="labelSelector=node-role.kubernetes.io%2Fcontrol-plane"
)

_NAME = "app.kubernetes.io/name"


def server(objects: Objects) -> JsonObject:
    """The Deployment of Meshery Server. Raises Inconclusive where there is none."""
    found = _first(objects, DEPLOYMENTS, _is_named("meshery")) or _first(
        objects, DEPLOYMENTS, lambda each: labels_of(each).get(_NAME) == "meshery"
    )
    if found is None:
        raise unknowable(
            "there is no Deployment of Meshery Server in this namespace",
            "Set namespace to Meshery's. Where the Server runs outside of the cluster, switch the row off.",
        )
    return found


def server_container(deployment: JsonObject) -> JsonObject:
    """The Server's own container, not one of its sidecars. Raises Inconclusive where the Deployment has none."""
    return _main_container(deployment, "meshery")


def services_of_server(objects: Objects, deployment: JsonObject) -> tuple[JsonObject, ...]:
    """The Services that lead to the Server's pods, whatever they are called."""
    labels = labels_of(pod_template(deployment))
    services = served(objects, SERVICES)
    return tuple([each for each in services if is_selected(child(child(each, "spec"), "selector"), labels)])


def ingresses_of_server(objects: Objects, deployment: JsonObject) -> tuple[JsonObject, ...]:
    """The Ingresses that lead to one of the Server's Services."""
    names = {name_of(service) for service in services_of_server(objects, deployment)}
    return tuple([ingress for ingress in served(objects, INGRESSES) if names & set(_backends(ingress))])


def broker(objects: Objects) -> JsonObject:
    """The StatefulSet of Meshery Broker. Raises Inconclusive where there is none."""
    for name in BROKER_NAMES:
        if (found := _first(objects, STATEFUL_SETS, _is_named(name))) is not None:
            return found
    raise unknowable(
        "there is no StatefulSet of Meshery Broker in this namespace", _EMBEDDED.replace("Operator", "Broker")
    )


def broker_container(stateful_set: JsonObject) -> JsonObject:
    """The container in which NATS runs. Raises Inconclusive where the StatefulSet has none."""
    return _main_container(stateful_set, "nats")


def operator(objects: Objects) -> JsonObject:
    """The Deployment of Meshery Operator. Raises Inconclusive where there is none."""
    labels = {"app": "meshery", "component": "operator"}
    found = _first(objects, DEPLOYMENTS, _is_named("meshery-operator")) or _first(
        objects, DEPLOYMENTS, lambda each: is_selected(labels, labels_of(each))
    )
    if found is None:
        raise unknowable("there is no Deployment of Meshery Operator in this namespace", _EMBEDDED)
    return found


def custom_resource(objects: Objects, resource: Resource, name: str) -> JsonObject:
    """The Broker or MeshSync resource. Raises Inconclusive where there is none."""
    found = _first(objects, resource, _is_named(name)) or _first(objects, resource, lambda _: True)
    if found is None:
        raise unknowable(f"there is no resource among {resource} in this namespace", _EMBEDDED)
    return found


def _main_container(workload: JsonObject, name: str) -> JsonObject:
    found = container_named(name, children(child(pod_template(workload), "spec"), "containers"))
    if found is None:
        raise unknowable("its pods have no container", "Look at the object: the API server should not take it.")
    return found


def _backends(ingress: JsonObject) -> list[str]:
    """The names of the Services that an Ingress leads to."""
    spec = child(ingress, "spec")
    backends = [child(spec, "defaultBackend")]
    for rule in children(spec, "rules"):
        backends += [child(path, "backend") for path in children(child(rule, "http"), "paths")]
    return [text_of(child(backend, "service"), "name") for backend in backends if backend]


def _is_named(name: str) -> Callable[[JsonObject], bool]:
    return lambda thing: name_of(thing) == name


def _first(objects: Objects, resource: Resource, fits: Callable[[JsonObject], bool]) -> JsonObject | None:
    return next((thing for thing in served(objects, resource) if fits(thing)), None)
