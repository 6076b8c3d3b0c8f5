"""The configurations that the packages bring along: valid, and let through by the NetworkPolicy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.core.check import Vantage
from agent.discovery.meshery import installations
from agent.discovery.objects import Objects
from agent.profiles.network_policy import network_policies
from agent.settings.load import load
from agent.settings.model import Configuration
from agent.settings.plan import plan
from agent.settings.warnings import warnings
from tests.discovery.cluster_objects import service
from tests.packages.cases import CASES, EVERYTHING, WHOLE, by_both, with_sidecar
from tests.packages.manifests import Json, configurations, merged, of_kind

pytestmark = [pytest.mark.slow, pytest.mark.servers("kubectl", "helm")]

PORT = 9886


def read(files: dict[str, str], folder: Path) -> Configuration:
    """The configuration as an agent reads it that finds the ConfigMap's files in `folder`."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return load([folder], {})


def assert_nothing_to_say_of(configuration: Configuration) -> None:
    """Only that the directory of the state file, which a volume of the pod makes, is not on this machine."""
    assert configuration.state_file == Path("/var/lib/reachd/state.json")
    assert {warning.path for warning in warnings(configuration)} <= {"state_file"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_configuration_is_valid(case: Any, tmp_path: Path) -> None:
    for tool, manifests in zip(("kustomize", "helm"), by_both(case), strict=True):
        for name, files in configurations(manifests).items():
            folder = tmp_path / tool / name
            folder.mkdir(parents=True)
            assert_nothing_to_say_of(read(files, folder))


def test_all_agents_call_meshery_by_the_name_that_discovery_gives_it() -> None:
    """Alerts and dashboards tell installations apart by that name: with two, one outage pages twice."""
    [found] = installations(Objects(services={"uid": service("meshery", "meshery-nats", 4222)}))
    for manifests in (*by_both(WHOLE), *by_both(EVERYTHING), with_sidecar()):
        for files in configurations(manifests).values():
            names = {each["name"] for each in merged(files).get("deployments", [])}
            assert names <= {found.settings["name"]}


@pytest.mark.parametrize(
    ("name", "vantage"),
    [("reachd-deployment", Vantage.OPERATIONS), ("reachd-node", Vantage.NODE)],
)
def test_an_agent_watches_meshery_from_its_vantage(name: str, vantage: Vantage, tmp_path: Path) -> None:
    _, manifests = by_both(EVERYTHING)
    configuration = read(configurations(manifests)[name], tmp_path)
    assert {check.vantage for check in plan(configuration).checks} == {vantage}


def test_the_sidecar_watches_from_beside_the_server(tmp_path: Path) -> None:
    [files] = configurations(with_sidecar()).values()
    configuration = read(files, tmp_path)
    assert_nothing_to_say_of(configuration)
    found = {check.name: check for check in plan(configuration).checks}
    assert {check.vantage for check in found.values()} == {Vantage.SERVER}
    assert found["server-live"].target.startswith("http://localhost:8080/")
    assert {"broker-client", "provider"} <= found.keys()


@pytest.mark.parametrize("name", ["reachd-deployment", "reachd-node"])
def test_the_network_policy_lets_through_what_the_plan_needs(name: str, tmp_path: Path) -> None:
    _, manifests = by_both(EVERYTHING)
    [shipped] = of_kind(manifests, "NetworkPolicy")
    configuration = read(configurations(manifests)[name], tmp_path)
    needed = network_policies(plan(configuration), configuration.deployments, PORT)
    labels = next(pod["metadata"]["labels"] for pod in of_agents(manifests, name))
    applicable = [
        policy
        for policy in yaml.safe_load_all(needed)
        if policy and policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ]
    assert applicable
    for policy in applicable:
        for rule in policy["spec"]["egress"]:
            assert any(covers(allowed, rule) for allowed in shipped["spec"]["egress"]), rule
        ports = [rule["ports"] for rule in policy["spec"]["ingress"]]
        assert ports == [shipped["spec"]["ingress"][0]["ports"]]


def of_agents(manifests: list[Json], name: str) -> list[Json]:
    return [
        each["spec"]["template"]
        for each in of_kind(manifests, "Deployment", "DaemonSet")
        if each["metadata"]["name"] == name
    ]


def covers(allowed: Json, rule: Json) -> bool:
    """Whether everything that `rule` lets out is let out by `allowed`."""
    ports = "ports" not in allowed or all(port in allowed["ports"] for port in rule["ports"])
    return ports and ("to" not in allowed or all(reaches(allowed["to"], peer) for peer in rule.get("to", [{}])))


def reaches(peers: list[Json], peer: Json) -> bool:
    return any(known.items() <= peer.items() for known in peers)
