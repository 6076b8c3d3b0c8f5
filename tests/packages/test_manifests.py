"""The manifests that kustomize and Helm make: valid, equal, hardened, and with selectors that fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from agent.core.version import VERSION
from tests.packages.cases import CASES, EVERYTHING, IN_PIECES, WHOLE, Case, by_both, by_helm, by_kustomize
from tests.packages.manifests import (
    KUSTOMIZATIONS,
    MONITORS,
    WORKLOADS,
    Json,
    agents,
    by_name,
    configurations,
    kustomized,
    merged,
    of_kind,
    pods,
    selected,
)
from tests.servers.catalogue import KUBERNETES

pytestmark = [pytest.mark.slow, pytest.mark.servers("kubectl", "helm")]

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=str)
RELEASE = KUBERNETES.removeprefix("v").rpartition(".")[0]
LABELS_OF_A_RELEASE = ("app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart")
HELM_TEST = "reachd-test"
BUILT = sorted(
    file.parent for file in KUSTOMIZATIONS.rglob("kustomization.yaml") if "kind: Component" not in file.read_text()
)


@pytest.mark.parametrize("folder", BUILT, ids=lambda folder: str(folder.relative_to(KUSTOMIZATIONS)))
def test_every_kustomization_builds(folder: Path) -> None:
    assert kustomized(folder)


@EVERY_CASE
def test_an_overlay_says_what_each_agent_watches(case: Case, tmp_path: Path) -> None:
    own = {name: f"vantage: [client] # {name}\n" for name in without_hashes(list(configurations(by_kustomize(case))))}
    generators = [
        {"name": name, "namespace": "reachd", "behavior": "merge", "literals": [f"reachd.yaml={text}"]}
        for name, text in own.items()
    ]
    file = case.overlay(tmp_path) / "kustomization.yaml"
    file.write_text(file.read_text() + yaml.safe_dump({"configMapGenerator": generators}))
    made = configurations(kustomized(tmp_path))
    assert {without_hashes(name): files["reachd.yaml"] for name, files in made.items()} == own


@EVERY_CASE
def test_the_schemas_of_kubernetes_allow_it(case: Case) -> None:
    for manifests in by_both(case):
        for manifest in manifests:
            if manifest["kind"] not in MONITORS:
                kubernetes_validate.validate(manifest, RELEASE, strict=True)


@EVERY_CASE
def test_the_chart_makes_the_same_as_kustomize(case: Case) -> None:
    assert plainly(by_helm(case)) == plainly(by_kustomize(case))


def plainly(manifests: Iterable[Json]) -> dict[tuple[str, str, str], Json]:
    """The manifests by name, without what only one of the tools puts into them.

    The Namespace is the one thing that only kustomize makes: Helm has --create-namespace.
    """
    return by_name(
        plain(manifest)
        for manifest in manifests
        if manifest["kind"] != "Namespace" and manifest["metadata"]["name"] != HELM_TEST
    )


def plain(manifest: Json) -> Json:
    thing: Json = without_hashes(manifest)
    drop(thing["metadata"].get("labels", {}), LABELS_OF_A_RELEASE)
    match thing["kind"]:
        case "Deployment" | "DaemonSet":
            template = thing["spec"]["template"]["metadata"]
            drop(template["labels"], LABELS_OF_A_RELEASE)
            drop(template, ["annotations"])  # the checksum, where kustomize renames the ConfigMap
        case "ConfigMap" if "reachd.yaml" in thing["data"]:
            thing["data"] = merged(thing["data"])
        case "NetworkPolicy":
            rules = thing["spec"]["ingress"]
            thing["spec"]["ingress"] = [rule for rule in rules if HELM_TEST not in str(rule)]
    return thing


def without_hashes(value: Any) -> Any:
    """A copy with the names of ConfigMaps as they are written in the sources."""
    if isinstance(value, dict):
        return {key: without_hashes(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_hashes(each) for each in value]
    return re.sub(r"^(reachd(?:-[a-z]+)?)-[2456789bcdfghkmt]{10}$", r"\1", value) if isinstance(value, str) else value


def drop(mapping: Json, keys: Iterable[str]) -> None:
    for key in keys:
        mapping.pop(key, None)


@EVERY_CASE
def test_pods_are_hardened(case: Case) -> None:
    for manifests in by_both(case):
        assert list(pods(manifests))
        for pod in pods(manifests):
            spec = pod["spec"]
            [container] = spec["containers"]
            assert spec["securityContext"] | container["securityContext"] == {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["image"] == f"reachd:{VERSION}"
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert container["resources"]["limits"].keys() == {"memory"}
            assert spec.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC"})


@EVERY_CASE
def test_agents_of_their_own_are_probed(case: Case) -> None:
    for manifests in by_both(case):
        for agent in [agent for pod in pods(manifests) for agent in agents(pod)]:
            assert agent["livenessProbe"]["httpGet"] == {"path": "/healthz/live", "port": "http"}
            assert agent["readinessProbe"]["httpGet"] == {"path": "/healthz/ready", "port": "http"}
            assert agent["ports"] == [{"name": "http", "containerPort": 9886}]


@EVERY_CASE
def test_only_agents_that_speak_with_the_kubernetes_api_have_a_token(case: Case) -> None:
    for manifests in by_both(case):
        assert not any(each["automountServiceAccountToken"] for each in of_kind(manifests, "ServiceAccount"))
        files = configurations(manifests)
        for pod in pods(manifests):
            maps = [volume["configMap"]["name"] for volume in pod["spec"].get("volumes", []) if "configMap" in volume]
            speaks = any("kubernetes" in merged(files[name]) for name in maps)
            assert pod["spec"]["automountServiceAccountToken"] is speaks


@EVERY_CASE
def test_selectors_find_the_pods_of_one_workload(case: Case) -> None:
    for manifests in by_both(case):
        for service in of_kind(manifests, "Service"):
            assert len(selected(service["spec"]["selector"], manifests)) == 1
        for manifest in of_kind(manifests, *WORKLOADS, "PodDisruptionBudget"):
            [pod] = selected(manifest["spec"]["selector"]["matchLabels"], manifests)
            for constraint in pod["spec"].get("topologySpreadConstraints", []):
                assert selected(constraint["labelSelector"]["matchLabels"], manifests) == [pod]


@EVERY_CASE
def test_what_has_several_replicas_has_a_disruption_budget_and_is_spread(case: Case) -> None:
    for manifests in by_both(case):
        several = [each for each in of_kind(manifests, "Deployment") if each["spec"]["replicas"] > 1]
        names = [each["metadata"]["name"] for each in several]
        budgets = of_kind(manifests, "PodDisruptionBudget")
        assert [each["metadata"]["name"] for each in budgets] == names
        assert all(each["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow" for each in budgets)
        assert all("topologySpreadConstraints" in pod["spec"] for pod in pods(several))


def test_policies_and_monitors_find_all_agents() -> None:
    for manifests in by_both(EVERYTHING):
        all_agents = [pod for pod in pods(manifests) if agents(pod)]
        services = of_kind(manifests, "Service")
        assert len(all_agents) == len(services) == 3
        [policy] = of_kind(manifests, "NetworkPolicy")
        assert selected(policy["spec"]["podSelector"]["matchLabels"], manifests) == all_agents
        names = {(port["protocol"], port["port"]) for port in policy["spec"]["egress"][0]["ports"]}
        assert names == {(protocol, port) for protocol in ("UDP", "TCP") for port in (53, 5353)}
        [monitor] = of_kind(manifests, "PodMonitor")
        assert selected(monitor["spec"]["selector"]["matchLabels"], manifests) == all_agents
        [endpoint] = monitor["spec"]["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["honorLabels"]) == ("http", True)
        [monitor] = of_kind(manifests, "ServiceMonitor")
        labels = monitor["spec"]["selector"]["matchLabels"]
        assert all(labels.items() <= service["metadata"]["labels"].items() for service in services)
        [endpoint] = monitor["spec"]["endpoints"]
        assert (endpoint["port"], endpoint["honorLabels"]) == ("http", True)
        assert all(service["spec"]["ports"][0]["name"] == "http" for service in services)


@EVERY_CASE
def test_the_role_names_the_lease_of_the_configuration(case: Case) -> None:
    for manifests in by_both(case):
        roles = of_kind(manifests, "Role", "ClusterRole")
        named = {name for role in roles for rule in role["rules"] for name in rule.get("resourceNames", [])}
        kubernetes = [merged(files).get("kubernetes", {}) for files in configurations(manifests).values()]
        assert named == {each["election"]["name"] for each in kubernetes if "election" in each}


@EVERY_CASE
def test_the_observer_may_read_in_the_namespaces_that_it_watches(case: Case) -> None:
    for manifests in by_both(case):
        kubernetes = [merged(files).get("kubernetes", {}) for files in configurations(manifests).values()]
        watched = {name for each in kubernetes for name in each.get("namespaces", [])}
        roles = [each for each in of_kind(manifests, "Role") if each["metadata"]["name"].endswith("-watched")]
        assert {role["metadata"]["namespace"] for role in roles} == watched


@EVERY_CASE
def test_roles_are_narrow(case: Case) -> None:
    for manifests in by_both(case):
        for role in of_kind(manifests, "Role", "ClusterRole"):
            for rule in role["rules"]:
                assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
                assert {"secrets", "configmaps"}.isdisjoint(rule["resources"])
                if role["metadata"].get("namespace") != "reachd":
                    assert set(rule["verbs"]) <= {"get", "list", "watch"}


@EVERY_CASE
def test_nothing_but_nodes_takes_a_cluster_role(case: Case) -> None:
    for manifests in by_both(case):
        roles = of_kind(manifests, "ClusterRole")
        assert {resource for role in roles for rule in role["rules"] for resource in rule["resources"]} == (
            {"nodes"} if case in (WHOLE, IN_PIECES) else set()
        )
