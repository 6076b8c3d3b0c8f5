"""What checkov finds in the manifests is argued where it is: a comment names the check."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.packages.cases import CASES, by_helm, with_sidecar
from tests.packages.manifests import CHART, KUSTOMIZATIONS, Json, agents, kustomized, pods
from tests.packages.test_manifests import BUILT
from tests.servers.catalogue import find
from tests.servers.commands import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.servers("kubectl", "helm", "checkov")]

SECONDS = 240.0
CHECK = re.compile(r"CKV2?_K8S_\d+")


def argued() -> set[str]:
    """The checks that comments of the packages name."""
    files = [file for folder in (KUSTOMIZATIONS, CHART) for file in folder.rglob("*") if file.is_file()]
    return {check for file in files for check in CHECK.findall(file.read_text())}


def failed(folder: Path) -> dict[str, list[str]]:
    """What checkov finds in the manifests of a folder, without asking anybody: objects by check."""
    checkov = find("checkov")
    assert checkov is not None
    said = run(
        [
            str(checkov),
            f"--directory={folder}",
            "--framework=kubernetes",
            "--skip-download",
            "--soft-fail",
            "--output=json",
        ],
        SECONDS,
    )
    found: dict[str, list[str]] = {}
    report: Json = json.loads(said)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0
    for check in report["results"]["failed_checks"]:
        found.setdefault(check["check_id"], []).append(f"{Path(check['file_path']).stem}: {check['resource']}")
    return found


def of_sidecar() -> list[Json]:
    """What the component adds to Meshery's own objects; its container in a pod of which Meshery decides."""
    manifests = with_sidecar()
    [pod] = pods(manifests)
    own = [manifest for manifest in manifests if manifest["metadata"]["name"] == "meshery-reachd"]
    assert {manifest["kind"] for manifest in own} == {"ConfigMap", "Service"}
    spec = {"automountServiceAccountToken": False, "securityContext": {"runAsNonRoot": True}, "containers": agents(pod)}
    return [
        *own,
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sidecar", "namespace": "meshery"}, "spec": spec},
    ]


def test_each_finding_of_checkov_is_argued_and_each_argument_is_about_one(tmp_path: Path) -> None:
    manifests = {f"kustomize-{str(folder.relative_to(KUSTOMIZATIONS)).replace('/', '-')}": folder for folder in BUILT}
    for name, folder in manifests.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(kustomized(folder)))
    (tmp_path / "sidecar.yaml").write_text(yaml.safe_dump_all(of_sidecar()))
    for case in CASES:
        (tmp_path / f"chart-{case}.yaml").write_text(yaml.safe_dump_all(by_helm(case)))
    found = failed(tmp_path)
    assert {check: found[check] for check in found.keys() - argued()} == {}
    assert argued() - found.keys() == set()
