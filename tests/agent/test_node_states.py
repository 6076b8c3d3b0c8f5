"""kubectl cordons and drains nodes of a real cluster; what Prometheus scrapes from the agent tells them apart."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from agent.metrics.node_states import CORDONED, DRAINED, DRAINING, FRESHLY_JOINED, NOT_READY, NodeState
from tests.agent.support import agent_process
from tests.servers.catalogue import find
from tests.servers.commands import CommandError, run
from tests.servers.kubernetes import Cluster, cluster
from tests.servers.kubernetes_api import Json
from tests.servers.process import Server, wait_until
from tests.servers.run import prometheus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.servers("etcd", "kube-apiserver", "kubectl", "prometheus"),
]

NAMESPACE = "apps"
SECONDS = 60.0
SCRAPE = """\
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: reachd, static_configs: [{{targets: ["{target}"]}}]}}]
"""


@pytest.fixture(scope="module")
def kubernetes() -> Iterator[Cluster]:
    """A cluster whose nodes are those of this module alone."""
    with cluster() as running:
        running.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        running.service_account("default", NAMESPACE)
        yield running


def join(kubernetes: Cluster, name: str, ready: str = "True") -> None:
    """A node with one pod of a ReplicaSet and one of a DaemonSet."""
    node: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    kubernetes.admin.apply(node)
    kubernetes.admin.apply({**node, "status": {"conditions": [{"type": "Ready", "status": ready}]}}, "status")
    for kind in ("ReplicaSet", "DaemonSet"):
        owner = {"apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": f"uid-of-{kind}", "controller": True}
        pod: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{name}-{kind.lower()}", "namespace": NAMESPACE, "ownerReferences": [owner]},
            "spec": {"nodeName": name, "containers": [{"name": "main", "image": "registry.test/main"}]},
        }
        kubernetes.admin.apply(pod)
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        kubernetes.admin.apply({**pod, "spec": {}, "status": status}, "status")


def kubectl(kubernetes: Cluster, *arguments: str) -> None:
    """As an administrator does it."""
    program = find("kubectl")
    assert program is not None
    run([program, *arguments], SECONDS, environment={"KUBECONFIG": str(kubernetes.kubeconfig())})


def drain(kubernetes: Cluster, node: str) -> None:
    """The pods do not end, for there is no kubelet that would end them: kubectl gives up waiting for it."""
    with pytest.raises(CommandError):
        kubectl(kubernetes, "drain", node, "--ignore-daemonsets", "--force", "--timeout=3s")


@contextmanager
def observed(kubernetes: Cluster, folder: Path, namespaces: Sequence[str] = ()) -> Iterator[Server]:
    """A Prometheus that scrapes an agent in the cluster, which watches these namespaces; by default all."""
    settings = {"kubeconfig": str(kubernetes.kubeconfig()), "namespaces": [*namespaces]}
    with agent_process(folder, {"kubernetes": settings}) as agent:
        target = agent.address.removeprefix("http://")
        with prometheus(SCRAPE.format(target=target)) as server:
            yield server


def nodes_in(state: NodeState, server: Server, at: datetime | None = None) -> set[str]:
    """What a query finds, now or as if the time were `at`."""
    query = state.query if at is None else state.query.replace("time()", str(at.timestamp()))
    return {series["metric"]["node"] for series in answer(server, query)}


def answer(server: Server, query: str) -> list[Json]:
    """The series that Prometheus answers with."""
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{urlencode({'query': query})}", timeout=SECONDS) as body:
        found: list[Json] = json.load(body)["data"]["result"]
    return found


def test_cordoned_draining_and_freshly_joined_nodes_are_told_apart(kubernetes: Cluster, tmp_path: Path) -> None:
    names = {"fine", "cordoned", "draining", "drained", "lost"}
    for name in names:
        join(kubernetes, name, "Unknown" if name == "lost" else "True")
    with observed(kubernetes, tmp_path) as server:
        wait_until(lambda: nodes_in(FRESHLY_JOINED, server) == names, SECONDS, "all nodes are fresh")
        kubectl(kubernetes, "cordon", "cordoned")
        drain(kubernetes, "draining")
        drain(kubernetes, "drained")
        gone = f"/api/v1/namespaces/{NAMESPACE}/pods/drained-replicaset?gracePeriodSeconds=0"
        kubernetes.admin.delete(gone)
        wait_until(lambda: nodes_in(DRAINED, server) == {"drained"}, SECONDS, "a node is drained")
        wait_until(lambda: nodes_in(DRAINING, server) == {"draining"}, SECONDS, "a node is draining")
        assert nodes_in(CORDONED, server) == {"cordoned", "drained"}
        assert nodes_in(FRESHLY_JOINED, server) == {"fine", "lost"}
        assert nodes_in(NOT_READY, server) == {"lost"}
        later = datetime.now(tz=UTC) + timedelta(minutes=11)
        assert nodes_in(FRESHLY_JOINED, server, later) == set()
        kubectl(kubernetes, "uncordon", "cordoned")
        wait_until(lambda: nodes_in(CORDONED, server) == {"drained"}, SECONDS, "a node takes pods again")
    (tmp_path / "some").mkdir()
    with observed(kubernetes, tmp_path / "some", ["default"]) as server:
        listed = 'reachd_source_last_success_timestamp_seconds{source="kubernetes/pods"} > 0'
        wait_until(lambda: bool(answer(server, listed)), SECONDS, "the pods of one namespace are known")
        wait_until(lambda: nodes_in(CORDONED, server) == {"draining", "drained"}, SECONDS, "both take no pods")
        assert nodes_in(DRAINED, server) == set(), "there may be pods in other namespaces"
