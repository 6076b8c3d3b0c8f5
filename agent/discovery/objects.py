"""Objects of a Kubernetes cluster, read as far as discovery needs them. Their authors are not trusted."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from agent.probes._json import JsonObject, child, children, text_of
from agent.probes._kube_objects import Collection, list_path

_NOTHING: Mapping[str, JsonObject] = MappingProxyType({})
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MOST_PORTS = 250
LONGEST_PATH = 1000
"""Characters. An address becomes a label, and Prometheus may refuse a whole scrape for one that is too long."""


class Objects(NamedTuple):
    """What discovery looks at, by uid."""

    services: Mapping[str, JsonObject] = _NOTHING
    ingresses: Mapping[str, JsonObject] = _NOTHING
    deployments: Mapping[str, JsonObject] = _NOTHING
    brokers: Mapping[str, JsonObject] = _NOTHING
    meshsyncs: Mapping[str, JsonObject] = _NOTHING
    endpointslices: Mapping[str, JsonObject] = _NOTHING


_GROUPS = {
    "services": "/api/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "deployments": "/apis/apps/v1",
    "brokers": "/apis/meshery.io/v1alpha1",  # served by every release of Meshery Operator
    "meshsyncs": "/apis/meshery.io/v1alpha1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
}
_SELECTORS = {"endpointslices": "service.kubernetes.io/headless"}
"""Of all others the Service knows the port, and a large cluster has many slices that change with each pod."""
_SERVICE_NAME = "kubernetes.io/service-name"

PodPorts = Mapping[tuple[str, str], Mapping[str, int]]
"""By namespace and name of a headless Service: the ports at which its pods listen, by the names of its ports."""


def collection_path(field: str, namespace: str | None) -> str:
    """Where the API server lists what a field of `Objects` holds, in one namespace or in all."""
    return list_path(_GROUPS[field], field, namespace)


def collection(field: str, namespace: str | None) -> Collection:
    """What is watched for a field of `Objects`."""
    return Collection(collection_path(field, namespace), _SELECTORS.get(field, ""))


class ServicePort(NamedTuple):
    """A TCP port of a Service. tls: whether it says that HTTPS is spoken there.

    number: at which it answers under the Service's name. declared: as the Service has it.
    """

    name: str
    number: int
    tls: bool
    declared: int


class Service(NamedTuple):
    """A Service inside of the cluster."""

    namespace: str
    name: str
    labels: JsonObject
    selector: JsonObject
    ports: tuple[ServicePort, ...]
    headless: bool

    @property
    def host(self) -> str:
        """Its name in the DNS, as every pod can resolve it."""
        return f"{self.name}.{self.namespace}.svc"

    def port(self, *wanted: str | int) -> ServicePort | None:
        """Its first port of one of these names or numbers, in their order."""
        return next((port for each in wanted for port in self.ports if each in (port.name, port.declared)), None)


class Named(NamedTuple):
    """An object with a name that can be one."""

    namespace: str
    name: str
    content: JsonObject


def named(objects: Mapping[str, JsonObject]) -> list[Named]:
    """The objects by namespace and name; without those whose names are none, which no API server lets through."""
    found = []
    for content in objects.values():
        metadata = child(content, "metadata")
        namespace, name = text_of(metadata, "namespace"), text_of(metadata, "name")
        if _LABEL.fullmatch(namespace) and name and name.isprintable():
            found.append(Named(namespace, name, content))
    return sorted(found, key=lambda each: each[:2])


def pod_ports(endpointslices: Mapping[str, JsonObject]) -> PodPorts:
    """What EndpointSlices of v1 say. Where the pods of a Service differ, the slice that is first by name counts."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for each in named(endpointslices):
        labels = child(child(each.content, "metadata"), "labels")
        ports = found.setdefault((each.namespace, text_of(labels, _SERVICE_NAME)), {})
        for port in children(each.content, "ports")[:_MOST_PORTS]:
            if (number := _number(port.get("port"))) is not None and port.get("protocol", "TCP") == "TCP":
                ports.setdefault(text_of(port, "name"), number)
    return found


def service_of(each: Named, at_pods: PodPorts) -> Service | None:
    """A Service; None for one whose name cannot be resolved, or that leads out of the cluster.

    The name of a headless one leads to its pods, so its ports are theirs.
    """
    spec, metadata = child(each.content, "spec"), child(each.content, "metadata")
    if not _LABEL.fullmatch(each.name) or spec.get("type") == "ExternalName":
        return None
    headless = spec.get("clusterIP") == "None"
    ports = tuple(_ports(spec, at_pods.get((each.namespace, each.name), {}) if headless else None))
    return Service(each.namespace, each.name, child(metadata, "labels"), child(spec, "selector"), ports, headless)


def _ports(spec: JsonObject, at_pods: Mapping[str, int] | None) -> Iterator[ServicePort]:
    """`at_pods`: for a headless Service, what is known of its pods; None for another one."""
    for port in children(spec, "ports")[:_MOST_PORTS]:
        declared, name = _number(port.get("port")), text_of(port, "name")
        if port.get("protocol", "TCP") != "TCP" or declared is None or (name and not _LABEL.fullmatch(name)):
            continue
        tls = declared == 443 or name.startswith("https") or text_of(port, "appProtocol").lower() == "https"
        number = declared
        if at_pods is not None:
            number = at_pods.get(name) or _number(port.get("targetPort")) or declared
        yield ServicePort(name, number, tls, declared)


def _number(value: object) -> int | None:
    """A number of a port, or None."""
    return value if type(value) is int and 0 < value < 65536 else None
