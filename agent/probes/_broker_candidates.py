"""Which endpoints Meshery Operator could publish for the Broker, by the Broker's Service and the nodes of its cluster.

The Operator takes the first one that there is: the document says a LoadBalancer's host name before its IP address, the
code has them the other way round. Objects may hold anything; what is no address is left out.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.probes._endpoint import Endpoint, parse_address
from agent.probes._json import JsonObject, child, children, number_of, text_of
from agent.probes._kube_objects import condition, is_true, labels_of

BROKER_NAMES = ("meshery-nats", "meshery-broker")
"""Names of the Broker's Service and StatefulSet: Operator 1.0 and newer, and the ones before."""
_CLIENT_PORT = 4222
_CLIENT_NAMES = ("nats", "client")
_MOST_INGRESSES = 4
_LONGEST_ADDRESS = 253
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_NODE_ADDRESSES = ("ExternalIP", "InternalIP")
"""In the order in which a Server outside of the cluster would like them."""


class Candidate(NamedTuple):
    """An endpoint, and what it is, for people."""

    endpoint: Endpoint
    what: str


def candidates(broker: JsonObject, service: JsonObject, api_host: str, nodes: Sequence[JsonObject]) -> list[Candidate]:
    """What there is of these, each once: the override, the LoadBalancer, NodePorts, and the ClusterIP."""
    found: dict[Endpoint, Candidate] = {}
    for host, port, what in _all(broker, service, api_host, nodes):
        endpoint = _endpoint(host, port)
        if endpoint is not None:
            found.setdefault(endpoint, Candidate(endpoint, what))
    return list(found.values())


def node_port(service: JsonObject) -> int | None:
    """The port that each node has for the Broker's clients, or None."""
    return _port(_client_port(service), "nodePort")


def _all(
    broker: JsonObject, service: JsonObject, api_host: str, nodes: Sequence[JsonObject]
) -> Iterator[tuple[str, int | None, str]]:
    override = text_of(child(child(broker, "spec"), "service"), "externalEndpointOverride")
    host, _, port = override.rpartition("://")[2].rpartition(":")
    yield host.strip("[]"), int(port) if port.isascii() and port.isdigit() else None, "override of the Broker resource"
    cluster_port, on_nodes = _port(_client_port(service), "port"), node_port(service)
    balancer = child(child(service, "status"), "loadBalancer")
    for ingress in children(balancer, "ingress")[:_MOST_INGRESSES]:
        yield text_of(ingress, "hostname"), cluster_port, "host name of the LoadBalancer"
        yield text_of(ingress, "ip"), cluster_port, "IP address of the LoadBalancer"
    yield api_host, on_nodes, "NodePort at the API server's host"
    address = text_of(child(service, "spec"), "clusterIP")
    yield "" if address == "None" else address, cluster_port, "ClusterIP"
    yield _worker_address(nodes), on_nodes, "NodePort at a worker node"


def _client_port(service: JsonObject) -> JsonObject:
    ports = children(child(service, "spec"), "ports")
    named = (port for port in ports if text_of(port, "name") in _CLIENT_NAMES)
    numbered = (port for port in ports if port.get("port") == _CLIENT_PORT)
    return next(named, None) or next(numbered, {})


def _port(port: JsonObject, name: str) -> int | None:
    number = number_of(port, name)
    return int(number) if number else None


def _worker_address(nodes: Sequence[JsonObject]) -> str:
    """Of the first worker that is Ready and has one."""
    for node in nodes:
        if is_true(condition(node, "Ready")) and not any(role in labels_of(node) for role in _CONTROL_PLANE):
            addresses = children(child(node, "status"), "addresses")
            by_type = {text_of(each, "type"): text_of(each, "address") for each in reversed(addresses)}
            for kind in _NODE_ADDRESSES:
                if address := by_type.get(kind):
                    return address
    return ""


def _endpoint(host: str, port: int | None) -> Endpoint | None:
    if not host or port is None or len(host) > _LONGEST_ADDRESS or not host.isprintable():
        return None
    try:
        return parse_address(str(Endpoint(host, port)))
    except ValueError:
        return None
