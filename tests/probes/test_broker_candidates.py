"""What the Operator could publish for the Broker, by objects as an API server gives them, and by odd ones."""

from __future__ import annotations

import pytest

from agent.probes._broker_candidates import candidates
from agent.probes._json import JsonObject

API = "api.example.com"
NODE_PORT = {"name": "nats", "port": 4222, "nodePort": 30422}


def service(*ports: object, balancer: object = None, **spec: object) -> JsonObject:
    return {
        "spec": {"clusterIP": "10.96.0.7", "ports": list(ports) or [{"name": "nats", "port": 4222}], **spec},
        "status": {"loadBalancer": {"ingress": balancer}},
    }


def node(*addresses: tuple[str, str], ready: str = "True", **labels: str) -> JsonObject:
    return {
        "metadata": {"labels": {name.replace("__", "/"): value for name, value in labels.items()}},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "addresses": [{"type": kind, "address": address} for kind, address in addresses],
        },
    }


INSIDE = node(("Hostname", "w-1"), ("InternalIP", "172.16.0.4"))
OUTSIDE = node(("InternalIP", "172.16.0.5"), ("ExternalIP", "198.51.100.5"))
CONTROL_PLANE = {
    "metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}},
    "status": OUTSIDE["status"],
}


@pytest.mark.parametrize(
    ("thing", "nodes", "expected"),
    [
        (service(), [], ["10.96.0.7:4222 ClusterIP"]),
        (service(clusterIP="None"), [], []),
        (service(clusterIP="fd00::7"), [], ["[fd00::7]:4222 ClusterIP"]),
        (
            service({"name": "monitor", "port": 8222}, {"name": "client", "port": 4333}),
            [],
            ["10.96.0.7:4333 ClusterIP"],
        ),
        (service({"port": 4222}), [], ["10.96.0.7:4222 ClusterIP"]),
        (service({"name": "monitor", "port": 8222}), [], []),
        (
            service(NODE_PORT, balancer=[{"ip": "192.0.2.9", "hostname": "lb.example.com"}]),
            [CONTROL_PLANE, node(("InternalIP", "172.16.0.3"), ready="False"), node(), INSIDE, OUTSIDE],
            [
                "lb.example.com:4222 host name of the LoadBalancer",
                "192.0.2.9:4222 IP address of the LoadBalancer",
                "api.example.com:30422 NodePort at the API server's host",
                "10.96.0.7:4222 ClusterIP",
                "172.16.0.4:30422 NodePort at a worker node",
            ],
        ),
        (
            service(NODE_PORT, balancer=[]),
            [OUTSIDE],
            [
                "api.example.com:30422 NodePort at the API server's host",
                "10.96.0.7:4222 ClusterIP",
                "198.51.100.5:30422 NodePort at a worker node",
            ],
        ),
        (
            service(NODE_PORT),
            [node(("InternalIP", API))],
            ["api.example.com:30422 NodePort at the API server's host", "10.96.0.7:4222 ClusterIP"],
        ),
        (service(balancer=[{"hostname": "a b"}, {"ip": "x@y"}, {"ip": 7}, "x"], clusterIP="a\x1b[31m"), [], []),
        (service({"name": "nats", "port": 99999}), [], []),
        (service({"name": "nats", "port": "4222"}, clusterIP="a" * 300), [], []),
        ({"spec": ["x"], "status": 7}, [], []),
    ],
)
def test_what_could_be_published(thing: JsonObject, nodes: list[JsonObject], expected: list[str]) -> None:
    found = candidates({}, thing, API, nodes)
    assert [f"{each.endpoint} {each.what}" for each in found] == expected


def test_no_more_than_some_addresses_of_a_load_balancer_are_tried() -> None:
    many = service(balancer=[{"ip": f"192.0.2.{number}"} for number in range(100)])
    assert len(candidates({}, many, API, [])) == 4 + 1


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("broker.example.com:4222", ["broker.example.com:4222"]),
        ("nats://[2001:db8::1]:4222", ["[2001:db8::1]:4222"]),
        ("broker.example.com", []),
        (7, []),
    ],
)
def test_the_override_of_the_broker_resource(override: object, expected: list[str]) -> None:
    broker = {"spec": {"service": {"externalEndpointOverride": override}}}
    found = candidates(broker, {}, API, [])
    assert [str(each.endpoint) for each in found] == expected
