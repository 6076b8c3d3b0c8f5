"""An agent that looks into a real cluster: one of several replicas leads, and what there is shows in its metrics."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from tests.agent.support import AgentProcess, agent_process, check, select, wait_until
from tests.cluster.gate import gate
from tests.probes.support import answering, serving
from tests.servers.kubernetes import Cluster
from tests.servers.kubernetes_api import Json
from tests.servers.process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.servers("etcd", "kube-apiserver")]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ELECTION = {"name": "reachd-observer", "duration": "2s", "retry": "300ms"}
SHARING = {"group": "reachd", "duration": "2s", "retry": "300ms"}


def observer_rules(namespace: str) -> list[Json]:
    """What an observer of one namespace needs, and no more."""
    return [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"], "verbs": ["list", "watch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "list", "update"]},
    ]


def observer(cluster: Cluster, namespace: str) -> Path:
    """A kubeconfig of a service account that may do what an observer of the namespace needs."""
    cluster.service_account("reachd", namespace)
    subject = {"kind": "ServiceAccount", "name": "reachd", "namespace": namespace}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    cluster.admin.apply(
        {
            **rbac,
            "kind": "Role",
            "metadata": {"name": "reachd", "namespace": namespace},
            "rules": observer_rules(namespace),
        }
    )
    cluster.admin.apply(
        {
            **rbac,
            "kind": "RoleBinding",
            "metadata": {"name": "reachd", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reachd"},
            "subjects": [subject],
        }
    )
    node_rules = [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list", "watch"]},
    ]
    name = f"reachd-{namespace}"
    cluster.admin.apply({**rbac, "kind": "ClusterRole", "metadata": {"name": name}, "rules": node_rules})
    cluster.admin.apply(
        {
            **rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        }
    )
    return cluster.kubeconfig(cluster.token("reachd", namespace), namespace)


def node(name: str, ready: str = "True") -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def deployment(namespace: str, replicas: int) -> Json:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]},
            },
        },
    }


@contextmanager
def agents(
    folder: Path, count: int, kubernetes: Mapping[str, object], checks: list[dict[str, object]]
) -> Iterator[list[AgentProcess]]:
    """Replicas of an agent."""
    with ExitStack() as stack:
        running = []
        for number in range(count):
            own = folder / str(number)
            own.mkdir()
            configuration = {"kubernetes": dict(kubernetes), "checks": checks, "limits": {"per_host": 200}}
            environment = {"POD_NAME": f"reachd-{number}"}
            running.append(stack.enter_context(agent_process(own, configuration, environment=environment)))
        yield running


def labelled(samples: list[Sample], name: str, label: str, **labels: str) -> dict[str, float]:
    return {
        sample.labels[label]: sample.value
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


def seconds_until(condition: Callable[[], object], limit: float = 15.0) -> float:
    began = time.monotonic()
    wait_until(condition, limit)
    return time.monotonic() - began


def test_what_the_cluster_has_shows_and_what_is_gone_vanishes(tmp_path: Path, kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    admin = kubernetes.admin
    admin.apply(node("observed"))
    admin.apply(node("observed"), "status")
    admin.apply(deployment(namespace, 3))
    settings = {"kubeconfig": str(observer(kubernetes, namespace)), "namespaces": [namespace]}
    with agents(tmp_path, 1, settings, []) as (agent,):

        def ready(status: str) -> float | None:
            found = labelled(
                agent.samples(), "kube_node_status_condition", "status", node="observed", condition="Ready"
            )
            return found.get(status)

        wait_until(lambda: ready("true") == 1)
        wanted = labelled(agent.samples(), "kube_deployment_spec_replicas", "deployment", namespace=namespace)
        assert wanted == {"web": 3}
        admin.apply(node("observed", "False"), "status")
        took = seconds_until(lambda: ready("false") == 1)
        sys.stderr.write(f"node not ready: {took:.3f} s from the change to the metric" + "\n")
        admin.apply(deployment(namespace, 5))
        wait_until(lambda: labelled(agent.samples(), "kube_deployment_spec_replicas", "deployment") == {"web": 5})
        admin.delete("/api/v1/nodes/observed")
        wait_until(lambda: ready("false") is None)
        age = labelled(agent.samples(), "reachd_source_last_success_timestamp_seconds", "source")
        wait_until(
            lambda: (
                set(labelled(agent.samples(), "reachd_source_last_success_timestamp_seconds", "source"))
                >= {"static", "kubernetes/nodes", "kubernetes/pods", "kubernetes/deployments"}
            )
        )
        assert abs(age["static"] - time.time()) < 60


def test_a_service_that_asks_for_it_is_checked_and_forgotten_with_its_annotation(
    tmp_path: Path, kubernetes: Cluster
) -> None:
    namespace = kubernetes.namespace()
    settings = {
        "kubeconfig": str(observer(kubernetes, namespace)),
        "namespaces": [namespace],
        "discovery": True,
        "nodes": False,
        "workloads": False,
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "shop", "namespace": namespace, "annotations": {"reachd.io/check": "true"}},
        "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]},
    }
    with agents(tmp_path, 1, settings, []) as (agent,):
        wait_until(lambda: labelled(agent.samples(), "reachd_source_last_success_timestamp_seconds", "source"))
        assert agent.states() == {}
        kubernetes.admin.apply(service)
        wait_until(lambda: set(agent.states()) == {f"{namespace}--shop"})
        service["metadata"]["annotations"] = {"reachd.io/check": "false"}  # type: ignore[index]
        kubernetes.admin.apply(service)
        wait_until(lambda: agent.states() == {})


def test_beside_kube_state_metrics_nothing_is_there_twice(tmp_path: Path, kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    kubernetes.admin.apply(node("twice"))
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "twice", "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": "twice", "renewTime": "2026-11-01T00:00:00.000000Z"},
    }
    if not any(
        it["metadata"]["name"] == "kube-node-lease" for it in kubernetes.admin.get("/api/v1/namespaces")["items"]
    ):
        kubernetes.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-node-lease"}})
    kubernetes.admin.apply(lease)
    settings = {
        "kubeconfig": str(observer(kubernetes, namespace)),
        "namespaces": [namespace],
        "kube_state_metrics": True,
    }
    with agents(tmp_path, 1, settings, []) as (agent,):
        wait_until(lambda: "twice" in labelled(agent.samples(), "reachd_node_lease_renewed_timestamp_seconds", "node"))
        assert not [sample for sample in agent.samples() if sample.name.startswith("kube_")]
    kubernetes.admin.delete("/api/v1/nodes/twice")


async def test_one_of_two_leads_and_the_other_takes_over(tmp_path: Path, kubernetes: Cluster) -> None:
    namespace = await asyncio.to_thread(kubernetes.namespace)
    settings = {
        "kubeconfig": str(await asyncio.to_thread(observer, kubernetes, namespace)),
        "namespaces": [namespace],
        "nodes": False,
        "election": {**ELECTION, "namespace": namespace},
    }
    await asyncio.to_thread(kubernetes.admin.apply, deployment(namespace, 1))
    async with serving(answering(OK)) as server:
        checks = [check("web", "http", url=f"http://{server.address}/")]
        with agents(tmp_path, 2, settings, checks) as pair:
            await asyncio.to_thread(_assert_handed_over, pair)


def _assert_handed_over(pair: list[AgentProcess]) -> None:
    def leaders() -> list[AgentProcess]:
        return [agent for agent in pair if agent.process.poll() is None and _leads(agent)]

    wait_until(lambda: len(leaders()) == 1)
    (leader,) = leaders()
    (standby,) = [agent for agent in pair if agent is not leader]
    wait_until(lambda: leader.states() == {"web": "up"})
    wait_until(lambda: labelled(leader.samples(), "kube_deployment_spec_replicas", "deployment") == {"web": 1})
    assert standby.states() == {}
    assert not [sample for sample in standby.samples() if sample.name.startswith(("kube_", "probe_"))]
    assert "standing by" in standby.ask("/healthz/ready?verbose=1")[1]
    leader.process.kill()
    took = seconds_until(lambda: standby.states() == {"web": "up"})
    sys.stderr.write(f"leader killed: the other one has its checks up after {took:.2f} s" + "\n")
    assert _leads(standby)
    assert took < 2.0 + 0.3 + 5.0
    standby.signal(signal.SIGTERM)
    assert standby.wait() == 0


def test_who_has_not_read_the_lease_yet_speaks_of_no_leader(tmp_path: Path, kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    kubeconfig = observer(kubernetes, namespace)
    kubeconfig.write_text(kubeconfig.read_text().replace(kubernetes.api.url, f"https://127.0.0.1:{free_port()}"))
    settings = {
        "kubeconfig": str(kubeconfig),
        "namespaces": [namespace],
        "nodes": False,
        "election": {"namespace": namespace, "duration": "60s"},
    }
    with agents(tmp_path, 1, settings, []) as (agent,):
        wait_until(lambda: "standby" in agent.ask("/healthz/ready?verbose=1")[1])
        assert "standing by until it is known who leads" in agent.ask("/healthz/ready?verbose=1")[1]


async def test_while_nobody_can_ask_all_watch_and_what_was_known_stays(tmp_path: Path, kubernetes: Cluster) -> None:
    namespace = await asyncio.to_thread(kubernetes.namespace)
    await asyncio.to_thread(kubernetes.admin.apply, deployment(namespace, 1))
    kubeconfig = await asyncio.to_thread(observer, kubernetes, namespace)
    settings = {
        "kubeconfig": str(kubeconfig),
        "namespaces": [namespace],
        "nodes": False,
        "election": {**ELECTION, "namespace": namespace},
    }
    async with serving(answering(OK)) as server, gate(kubernetes.api.port) as between:
        server_url = kubernetes.api.url
        text = kubeconfig.read_text()
        assert server_url in text
        kubeconfig.write_text(text.replace(server_url, f"https://127.0.0.1:{between.port}"))
        checks = [check("web", "http", url=f"http://{server.address}/")]
        with agents(tmp_path, 2, settings, checks) as pair:
            leader, standby = await asyncio.to_thread(_leader_and_standby, pair)
            between.close()
            await asyncio.to_thread(_assert_both_watch, leader, standby, time.time())
            between.open()
            await asyncio.to_thread(_assert_one_watches, pair)


def _leader_and_standby(pair: list[AgentProcess]) -> tuple[AgentProcess, AgentProcess]:
    wait_until(lambda: len([agent for agent in pair if _leads(agent)]) == 1)
    leader, standby = sorted(pair, key=_leads, reverse=True)
    wait_until(lambda: leader.states() == {"web": "up"})
    wait_until(lambda: _replicas_of_web(leader) == 1)
    wait_until(lambda: "standing by" in standby.ask("/healthz/ready?verbose=1")[1])
    return leader, standby


def _replicas_of_web(agent: AgentProcess) -> float | None:
    return labelled(agent.samples(), "kube_deployment_spec_replicas", "deployment").get("web")


def _deployments_seen(agent: AgentProcess) -> float:
    times = labelled(agent.samples(), "reachd_source_last_success_timestamp_seconds", "source")
    return times["kubernetes/deployments"]


def _assert_both_watch(leader: AgentProcess, standby: AgentProcess, since: float) -> None:
    before = leader.values("probe_runs_total")["web"]
    wait_until(lambda: standby.states() == {"web": "up"})
    wait_until(lambda: not _leads(leader))
    wait_until(lambda: leader.values("probe_runs_total")["web"] > before, 20)
    assert {line["after"] for line in leader.lines("state changed")} == {"up"}
    assert _replicas_of_web(leader) == 1
    assert _deployments_seen(leader) <= since
    assert not _leads(standby)
    assert not [sample for sample in standby.samples() if sample.name.startswith("kube_")]
    wait_until(lambda: "nobody is known to lead" in standby.ask("/healthz/ready?verbose=1")[1])
    assert _in_its_role_since(standby) >= int(since)


def _in_its_role_since(agent: AgentProcess) -> float:
    [told] = re.findall(r"standby since (.*) UTC", agent.ask("/healthz/ready?verbose=1")[1])
    return datetime.fromisoformat(told).replace(tzinfo=UTC).timestamp()


def _assert_one_watches(pair: list[AgentProcess]) -> None:
    wait_until(lambda: sorted(_leads(agent) for agent in pair) == [False, True], 30)
    leader, standby = sorted(pair, key=_leads, reverse=True)
    wait_until(lambda: standby.states() == {})
    wait_until(lambda: _replicas_of_web(standby) is None and _replicas_of_web(leader) == 1)
    assert leader.states() == {"web": "up"}


def _leads(agent: AgentProcess) -> bool:
    return list(select(agent.samples(), "reachd_leading", {}).values()) == [1.0]


async def test_checks_are_spread_and_a_lost_member_loses_its_share_only(tmp_path: Path, kubernetes: Cluster) -> None:
    namespace = await asyncio.to_thread(kubernetes.namespace)
    settings = {
        "kubeconfig": str(await asyncio.to_thread(observer, kubernetes, namespace)),
        "namespaces": [namespace],
        "nodes": False,
        "workloads": False,
        "sharing": {**SHARING, "namespace": namespace},
    }
    async with serving(answering(OK)) as server:
        checks = [
            check(f"web-{number}", "http", url=f"http://{server.address}/", every="500ms", timeout="500ms")
            for number in range(60)
        ]
        checks += [
            {**it, "name": f"{it['name']}-page", "depends_on": [it["name"], other["name"]]}
            for it, other in zip(checks[:10], checks[10:20], strict=True)
        ]
        with agents(tmp_path, 5, settings, checks) as members:
            await asyncio.to_thread(_assert_spread, members, {str(each["name"]) for each in checks})


def _assert_spread(members: list[AgentProcess], names: set[str]) -> None:
    seen: list[set[str]] = []

    def spread(agents: list[AgentProcess]) -> bool:
        seen[:] = [set(agent.states()) for agent in agents]
        return set().union(*seen) == names and sum(map(len, seen)) == len(names)

    wait_until(lambda: spread(members) and all(seen), 30)
    before = list(seen)
    together = [{f"web-{number}", f"web-{number + 10}", f"web-{number}-page"} for number in range(10)]
    assert all(names <= share or not names & share for share in before for names in together)
    lost, *rest = members
    lost.process.kill()
    took = seconds_until(lambda: spread(rest), 30)
    after = list(seen)
    sys.stderr.write(
        f"a member lost: {len(before[0])} of {len(names)} checks moved, all watched again after {took:.2f} s" + "\n"
    )
    assert all(old <= new for old, new in zip(before[1:], after, strict=True))
    assert set().union(*(new - old for old, new in zip(before[1:], after, strict=True))) == before[0]
