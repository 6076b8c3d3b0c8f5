"""`reachd targets` writes the table of a configuration file in each of its forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.__main__ import main
from tests.profiles.support import FULL


def _configuration(folder: Path) -> str:
    file = folder / "reachd.yaml"
    own = {"name": "own", "probe": {"kind": "tcp", "address": "192.0.2.7:80"}}
    file.write_text(yaml.safe_dump({"vantage": "server", "deployments": [dict(FULL)], "checks": [own]}))
    return str(file)


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "--config", _configuration(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "meshery-nats.meshery.svc" in table
    assert "192.0.2.7" in table


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "--config", _configuration(tmp_path), "--output", "json"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert {line["deployment"] for line in lines} == {"prod", "default"}


def policies(folder: Path, capsys: pytest.CaptureFixture[str], configuration: object) -> dict[str, Any]:
    """The policies that the command writes for a configuration, by name."""
    file = folder / "reachd.yaml"
    file.write_text(yaml.safe_dump(configuration))
    assert main(["targets", "--config", str(file), "--output", "networkpolicy"]) == 0
    return {document["metadata"]["name"]: document for document in yaml.safe_load_all(capsys.readouterr().out)}


OWN = {"name": "own", "probe": {"kind": "tcp", "address": "192.0.2.7:80"}}
OUT = {"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}], "ports": [{"protocol": "TCP", "port": 80}]}


@pytest.mark.parametrize(
    ("vantage", "beside", "name"),
    [
        ("server", "prod-server", "prod-server-own-checks"),
        ("operations", "prod-operations", "prod-operations-own-checks"),
        ("node", "prod-node", "prod-node-own-checks"),
        ("meshsync", "prod-meshsync", "prod-meshsync-own-checks"),
    ],
)
def test_own_checks_are_let_out_of_the_pods_that_make_them(
    vantage: str, beside: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = policies(tmp_path, capsys, {"vantage": vantage, "deployments": [dict(FULL)], "checks": [OWN]})
    own, others = found[name], found[beside]
    assert OUT in own["spec"]["egress"]
    assert OUT not in others["spec"]["egress"]
    assert own["spec"]["podSelector"] == others["spec"]["podSelector"]
    assert own["metadata"].get("namespace") == others["metadata"].get("namespace")
    assert [each for each in found if each.endswith("own-checks")] == [name]


@pytest.mark.parametrize(
    ("vantage", "component"),
    [("operations", {"app.kubernetes.io/component": "operations"}), ("server", {}), (["node", "client"], {})],
)
def test_own_checks_without_a_deployment_are_those_of_reachd(
    vantage: object, component: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (policy,) = policies(tmp_path, capsys, {"vantage": vantage, "checks": [OWN]}).values()
    labels = policy["spec"]["podSelector"]["matchLabels"]
    assert labels["app.kubernetes.io/name"] == "reachd"
    assert component.items() <= labels.items()
    assert OUT in policy["spec"]["egress"]


def test_the_name_servers_of_the_machine_are_no_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reachd.yaml"
    server = {"server": "ns.example.com"}
    checks = [
        {"name": name, "probe": {"kind": "dns", "name": "docs.example.com", **keys}}
        for name, keys in (("system", {}), ("chosen", server))
    ]
    file.write_text(yaml.safe_dump({"checks": checks}))
    assert main(["targets", "--config", str(file), "--output", "json"]) == 0
    system, chosen = json.loads(capsys.readouterr().out)
    assert (system["host"], system["remark"]) == ("", "it asks the name servers of the machine it runs on")
    assert (chosen["host"], chosen["port"], chosen["remark"]) == ("ns.example.com", 53, "")
    assert main(["targets", "--config", str(file), "--output", "networkpolicy"]) == 0
    text = capsys.readouterr().out
    assert "# not expressible" not in text
    (policy,) = yaml.safe_load_all(text)
    ports = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    assert policy["spec"]["egress"] == [{"ports": ports}]


def test_a_wrong_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "reachd.yaml"
    file.write_text("deployments: [{name: prod, profile: meshery, rows: {servr-live: {}}}]\n")
    assert main(["targets", "--config", str(file)]) == 2
    assert "deployments[prod].rows.servr-live: unknown row 'servr-live'" in capsys.readouterr().err
