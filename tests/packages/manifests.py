"""What kustomize and Helm make of the packages, as objects."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.servers.catalogue import BIN, find
from tests.servers.commands import run

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
KUSTOMIZATIONS = ROOT / "config" / "kubernetes"
CHART = ROOT / "charts" / "reachd"
MESHERY = Path(__file__).parent / "meshery"
"""A chart with what reachd needs of Meshery's own."""

WORKLOADS = ("Deployment", "DaemonSet")
AGENT = "reachd"
"""The name of the agent's container, in a pod of its own and in Meshery Server's."""
MONITORS = ("PodMonitor", "ServiceMonitor", "PrometheusRule")
API_VERSIONS = [f"--api-versions=monitoring.coreos.com/v1/{kind}" for kind in MONITORS]
SECONDS = 60.0


def kubectl(*arguments: str | Path, kubeconfig: Path | str = os.devnull) -> str:
    """What kubectl prints. A warning of the API server is a failure."""
    words = [_program("kubectl"), *arguments, "--warnings-as-errors"]
    return run(words, SECONDS, environment={"KUBECONFIG": str(kubeconfig)})


def helm(*arguments: str | Path, kubeconfig: Path | str = os.devnull) -> str:
    """What Helm prints. It finds the post-renderer among its plugins, and leaves nothing behind."""
    with TemporaryDirectory() as folder:
        environment = {
            "KUBECONFIG": str(kubeconfig),
            "HELM_CACHE_HOME": folder,
            "HELM_CONFIG_HOME": folder,
            "HELM_DATA_HOME": folder,
            "HELM_PLUGINS": str(KUSTOMIZATIONS),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        return run([_program("helm"), *arguments], SECONDS, environment=environment)


def overlay(folder: Path, resources: Iterable[Path], components: Iterable[str] = ()) -> Path:
    """A kustomization in `folder` of others and of components of ours, as a user would write it."""
    relative = [os.path.relpath(path, folder) for path in resources]
    chosen = [os.path.relpath(KUSTOMIZATIONS / name, folder) for name in components]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": relative,
        "components": chosen,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def kustomized(folder: Path) -> list[Json]:
    """The objects of a kustomization."""
    return objects(kubectl("kustomize", folder))


def rendered(*flags: str, chart: Path = CHART) -> list[Json]:
    """The objects of the chart where the cluster has the resources of Prometheus Operator, its test among them."""
    return objects(helm("template", "reachd", chart, "--namespace=reachd", *API_VERSIONS, *flags))


def objects(text: str) -> list[Json]:
    """The objects in a stream of YAML documents."""
    return [document for document in yaml.safe_load_all(text) if document]


def pods(manifests: Iterable[Json]) -> Iterator[Json]:
    """The pods that would come of the manifests, one for each workload."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield manifest
        if manifest["kind"] in WORKLOADS:
            name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
            template = manifest["spec"]["template"]
            metadata = {**template["metadata"], "name": name, "namespace": namespace}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def agents(pod: Json) -> list[Json]:
    """The containers of a pod in which the agent runs."""
    containers: list[Json] = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
    return [container for container in containers if container["name"] == AGENT]


def of_kind(manifests: Iterable[Json], *kinds: str) -> list[Json]:
    """The manifests of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def by_name(manifests: Iterable[Json]) -> dict[tuple[str, str, str], Json]:
    """The manifests by kind, namespace and name, each of them once."""
    named: dict[tuple[str, str, str], Json] = {}
    for manifest in manifests:
        metadata = manifest["metadata"]
        name = (manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        assert named.setdefault(name, manifest) is manifest
    return named


def configurations(manifests: Iterable[Json]) -> dict[str, dict[str, str]]:
    """The files of configuration that the ConfigMaps hold, by the ConfigMap's name."""
    maps = of_kind(manifests, "ConfigMap")
    return {each["metadata"]["name"]: each["data"] for each in maps if "reachd.yaml" in each["data"]}


def merged(files: Mapping[str, str]) -> Json:
    """Files of configuration as one, as the agent reads them."""
    whole: Json = {}
    for text in files.values():
        _merge(whole, yaml.safe_load(text))
    return whole


def _merge(whole: Json, part: Json) -> None:
    for key, value in part.items():
        if isinstance(value, dict):
            _merge(whole.setdefault(key, {}), value)
        else:
            assert key not in whole
            whole[key] = value


def selected(labels: Mapping[str, str], manifests: Sequence[Json]) -> list[Json]:
    """The pods of the manifests that have all these labels."""
    return [pod for pod in pods(manifests) if labels.items() <= pod["metadata"]["labels"].items()]


def _program(name: str) -> Path:
    program = find(name)
    assert program is not None
    return program
