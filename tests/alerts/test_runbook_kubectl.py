"""Every kubectl command of the runbooks works on a real API server that has Meshery's objects and reachd's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.runbooks import ROOT, WRITTEN, commands, text_of
from tests.packages.manifests import KUSTOMIZATIONS, kustomized
from tests.servers.catalogue import find
from tests.servers.commands import CommandError, run
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.servers("etcd", "kube-apiserver", "kubectl")]

_KINDS = {
    ("meshery.io", "v1alpha1"): ("Broker", "MeshSync"),
    ("cert-manager.io", "v1"): ("Certificate", "CertificateRequest"),
    ("acme.cert-manager.io", "v1"): ("Order", "Challenge"),
    ("monitoring.coreos.com", "v1"): ("PodMonitor", "ServiceMonitor"),
}
_VALUES = {
    "CONTAINER": "container",
    "HOST": "meshery.example.com",
    "NAMESPACE": "meshery",
    "NAME": "istio",
    "NODE": "node",
    "N": "2",
    "POD": "pod",
    "SERVICE": "meshery",
    "WORKLOAD": "meshery",
}
_NEEDS_KUBELET_OR_HISTORY = ("logs", "exec", "port-forward", "top", "undo", "status")
"""What a cluster without nodes, metrics and controllers cannot do: of these the words are checked, and nothing done."""
_CHANGES = ("delete", "cordon", "drain", "scale", "set")


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with cluster() as running:
        for (group, version), kinds in _KINDS.items():
            for kind in kinds:
                running.admin.apply(custom_resource(kind, group, version))
        for namespace in ("meshery", "reachd"):
            running.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            running.service_account("default", namespace)
        objects: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "meshery.yaml").read_text())
        pod = next(thing for thing in objects if thing["metadata"]["name"] == "pod")
        of_the_agent = {**pod, "metadata": {"name": "pod", "namespace": "reachd"}}
        agents = [thing for thing in kustomized(KUSTOMIZATIONS) if thing["kind"] != "Namespace"]  # with Pod Security
        for thing in [*agents, *objects, of_the_agent]:
            running.admin.apply(thing)
        yield running.kubeconfig()


def test_every_kubectl_command_works(kubeconfig: Path) -> None:
    program = find("kubectl")
    assert program is not None
    environment = {"KUBECONFIG": str(kubeconfig), "KUBE_EDITOR": "true"}

    def problem(words: Sequence[str]) -> str:
        try:
            run([program, *words], 60.0, cwd=ROOT, environment=environment)
        except CommandError as error:
            return f"{' '.join(words)}: {error}"
        return ""

    with ThreadPoolExecutor(2) as pool:
        assert [found for found in pool.map(problem, _shown()) if found] == []


def _shown() -> list[tuple[str, ...]]:
    """What stands behind `kubectl` on all pages, as this cluster can run it, and once for each set of options."""
    found = [words for page in WRITTEN for words in commands(text_of(page))]
    shown = {_runnable([_filled(word) for word in words[1:]]) for words in found if words[0] == "kubectl" and words[2:]}
    by_effect = {_options(words) if "--help" in words else words: words for words in sorted(shown)}
    return list(by_effect.values())


def _options(words: Sequence[str]) -> tuple[str, ...]:
    """The command and its options, without values and subjects."""
    return tuple(word.partition("=")[0] for word in words if word.startswith("-") or word in _NEEDS_KUBELET_OR_HISTORY)


def _filled(word: str) -> str:
    return re.sub(rf"\b({'|'.join(_VALUES)})\b", lambda found: _VALUES[found[0]], word)


def _runnable(words: Sequence[str]) -> tuple[str, ...]:
    if set(words) & set(_NEEDS_KUBELET_OR_HISTORY):
        end = words.index("--") if "--" in words else len(words)
        return (*words[:end], "--help")
    return (*words, *(["--dry-run=server"] if set(words) & set(_CHANGES) else []))
