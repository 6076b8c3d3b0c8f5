"""Objects of a Kubernetes cluster, read as far as discovery needs them. Their authors are not trusted."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from agent.probes._json import JsonObject, child, text_of
from agent.probes._kube_objects import list_path

_NOTHING: Mapping[str, JsonObject] = MappingProxyType({})
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MOST_PORTS = 250


class Objects(NamedTuple):
    """What discovery looks at, by uid."""

    services: Mapping[str, JsonObject] = _NOTHING
    ingresses: Mapping[str, JsonObject] = _NOTHING
    deployments: Mapping[str, JsonObject] = _NOTHING
    brokers: Mapping[str, JsonObject] = _NOTHING
    meshsyncs: Mapping[str, JsonObject] = _NOTHING


_GROUPS = {
    "services": "/api/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
    "deployments": "/apis/apps/v1",
    "brokers": "/apis/meshery.io/v1alpha1",  # served by every release of Meshery Operator
    "meshsyncs": "/apis/meshery.io/v1alpha1",
}


def collection_path(field: str, namespace: str | None = None) -> str:
    """Where the API server lists what a field of `Objects` holds, in one namespace or in all."""
    return list_path(_GROUPS[field], field, namespace)


class ServicePort(NamedTuple):
    """A TCP port of a Service. tls: whether it says that HTTPS is spoken there."""

    name: str
    number: int
    tls: bool


class Service(NamedTuple):
    """A Service inside of the cluster."""

    namespace: str
    name: str
    labels: JsonObject
    annotations: JsonObject
    ports: tuple[ServicePort, ...]
    headless: bool

    @property
    def host(self) -> str:
        """Its name in the DNS, as every pod can resolve it."""
        return f"{self.name}.{self.namespace}.svc"

    def port(self, *wanted: str | int) -> ServicePort | None:
        """Its first port of one of these names or numbers, in their order."""
        return next((port for each in wanted for port in self.ports if each in (port.name, port.number)), None)


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


def service_of(each: Named) -> Service | None:
    """A Service; None for one whose name cannot be resolved, or that leads out of the cluster."""
    spec, metadata = child(each.content, "spec"), child(each.content, "metadata")
    if not _LABEL.fullmatch(each.name) or spec.get("type") == "ExternalName":
        return None
    ports = tuple(_ports(spec))
    headless = spec.get("clusterIP") == "None"
    return Service(
        each.namespace, each.name, child(metadata, "labels"), child(metadata, "annotations"), ports, headless
    )


def _ports(spec: JsonObject) -> Iterator[ServicePort]:
    listed = spec.get("ports")
    for port in listed[:_MOST_PORTS] if isinstance(listed, list) else ():
        if not isinstance(port, dict) or port.get("protocol", "TCP") != "TCP":
            continue
        number, name = port.get("port"), text_of(port, "name")
        if type(number) is int and 0 < number < 65536 and (not name or _LABEL.fullmatch(name)):
            tls = number == 443 or name.startswith("https") or text_of(port, "appProtocol").lower() == "https"
            yield ServicePort(name, number, tls)
