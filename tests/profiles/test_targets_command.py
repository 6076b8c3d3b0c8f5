"""`reachd targets` writes the table of a configuration file in each of its forms."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_network_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "--config", _configuration(tmp_path), "--output", "networkpolicy"]) == 0
    names = {document["metadata"]["name"] for document in yaml.safe_load_all(capsys.readouterr().out) if document}
    assert {"prod-server", "prod-broker", "reachd-own-checks"} <= names


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
