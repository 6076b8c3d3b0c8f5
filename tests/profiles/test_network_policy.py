"""The NetworkPolicies let through what the rows need, with the ports of the pods, and nothing that only has a name."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from agent.core.check import Plan
from agent.profiles.deployment import Deployment
from agent.profiles.network_policy import network_policies
from tests.profiles.support import bare, checks, deployment

SERVER = {"app.kubernetes.io/name": "meshery"}
NEW_BROKER = {"app.kubernetes.io/name": "nats", "app.kubernetes.io/instance": "meshery-nats"}
OLD_BROKER = {"app": "meshery", "component": "broker"}
OPERATIONS = {"app.kubernetes.io/name": "reachd", "app.kubernetes.io/component": "operations"}
AGENT_PORT = 9886


def _text(of: Deployment) -> str:
    return network_policies(Plan(tuple(checks(of).values())), [of], AGENT_PORT)


def _policies(of: Deployment) -> dict[str, Any]:
    documents = [document for document in yaml.safe_load_all(_text(of)) if document]
    named = {document["metadata"]["name"]: document for document in documents}
    assert len(named) == len(documents)
    return named


def _ports(rules: list[dict[str, Any]], key: str, labels: dict[str, str]) -> set[int]:
    """Ports that rules open to or from pods with these labels."""
    return {
        port["port"]
        for rule in rules
        for peer in rule.get(key, [])
        if peer.get("podSelector", {}).get("matchLabels") == labels
        for port in rule["ports"]
    }


def test_every_policy_is_what_kubernetes_expects() -> None:
    for name, policy in _policies(deployment()).items():
        assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
        assert name.startswith("prod-")
        spec = policy["spec"]
        assert spec["podSelector"]["matchLabels"], "an empty selector would select every pod of the namespace"
        assert set(spec["policyTypes"]) == {kind.capitalize() for kind in ("ingress", "egress") if kind in spec}
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction, []):
                assert set(rule) <= {peers, "ports"}
                assert rule["ports"], "a rule without ports opens all of them"
                for port in rule["ports"]:
                    assert port["protocol"] in ("TCP", "UDP")
                    assert 0 < port["port"] < 65536
                for peer in rule.get(peers, []):
                    assert set(peer) in ({"ipBlock"}, {"namespaceSelector"}, {"namespaceSelector", "podSelector"})


def test_the_server_may_reach_pods_on_their_own_ports() -> None:
    egress = _policies(deployment())["prod-server"]["spec"]["egress"]
    assert _ports(egress, "to", NEW_BROKER) == _ports(egress, "to", OLD_BROKER) == {4222, 8222}
    assert _ports(egress, "to", SERVER) == {8080}
    assert _ports(egress, "to", {"app.kubernetes.io/name": "meshery-istio"}) == {10000}
    assert {"to": [{"ipBlock": {"cidr": "203.0.113.7/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]} in egress


def test_the_server_is_reached_on_8080_by_the_ingress_and_on_the_agents_port() -> None:
    ingress = _policies(deployment())["prod-server"]["spec"]["ingress"]
    by_port = {rule["ports"][0]["port"]: rule["from"] for rule in ingress}
    assert set(by_port) == {8080, AGENT_PORT}
    assert {"namespaceSelector": {}} in by_port[8080]
    assert by_port[AGENT_PORT] == [{"namespaceSelector": {}}]


def test_users_are_let_in_though_the_agent_does_not_know_by_which_url_they_come() -> None:
    ingress = _policies(deployment({"external_url": None}))["prod-server"]["spec"]["ingress"]
    assert {"namespaceSelector": {}} in next(rule["from"] for rule in ingress if rule["ports"][0]["port"] == 8080)


def test_what_only_a_run_can_tell_is_a_comment() -> None:
    assert (
        "# not expressible, because only a run can tell: egress to the endpoints that the Operator publishes or could "
        "publish for the Broker, usually port 4222, for cluster-east-broker-endpoint"
    ) in _text(deployment())


def test_the_broker_is_reached_by_those_who_need_it_only() -> None:
    policies = _policies(deployment())
    for policy in (policies["prod-broker"], policies["prod-broker-2"]):
        assert policy["spec"]["policyTypes"] == ["Ingress"]
        ingress = policy["spec"]["ingress"]
        assert _ports(ingress, "from", SERVER) == {4222, 8222}
        assert _ports(ingress, "from", {"app": "meshery", "component": "meshsync"}) == {4222, 8222}
        assert _ports(ingress, "from", OPERATIONS) == {8222}
        assert {port["port"] for rule in ingress for port in rule["ports"]} == {4222, 8222}
    selected = [policies[name]["spec"]["podSelector"]["matchLabels"] for name in ("prod-broker", "prod-broker-2")]
    assert selected == [NEW_BROKER, OLD_BROKER]


def test_each_adapter_is_reached_on_its_own_port_only() -> None:
    policies = _policies(
        deployment({"adapters": {"istio": "meshery-istio.meshery.svc", "own": "own.meshery.svc:7000"}})
    )
    opened = {
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: {
            port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]
        }
        for name, policy in policies.items()
        if name.startswith("prod-adapter")
    }
    assert opened == {"meshery-istio": {10000, AGENT_PORT}, "meshery-own": {7000, AGENT_PORT}}


@pytest.mark.parametrize("name", ["server", "operator", "meshsync", "adapter", "operations", "node"])
def test_pods_of_a_vantage_may_resolve_names(name: str) -> None:
    egress = _policies(deployment())[f"prod-{name}"]["spec"]["egress"]
    assert {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]} in egress


@pytest.mark.parametrize(
    "remark",
    [
        "egress to cloud.example.com:443 for provider (Authentication and durable state)",
        "egress to registry.example.com:443 for egress-registry-example-com (Container registry or content source)",
        "egress to kubernetes.default.svc:443 for operator-kubernetes-api (Reconciling Broker and MeshSync)",
        "egress to node-1.example.com:30806 for node-port-server (Meshery Server through its NodePort)",
    ],
)
def test_what_only_has_a_name_is_a_comment(remark: str) -> None:
    assert f"# not expressible, because it is a name: {remark}\n" in _text(deployment())


def test_an_endpoint_that_only_has_a_name_is_told_once() -> None:
    operations = _text(deployment()).partition("name: prod-operations\n")[0].rpartition("---\n")[2]
    assert operations.count("egress to kubernetes.default.svc:443") == 1


def test_agents_are_selected_in_whatever_namespace_they_run() -> None:
    policies = _policies(deployment({"namespace": "mesh"}))
    assert "namespace" not in policies["prod-operations"]["metadata"]
    assert policies["prod-server"]["metadata"]["namespace"] == "mesh"


def test_services_of_another_namespace_are_selected_there() -> None:
    broker = {"address": "meshery-nats.east.svc.cluster.local:4222"}
    egress = _policies(deployment({"broker": broker}))["prod-server"]["spec"]["egress"]
    spaces = [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for rule in egress
        for peer in rule.get("to", [])
        if peer.get("podSelector", {}).get("matchLabels") == NEW_BROKER
    ]
    assert set(spaces) == {"east"}


def test_loopback_needs_no_policy() -> None:
    policies = _policies(bare({"broker": {"address": "127.0.0.1:4222"}, "server": "http://localhost:9081"}))
    assert "127.0.0.1" not in str(policies)
    assert "localhost" not in str(policies)


def test_checks_outside_any_deployment_have_a_policy_of_their_own() -> None:
    own = tuple(checks(deployment()).values())
    text = network_policies(Plan(own), [], AGENT_PORT)
    (policy,) = [document for document in yaml.safe_load_all(text) if document]
    assert policy["spec"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "reachd"}
    cidrs = {peer["ipBlock"]["cidr"] for rule in policy["spec"]["egress"] for peer in rule.get("to", [])}
    assert cidrs == {"203.0.113.7/32", "10.1.2.3/32", "10.1.2.4/32"}


def test_a_cluster_behind_an_unreadable_kubeconfig_is_a_comment() -> None:
    text = _text(deployment({"clusters": [{"name": "east", "kubeconfig": "/nonexistent/config"}]}))
    assert "# not expressible, because the host is not known: egress for cluster-east-api" in text
    assert "cannot use the kubeconfig /nonexistent/config: No such file or directory\n" in text
    assert "config:443" not in text


def test_loopback_of_one_vantage_is_a_comment_for_the_others() -> None:
    of = deployment({"server": "http://localhost:8080"})
    text = network_policies(Plan(tuple(checks(of, "server").values())), [of], AGENT_PORT)
    named = {policy["metadata"]["name"]: policy for policy in yaml.safe_load_all(text) if policy}
    assert 8080 not in _ports(named["prod-operations"]["spec"]["egress"], "to", SERVER)
    remark = "# not expressible, because localhost is true in the pod of this agent only; name the Service: egress for"
    server, operations = (
        text.partition(f"name: prod-{name}\n")[0].rpartition("---\n")[2] for name in ("server", "operations")
    )
    assert remark in operations
    assert remark not in server
