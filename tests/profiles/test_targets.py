"""The firewall table says who has to reach what, whatever part of it this agent tests."""

from __future__ import annotations

import json

from agent.core.check import Plan
from agent.profiles.deployment import Deployment
from agent.profiles.targets import Target, as_json, as_table, targets
from tests.profiles.support import bare, deployment, expansion

ATTESTED = {"checklist-recovery-drill", "checklist-config-repository"}
"""Rows that connect to nothing."""


def _targets(of: Deployment, *vantages: str) -> tuple[Target, ...]:
    expanded = expansion(of, *vantages)
    return targets(Plan(expanded.checks, expanded.untestable), [of])


def test_what_only_a_run_can_tell_has_a_line_of_its_own() -> None:
    lines = [line for line in _targets(deployment(), "server") if line.check == "cluster-east-broker-endpoint"]
    assert [(line.host != "", line.remark) for line in lines] == [
        (True, ""),
        (False, "the endpoints that the Operator publishes or could publish for the Broker, usually port 4222"),
    ]


def test_every_row_is_listed_from_each_of_its_vantages() -> None:
    lines = {(line.check, line.vantage): line for line in _targets(deployment(), "server") if line.host}
    connecting = [row for row in deployment().expanded_rows() if row.id not in ATTESTED]
    for row in connecting:
        for vantage in row.row.vantages:
            line = lines.pop((row.id, vantage))
            assert line.here == (vantage == "server")
            assert line.host
            assert line.port
            assert line.document
    assert lines == {}


def test_a_line_says_what_a_firewall_needs() -> None:
    (line,) = [
        line for line in _targets(deployment(), "operations") if (line.check, line.vantage) == ("perf", "server")
    ]
    assert (line.source, line.destination) == ("Meshery Server", "Meshery Perf")
    assert (line.host, line.port, line.protocol) == ("meshery-perf.meshery.svc", 10013, "gRPC")
    assert (line.needed, line.here, line.remark) == (True, False, "needs vantage server")
    assert line.document == "Networking & Connectivity: Network ports: Meshery Perf 10013/gRPC"


def test_what_is_attested_connects_to_nothing() -> None:
    lines = [line for line in _targets(deployment(), "operations") if line.check in ATTESTED]
    assert {(line.host, line.needed, line.remark) for line in lines} == {
        ("", False, "attested, so that nothing is connected to")
    }


def test_declared_ports_need_not_be_let_through() -> None:
    unneeded = {line.check for line in _targets(deployment()) if not line.needed}
    declared = ("routing", "leafnode", "gateway", "exporter")
    assert unneeded == ATTESTED | {f"{where}broker-{port}" for where in ("", "node-port-") for port in declared}


def test_node_ports_are_part_of_the_table() -> None:
    ports = {line.port for line in _targets(deployment()) if line.host == "node-1.example.com"}
    assert ports == {31214, 30315, 30791, 30400, 32493, 30337, 30806}


def test_what_is_not_configured_is_listed_below_the_table() -> None:
    table = as_table(_targets(bare({"server": "http://meshery:9081"}), "server"))
    reached, _, missing = table.partition("Without a host:")
    assert "server      server-live" in reached
    assert "  broker-client: no broker: set broker.address; a Meshery with embedded MeshSync needs none\n" in missing
    assert "broker-client" not in reached


def test_a_row_that_is_switched_off_says_so() -> None:
    lines = _targets(deployment({"rows": {"perf": {"enabled": False, "severity": "page"}}}))
    remarks = {(line.remark, line.severity) for line in lines if line.check == "perf"}
    assert remarks == {("switched off in the configuration", "page")}


def test_checks_outside_any_deployment_are_listed_too() -> None:
    own = expansion(deployment(), "server").checks[:1]
    (line,) = targets(Plan(own), [])
    assert (line.check, line.host, line.port, line.here) == ("server-live", "meshery.meshery.svc", 9081, True)


def test_programs_get_the_same_lines() -> None:
    lines = _targets(deployment(), "server")
    listed = json.loads(as_json(lines))
    assert len(listed) == len(lines)
    assert listed[0]["check"] == "server-live"
    assert listed[0]["severity"] == "page"


def test_a_kubeconfig_that_cannot_be_read_gives_no_host() -> None:
    of = deployment({"clusters": [{"name": "east", "kubeconfig": "/nonexistent/config"}]})
    lines = [line for line in _targets(of, "server") if line.check == "cluster-east-api"]
    assert {(line.host, line.port) for line in lines} == {("", 0)}
    said = "cannot use the kubeconfig /nonexistent/config: No such file or directory"
    assert {line.remark for line in lines} == {said}
    assert f"  cluster-east-api: {said}\n" in as_table(lines)


def test_loopback_is_no_place_for_other_vantages() -> None:
    of = deployment({"server": "http://localhost:8080"})
    remarks = {line.vantage: line.remark for line in _targets(of, "server") if line.check == "server-live"}
    assert remarks.pop("server") == ""
    assert set(remarks.values()) == {"localhost is true in the pod of this agent only; name the Service"}


def test_a_row_is_tested_as_one_of_the_agents_vantages_only() -> None:
    lines = _targets(deployment(), "server", "operations")
    remarks = {line.vantage: (line.here, line.remark) for line in lines if line.check == "server-live"}
    assert remarks["operations"] == (True, "")
    assert remarks["server"] == (False, "tested here as operations")
    assert remarks["node"] == (False, "needs vantage node")
