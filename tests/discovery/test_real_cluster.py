"""Discovery against a real API server, with the rights of a Role in one namespace and no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from agent.__main__ import main
from agent.core.outcome import Verdict
from agent.discovery.kubernetes import snapshot_of
from agent.discovery.survey import Survey
from agent.probes._door import run_probe
from agent.probes._network import Network
from agent.probes.kube_api import KubeApiSettings
from tests.agent.support import agent_process
from tests.discovery.cluster_objects import annotated, ingress, labelled, service, workload
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import Cluster
from tests.servers.kubernetes_api import ApiError, Json
from tests.servers.process import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.servers("etcd", "kube-apiserver")]

RBAC = "rbac.authorization.k8s.io"
LISTS = {
    "": ["services"],
    "networking.k8s.io": ["ingresses"],
    "apps": ["deployments"],
    "meshery.io": ["brokers", "meshsyncs"],
}


def allow_lists(kubernetes: Cluster, namespace: str, *groups: str) -> None:
    """Lets the default service account of a namespace list what discovery looks at, in that namespace."""
    metadata = {"name": "reachd", "namespace": namespace}
    rules = [{"apiGroups": [group], "resources": LISTS[group], "verbs": ["list"]} for group in groups]
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    role = {"apiGroup": RBAC, "kind": "Role", "name": "reachd"}
    kubernetes.admin.apply({"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules})
    kubernetes.admin.apply(
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [subject],
        }
    )


def deployment_of(namespace: str, **environment: str) -> Json:
    """A Deployment of Meshery Server that an API server takes."""
    thing = workload(namespace, "meshery", **environment)
    template: Json = thing["spec"]["template"]  # type: ignore[index]
    template["metadata"] = {"labels": labelled("meshery")}
    template["spec"]["containers"][0]["image"] = "registry.test/meshery"
    return {**thing, "spec": {"selector": {"matchLabels": labelled("meshery")}, "template": template}}


def install_meshery(kubernetes: Cluster, namespace: str) -> None:
    """What the charts and the Operator leave in a namespace, without a pod."""
    for found in (
        service(namespace, "meshery", "http:9081", labels=labelled("meshery")),
        service(namespace, "meshery-istio", "http:10000", labels=labelled("meshery-istio")),
        service(namespace, "meshery-nats-headless", "nats:4222", clusterIP="None"),
        annotated(namespace, "cart", 80, path="/healthz", kind="healthz"),
        annotated(namespace, "bad", 80, kind="htp"),
    ):
        kubernetes.admin.apply({"apiVersion": "v1", "kind": "Service", **found})
    way_in = ingress(namespace, "meshery", "meshery.example.com", "meshery")
    kubernetes.admin.apply({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", **way_in})
    server = deployment_of(namespace, PROVIDER_BASE_URLS="https://cloud.meshery.io")
    kubernetes.admin.apply({"apiVersion": "apps/v1", "kind": "Deployment", **server})
    for kind, plural in (("Broker", "brokers"), ("MeshSync", "meshsyncs")):
        kubernetes.admin.apply(custom_resource(kind, "meshery.io", "v1alpha1", plural))
    metadata = {"name": "meshery-broker", "namespace": namespace}
    broker = {"apiVersion": "meshery.io/v1alpha1", "kind": "Broker", "metadata": metadata, "spec": {"size": 1}}

    def taken() -> bool:
        try:
            kubernetes.admin.apply(broker)
        except (ApiError, StopIteration):
            return False  # the definition is not served yet
        return True

    wait_until(taken, 30.0, "the Broker resource")


def test_init_writes_what_a_real_cluster_holds(
    kubernetes: Cluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    namespace, file = kubernetes.namespace(), tmp_path / "reachd.yaml"
    install_meshery(kubernetes, namespace)
    account = kubernetes.kubeconfig(kubernetes.token("default", namespace))
    init = ["init", "--kubeconfig", str(account), "--namespace", namespace]
    assert main(init) == 1
    problem = capfd.readouterr().err
    assert f"the API server does not let it list services in the namespace {namespace} (403)" in problem
    allow_lists(kubernetes, namespace, "")
    assert main(init) == 0
    out = capfd.readouterr().out
    assert (
        f"# Not everything was looked at: the API server does not let it list ingresses in the namespace {namespace}"
        in out
    )
    allow_lists(kubernetes, namespace, *LISTS)
    assert main([*init, "--output", str(file)]) == 0
    assert main(["validate", str(file)]) == 0
    host = f"{namespace}.svc"
    assert yaml.safe_load(file.read_text())["deployments"] == [
        {
            "name": namespace,
            "profile": "meshery",
            "namespace": namespace,
            "server": f"http://meshery.{host}:9081",
            "external_url": "https://meshery.example.com",
            "broker": {"address": f"meshery-nats.{host}:4222", "monitor": f"http://meshery-nats.{host}:8222"},
            "provider": "https://cloud.meshery.io",
            "adapters": {"istio": f"meshery-istio.{host}:10000"},
            "clusters": [{"name": "current", "kubeconfig": str(account)}],
        }
    ]
    assert "Not everything" not in file.read_text()
    assert main(["init", "--kubeconfig", str(account)]) == 1
    assert "does not let it list services in all namespaces (403)" in capfd.readouterr().err


def test_annotated_services_of_a_real_cluster_are_found(kubernetes: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.discovery.survey._PAGE", 2)  # five Services come in three pages
    namespace = kubernetes.namespace()
    install_meshery(kubernetes, namespace)
    allow_lists(kubernetes, namespace, *LISTS)
    kubeconfig = kubernetes.kubeconfig(kubernetes.token("default", namespace))
    settings = KubeApiSettings.model_validate({"kind": "kube_api", "kubeconfig": kubeconfig})

    async def surveyed() -> Survey:
        survey = Survey(settings, Network(), namespace)
        outcome = await run_probe(survey, 30.0)
        assert outcome.verdict is Verdict.UP, outcome
        return survey

    survey = asyncio.run(surveyed())
    assert survey.remarks == []
    found = snapshot_of(survey.objects)
    assert [check.name for check in found.checks] == [f"{namespace}--cart"]
    assert found.checks[0].probe.target() == f"http://cart.{namespace}.svc:80/healthz"
    assert len(found.deployments) == 1
    (problem,) = found.problems
    assert problem.startswith(f"Service {namespace}/bad: unknown kind of check for a Service 'htp'")


@pytest.mark.servers("kube-controller-manager")
def test_a_headless_service_is_asked_where_its_pods_listen(kubernetes: Cluster, tmp_path: Path) -> None:
    namespace = kubernetes.namespace()
    spec = {"clusterIP": "None", "selector": labelled("cart"), "ports": [{"port": 80, "targetPort": "http"}]}
    asking = annotated(namespace, "cart", spec=spec)
    kubernetes.admin.apply({"apiVersion": "v1", "kind": "Service", **asking})
    container = {"name": "cart", "image": "registry.test/cart", "ports": [{"name": "http", "containerPort": 8080}]}
    pod: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cart", "namespace": namespace}}
    pod["metadata"]["labels"] = labelled("cart")
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-of-{namespace}"}}
    kubernetes.admin.apply(node)
    kubernetes.admin.apply({**pod, "spec": {"nodeName": f"node-of-{namespace}", "containers": [container]}})
    status = {"phase": "Running", "podIP": "10.9.8.7", "podIPs": [{"ip": "10.9.8.7"}]}
    kubernetes.admin.apply({**pod, "status": status}, "status")
    settings = {
        "kubeconfig": str(kubernetes.kubeconfig()),
        "namespaces": [namespace],
        "discovery": True,
        "nodes": False,
        "workloads": False,
    }
    with kubernetes.controllers("endpointslice-controller"), agent_process(tmp_path, {"kubernetes": settings}) as agent:

        def targets() -> set[str]:
            infos = [sample for sample in agent.samples() if sample.name == "probe_target_info"]
            return {sample.labels["target"] for sample in infos}

        wait_until(lambda: targets() == {f"http://cart.{namespace}.svc:8080/"}, 60.0, "the port of the pod")
    kubernetes.admin.delete(f"/api/v1/nodes/node-of-{namespace}")
