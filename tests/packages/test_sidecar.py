"""The agent in Meshery Server's pod: it must never stand in the Server's way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.packages.cases import meshery, with_sidecar
from tests.packages.manifests import (
    KUSTOMIZATIONS,
    Json,
    agents,
    by_name,
    kustomized,
    of_kind,
    overlay,
    pods,
    selected,
)
from tests.servers.commands import CommandError

pytestmark = [pytest.mark.slow, pytest.mark.servers("kubectl", "helm")]

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def manifests() -> list[Json]:
    return with_sidecar()


@pytest.fixture(scope="module")
def pod(manifests: list[Json]) -> Json:
    [only] = pods(manifests)
    return only


@pytest.fixture(scope="module")
def sidecar(pod: Json) -> Json:
    [only] = agents(pod)
    return only


def test_it_cannot_keep_the_server_out_of_its_service(pod: Json, sidecar: Json) -> None:
    assert sidecar in pod["spec"]["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["livenessProbe"]["httpGet"] == {"path": "/healthz/live", "port": "reachd"}
    assert "readinessProbe" not in sidecar, "it would take the Server out of its Service"
    assert "startupProbe" not in sidecar, "the Server would not start before it succeeds"
    assert "readinessProbe" in pod["spec"]["containers"][0], "the Server's own stays"


def test_it_is_the_agent_as_it_is_elsewhere(sidecar: Json) -> None:
    [own] = pods(kustomized(KUSTOMIZATIONS / "deployment"))
    [agent] = agents(own)
    for key in ("image", "imagePullPolicy", "args", "resources"):
        assert sidecar[key] == agent[key]
    assert sidecar["securityContext"] == own["spec"]["securityContext"] | agent["securityContext"]
    paths = {mount["mountPath"] for mount in sidecar["volumeMounts"]}
    assert paths == {mount["mountPath"] for mount in agent["volumeMounts"]} | {TOKEN}


def test_its_service_leads_to_it(manifests: list[Json], pod: Json, sidecar: Json) -> None:
    [service] = [each for each in of_kind(manifests, "Service") if each["metadata"]["name"] == "meshery-reachd"]
    assert selected(service["spec"]["selector"], manifests) == [pod]
    assert service["spec"]["ports"][0]["targetPort"] == sidecar["ports"][0]["containerPort"], "by its number"


def test_it_changes_nothing_else() -> None:
    before, after = by_name(meshery()), by_name(with_sidecar())
    assert after.keys() - before.keys() == {("ConfigMap", "", "meshery-reachd"), ("Service", "", "meshery-reachd")}
    for pod in pods(after.values()):
        del pod["spec"]["initContainers"], pod["spec"]["volumes"]
    assert {name: after[name] for name in before} == before


def test_kustomize_alone_makes_the_same(tmp_path: Path, manifests: list[Json]) -> None:
    (tmp_path / "meshery.yaml").write_text(yaml.safe_dump_all(meshery()))
    made = kustomized(overlay(tmp_path, [tmp_path / "meshery.yaml"], ["sidecar"]))
    assert by_name(made) == by_name(manifests)


def test_a_component_of_the_users_own_may_add_to_it(tmp_path: Path) -> None:
    shutil.copytree(KUSTOMIZATIONS / "sidecar", tmp_path / "mine")
    (tmp_path / "mine" / "reachd.yaml").write_text("checks: []\n")
    own = meshery("--post-renderer=reachd-sidecar", f"--post-renderer-args={tmp_path / 'mine'}")
    [files] = [each["data"] for each in of_kind(own, "ConfigMap")]
    assert files["reachd.yaml"] == "checks: []\n"


def test_without_the_server_there_is_nothing_to_put_it_into() -> None:
    with pytest.raises(CommandError, match="post-renderer"):
        meshery("--post-renderer=reachd-sidecar", "--set=server=false")
