"""What docs/installing.md shows works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.packages.cases import meshery, with_sidecar
from tests.packages.manifests import ROOT, Json, agents, by_name, kustomized, of_kind, pods, rendered

pytestmark = [pytest.mark.slow, pytest.mark.servers("kubectl", "helm")]

BLOCKS: list[Json] = [
    yaml.safe_load(block)
    for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "installing.md").read_text(), re.DOTALL)
]


def blocks(key: str) -> list[Json]:
    """The blocks that have this key; there is at least one."""
    found = [block for block in BLOCKS if key in block]
    assert found
    return found


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of a user's own, beside a clone of the repository."""
    (tmp_path / "reachd").symlink_to(ROOT)
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def test_the_overlay(mine: Path) -> None:
    [overlay] = blocks("configMapGenerator")
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    (mine / "reachd.yaml").write_text("vantage: [node]\n")
    manifests = kustomized(mine)
    assert len(list(pods(manifests))) == 2
    for pod in pods(manifests):
        assert agents(pod)[0]["image"] == "registry.example.com/reachd:0.1.0"
    maps = of_kind(manifests, "ConfigMap")
    changed = [each for each in maps if each["data"].get("reachd.yaml") == "vantage: [node]\n"]
    assert [each["metadata"]["name"][: len("reachd-node")] for each in changed] == ["reachd-node"]
    assert all("state_file" in each["data"]["agent.yaml"] for each in changed)


def test_the_component_of_the_sidecar(mine: Path) -> None:
    [component] = [block for block in blocks("components") if "resources" not in block]
    (mine / "meshery.yaml").write_text(yaml.safe_dump_all(meshery()))
    (mine / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["meshery.yaml"], **component}))
    assert by_name(kustomized(mine)) == by_name(with_sidecar())


@pytest.mark.parametrize("values", blocks("daemonset"), ids="-".join)
def test_the_values(values: Json, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    assert list(pods(rendered(f"--values={file}")))


def test_the_policy_of_the_values_leads_to_what_the_observer_watches(tmp_path: Path) -> None:
    [values] = blocks("observer")
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    [policy] = of_kind(rendered(f"--values={file}"), "NetworkPolicy")
    peers = [
        peer["namespaceSelector"]["matchLabels"] for rule in policy["spec"]["egress"] for peer in rule.get("to", [])
    ]
    assert {labels["kubernetes.io/metadata.name"] for labels in peers} == set(values["observer"]["namespaces"])


def test_the_services_to_scrape() -> None:
    [scrape] = blocks("scrape_configs")
    [names] = [each["names"] for config in scrape["scrape_configs"] for each in config["dns_sd_configs"]]
    services = of_kind([*rendered("--set=daemonset.enabled=true"), *with_sidecar()], "Service")
    known = {f"{each['metadata']['name']}.{each['metadata'].get('namespace', 'meshery')}.svc" for each in services}
    assert set(names) <= known
