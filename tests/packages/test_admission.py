"""A real API server with Pod Security `restricted` takes what the packages make, and grants what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.packages.cases import CASES, Case, with_sidecar
from tests.packages.manifests import (
    AGENT,
    CHART,
    MONITORS,
    Json,
    by_name,
    helm,
    kubectl,
    objects,
    of_kind,
    pods,
)
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import Cluster, cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.servers("etcd", "kube-apiserver", "kubectl", "helm"),
]

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def restricted() -> Iterator[Cluster]:
    """A cluster of its own, since the manifests name their namespaces."""
    with cluster() as running:
        for kind in MONITORS:
            running.admin.apply(custom_resource(kind, "monitoring.coreos.com", "v1"))
        for name in ("reachd", "meshery", "edge"):
            metadata = {"name": name, "labels": RESTRICTED}
            running.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            running.service_account("default", name)
        yield running


def applied(kubernetes: Cluster, manifests: Path, *flags: str) -> list[Json]:
    """What the API server makes of a kustomization or a file. A warning is a failure, and so is an unknown field."""
    what = f"--kustomize={manifests}" if manifests.is_dir() else f"--filename={manifests}"
    kubeconfig = kubernetes.kubeconfig(namespace="meshery")
    text = kubectl("apply", "--server-side", what, "--output=yaml", *flags, kubeconfig=kubeconfig)
    return [item for document in objects(text) for item in document.get("items", [document])]


def admitted(kubernetes: Cluster, pod: Json) -> Json:
    """The pod as the API server takes it, since it only warns of what is wrong with the template of a workload."""
    thing = {**pod, "metadata": {**pod["metadata"], "name": f"{pod['metadata']['name']}-0"}}
    return kubernetes.admin.create(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods?dryRun=All", thing)


def holders_of_a_token(pod: Json) -> set[str]:
    """The containers to which Kubernetes gives a token of the pod's service account."""
    tokens = {volume["name"] for volume in pod["spec"]["volumes"] if "projected" in volume}
    return {
        container["name"]
        for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
        for mount in container.get("volumeMounts", [])
        if mount["name"] in tokens and mount["mountPath"] == TOKEN
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kustomizations_are_admitted(case: Case, restricted: Cluster, tmp_path: Path) -> None:
    folder = case.overlay(tmp_path)
    applied(restricted, folder, "--dry-run=server")
    made = applied(restricted, folder, "--force-conflicts")
    assert list(pods(made))
    for pod in pods(made):
        taken = admitted(restricted, pod)
        assert holders_of_a_token(taken) == ({AGENT} if pod["spec"]["automountServiceAccountToken"] else set())


def test_the_sidecar_is_admitted_and_does_not_get_the_servers_token(restricted: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "meshery.yaml"
    file.write_text(yaml.safe_dump_all(with_sidecar()))
    [pod] = pods(applied(restricted, file))
    assert holders_of_a_token(admitted(restricted, pod)) == {"meshery"}


def test_the_chart_is_installed_upgraded_and_removed(restricted: Cluster) -> None:
    kubeconfig = restricted.kubeconfig(namespace="edge")
    everything = [
        f"--set={mode}.enabled=true"
        for mode in ("daemonset", "deployment", "networkPolicy", "podMonitor", "serviceMonitor")
    ]
    helm("install", "edge", CHART, "--namespace=edge", kubeconfig=kubeconfig)
    first = objects(helm("get", "manifest", "edge", "--namespace=edge", kubeconfig=kubeconfig))
    flags = [*everything, "--set=deployment.replicas=3,observer.nodes=true"]
    helm("upgrade", "edge", CHART, "--namespace=edge", *flags, kubeconfig=kubeconfig)
    manifests = objects(helm("get", "manifest", "edge", "--namespace=edge", kubeconfig=kubeconfig))
    assert by_name(first).keys() < by_name(manifests).keys()
    hooks = objects(helm("get", "hooks", "edge", "--namespace=edge", kubeconfig=kubeconfig))
    found = [restricted.admin.get(restricted.admin.path_of(manifest)) for manifest in manifests]
    for pod in [*pods(of_kind(found, "Deployment", "DaemonSet")), *pods(hooks)]:
        admitted(restricted, pod)
    helm("uninstall", "edge", "--namespace=edge", kubeconfig=kubeconfig)
