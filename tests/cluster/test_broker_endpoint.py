"""What the Operator could publish for the Broker, read from a real API server with no more rights than are needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest

from agent.core.outcome import Outcome
from agent.core.reasons import Reason
from agent.probes._network import Network
from tests.cluster.roles import allow, rule
from tests.probes.support import assert_failed, assert_up, probe, saying, serving
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import Cluster
from tests.servers.kubernetes_api import ApiError, Json
from tests.servers.process import free_port, wait_until

pytestmark = [pytest.mark.servers("etcd", "kube-apiserver"), pytest.mark.timeout(120)]

INFO = b'INFO {"server_id":"N","version":"2.14.2","client_id":7,"auth_required":true}\r\n'
NODE = "0-broker-node"
"""The first of all, whatever nodes other tests have."""
BROKER = rule("meshery.io", "brokers", "get", names=["meshery-broker"])
SERVICE = rule("", "services", "get", names=["meshery-nats"])
WITHOUT_CLUSTER_IPS = Network(forbidden=(ip_network("10.96.0.0/16"),))
"""Nothing routes to them here."""


def broker(kubernetes: Cluster, namespace: str, **endpoint: str) -> None:
    """A Broker resource that publishes this."""
    kubernetes.admin.apply(custom_resource("Broker", "meshery.io", "v1alpha1"))
    thing = {
        "apiVersion": "meshery.io/v1alpha1",
        "kind": "Broker",
        "metadata": {"name": "meshery-broker", "namespace": namespace},
        "status": {"endpoint": endpoint},
    }

    def taken() -> bool:
        try:
            kubernetes.admin.apply(thing)
        except (ApiError, StopIteration):
            return False  # the definition is not served yet
        return True

    wait_until(taken, 30.0, "the Broker resource")


def load_balancer(kubernetes: Cluster, namespace: str, node_port: int, address: str) -> None:
    """The Broker's Service, with a load balancer at `address`, and a worker node at 127.0.0.4."""
    service: Json = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "meshery-nats", "namespace": namespace},
        "spec": {"type": "LoadBalancer", "ports": [{"name": "nats", "port": 4222, "nodePort": node_port}]},
    }
    kubernetes.admin.apply(service)
    status = {"loadBalancer": {"ingress": [{"ip": address}]}}
    kubernetes.admin.apply({**service, "spec": {}, "status": status}, "status")
    node: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
    kubernetes.admin.apply(node)
    of_node = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.4"}],
    }
    kubernetes.admin.apply({**node, "status": of_node}, "status")


def allow_nodes(kubernetes: Cluster, namespace: str) -> None:
    """Lets the observer of a namespace list nodes, and no more."""
    version, name = "rbac.authorization.k8s.io/v1", f"nodes-{namespace}"
    metadata = {"name": name}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": "observer", "namespace": namespace}
    rules = [rule("", "nodes", "list")]
    kubernetes.admin.apply({"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": rules})
    binding = {"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": role}
    kubernetes.admin.apply({**binding, "subjects": [subject]})


def free_node_port() -> int:
    """A port that is free here, of those that a node may have for a Service."""
    while True:
        port = free_port()
        if port >= 30000:
            return port


async def asked(kubeconfig: Path, namespace: str) -> Outcome:
    settings = {"kind": "broker_endpoint", "kubeconfig": str(kubeconfig), "namespace": namespace}
    return await probe(settings, network=WITHOUT_CLUSTER_IPS)


@asynccontextmanager
async def exposed(kubernetes: Cluster) -> AsyncIterator[tuple[str, int]]:
    """A namespace whose Broker answers at its NodePort, on the API server's host alone, and not as published."""
    namespace, node_port = await asyncio.to_thread(kubernetes.namespace), free_node_port()
    await asyncio.to_thread(load_balancer, kubernetes, namespace, node_port, "127.0.0.9")
    await asyncio.to_thread(broker, kubernetes, namespace, internal="", external="127.0.0.9:4222")
    async with serving(saying(INFO), port=node_port):
        yield namespace, node_port
    await asyncio.to_thread(kubernetes.admin.delete, f"/api/v1/nodes/{NODE}")


async def test_what_answers_instead_of_what_is_published_is_told_as_far_as_rights_go(kubernetes: Cluster) -> None:
    published = "the Operator publishes 127.0.0.9:4222 (IP address of the LoadBalancer), and the Broker does not answer"
    async with exposed(kubernetes) as (namespace, node_port):
        at_host = f"; 127.0.0.1:{node_port} (NodePort at the API server's host) answers"
        at_node = f"; 127.0.0.4:{node_port} (NodePort at a worker node) failed with connect_refused"
        token = await asyncio.to_thread(allow, kubernetes, namespace, rule("", "pods", "list"))
        kubeconfig = kubernetes.kubeconfig(token)
        assert_failed(await asked(kubeconfig, namespace), Reason.AUTH_REJECTED)

        await asyncio.to_thread(allow, kubernetes, namespace, BROKER)
        outcome = await asked(kubeconfig, namespace)
        assert_failed(outcome, Reason.ENDPOINT_UNREACHABLE)
        assert outcome.detail.endswith("; the Service meshery-nats may not be read (403)")

        await asyncio.to_thread(allow, kubernetes, namespace, BROKER, SERVICE)
        outcome = await asked(kubeconfig, namespace)
        assert_failed(outcome, Reason.ENDPOINT_UNREACHABLE)
        assert outcome.detail.startswith(published)
        assert at_host in outcome.detail
        assert "(ClusterIP) was not tried: 10.96." in outcome.detail
        assert "which the policy forbids" in outcome.detail
        assert outcome.detail.endswith("; nodes may not be listed (403)")

        await asyncio.to_thread(allow_nodes, kubernetes, namespace)
        async with asyncio.timeout(20):
            while (outcome := await asked(kubeconfig, namespace)).detail.endswith("nodes may not be listed (403)"):
                pass
        assert_failed(outcome, Reason.ENDPOINT_UNREACHABLE)
        assert at_host in outcome.detail
        assert at_node in outcome.detail
        assert "may not" not in outcome.detail


async def test_the_external_endpoint_is_tried_though_the_internal_one_answers(kubernetes: Cluster) -> None:
    async with exposed(kubernetes) as (namespace, node_port):
        internal = f"127.0.0.1:{node_port}"
        await asyncio.to_thread(broker, kubernetes, namespace, internal=internal, external="127.0.0.9:4222")
        outcome = await asked(kubernetes.kubeconfig(), namespace)
    assert_up(outcome)
    assert outcome.detail.startswith(
        f"the Broker answers at its internal endpoint {internal}; "
        "127.0.0.9:4222 (published, IP address of the LoadBalancer) failed with connect_refused"
    )
