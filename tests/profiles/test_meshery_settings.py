"""What a deployment of Meshery may say, and what it is told when it says something wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.probes._checklist_rule import RuleName
from agent.probes._checklist_rules import RULES
from agent.probes.checklist import ChecklistSettings
from agent.probes.kube_api import KubeApiSettings
from agent.profiles.catalogue import catalogue
from tests.profiles.support import bare, checks, expansion

API = "https://203.0.113.7:6443"

# What is wrong, where that is said, and a part of what it says.
WRONG = [
    ({"session": {"provider": "Meshery"}}, ("session",), "a session needs provider and token_file, or local_provider"),
    (
        {"session": {"local_provider": True, "token_file": "/t"}},
        ("session",),
        "local_provider needs no provider and no token_file",
    ),
    ({"session": {"token": "secret"}}, ("session", "token"), "Extra inputs are not permitted"),
    (
        {"adapters": {"custom": "custom.example.com"}},
        ("adapters", "custom"),
        "write host:port, as in custom.example.com",
    ),
    ({"adapters": {"istio": "istio:0"}}, ("adapters", "istio"), "a port from 1 to 65535"),
    ({"adapters": {"istio": "http://istio:10000"}}, ("adapters", "istio"), "without a scheme"),
    ({"adapters": {"Istio": "istio"}}, ("adapters", "Istio", "[key]"), "write 'istio'"),
    ({"clusters": [{"name": "east"}]}, ("clusters", 0), "exactly one of kubeconfig and api"),
    ({"clusters": [{"name": "east", "api": API, "kubeconfig": "/k"}]}, ("clusters", 0), "exactly one of"),
    ({"clusters": [{"name": "east", "api": API, "context": "c"}]}, ("clusters", 0), "context goes with kubeconfig"),
    (
        {"clusters": [{"name": "east", "kubeconfig": "/k", "token_file": "/t"}]},
        ("clusters", 0),
        "ca_file and token_file go with api",
    ),
    ({"broker": {"address": "nats://broker:4222"}}, ("broker", "address"), "without a scheme or path"),
    ({"node_ports": {"host": "node", "server": 70000}}, ("node_ports", "server"), "less than or equal to 65535"),
    ({"external_url": "meshery.example.com"}, ("external_url",), "expected an absolute URL"),
    ({"name": "Prod"}, ("name",), "write 'prod'"),
    ({"checklist": {"context": "c"}}, ("checklist",), "context goes with kubeconfig"),
    ({"checklist": {"server_replicas": 0}}, ("checklist", "server_replicas"), "greater than or equal to 1"),
    ({"checklist": "yes"}, ("checklist",), "valid dictionary"),
    ({"attest": {"recovery_drill": "soon"}}, ("attest", "recovery_drill"), "valid date"),
    ({"attest": {"recovery_dril": "2026-09-01"}}, ("attest", "recovery_dril"), "Extra inputs are not permitted"),
    ({"attest": {"config_repository": "meshery"}}, ("attest", "config_repository"), "the address of a repository"),
    (
        {"attest": {"config_repository": "https://me:secret@git.example.com/m"}},
        ("attest", "config_repository"),
        "a secret does not belong in the address",
    ),
]


@pytest.mark.parametrize(("settings", "place", "message"), WRONG)
def test_wrong_settings_are_told_at_their_place(
    settings: dict[str, object], place: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        bare(settings)
    (error,) = raised.value.errors()
    assert error["loc"] == place
    assert message in error["msg"]


def test_adapters_take_their_default_port_by_name_and_any_port_by_address() -> None:
    adapters = {"istio": "istio.example.com", "kuma": "kuma.example.com:20007", "own": "[2001:db8::1]:30000"}
    found = checks(bare({"adapters": adapters}))
    assert {name: check.target for name, check in found.items() if name.startswith("adapter-")} == {
        "adapter-istio": "istio.example.com:10000",
        "adapter-kuma": "kuma.example.com:20007",
        "adapter-own": "[2001:db8::1]:30000",
    }


def test_addresses_may_end_with_a_slash() -> None:
    found = checks(bare({"server": "http://meshery:9081/", "provider": "https://cloud.example.com/base/"}))
    assert found["server-live"].target == "http://meshery:9081/healthz/live"
    assert found["provider"].target == "https://cloud.example.com/base/"


def test_a_release_is_written_into_the_path_as_it_is_sent() -> None:
    found = checks(bare({"provider": "https://cloud.example.com", "release": "Not Set"}))
    assert found["provider-capabilities"].target == "https://cloud.example.com/Not%20Set/capabilities?os=meshery"


def test_a_cluster_is_reached_as_its_kubeconfig_says() -> None:
    found = checks(bare({"clusters": [{"name": "east", "kubeconfig": "/no/such/file", "context": "c"}]}))
    assert found["cluster-east-api"].target == "context c of /no/such/file"


def test_what_cannot_be_probed_may_be_attested() -> None:
    attest = {"recovery_drill": "2026-09-01", "config_repository": "git@git.example.com:meshery/config.git"}
    assert checks(bare({"attest": attest})) == checks(bare())
    found = checks(bare({"attest": attest, "checklist": {"recovery_drill_max_days": 30}}))
    drill = found["checklist-recovery-drill"].settings
    assert isinstance(drill, ChecklistSettings)
    assert (drill.recovery_drill, drill.max_age_days) == (date(2026, 9, 1), 30)
    assert found["checklist-config-repository"].target == "the configuration"


RULES_OF_THE_API = len(RuleName) - 3
"""All but the attested ones, and the one about autoscaling."""


def test_the_checklist_is_off_until_it_is_asked_for() -> None:
    for off in ({}, {"checklist": False}):
        rows = expansion(bare(off)).untestable
        whys = {row.why for row in rows if row.name.startswith("checklist-")}
        assert [why.partition(":")[0] for why in whys] == ["no checklist"]
    assert bare({"checklist": True}) == bare({"checklist": {}})
    found = checks(bare({"checklist": True}))
    assert sum(name.startswith("checklist-") for name in found) == RULES_OF_THE_API + 1
    assert "checklist-autoscaling" in checks(bare({"checklist": {"autoscaling": True}}))


def test_the_checklist_asks_as_the_pod_or_as_a_kubeconfig_says() -> None:
    rule = checks(bare({"checklist": True}))["checklist-ingress"]
    assert rule.target == "https://kubernetes.default.svc"
    assert isinstance(rule.settings, ChecklistSettings)
    assert rule.settings.tls is not None
    assert rule.settings.tls.ca_file == Path("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
    elsewhere = bare({"kubernetes": {"api": API, "service_account": "/run/account"}, "checklist": True})
    settings = checks(elsewhere)["checklist-api"].settings
    assert isinstance(settings, KubeApiSettings)
    assert settings.auth is not None
    assert settings.auth.authorization is not None
    assert (settings.url, settings.auth.authorization.credentials_file) == (API, Path("/run/account/token"))
    by_file = checks(bare({"checklist": {"kubeconfig": "/no/such/file", "context": "c"}}))
    assert by_file["checklist-ingress"].target == by_file["checklist-api"].target == "context c of /no/such/file"


def test_rules_are_given_what_is_wanted_and_the_external_url() -> None:
    wanted = {
        "server_replicas": 3,
        "operator_replicas": 2,
        "control_plane_nodes": 5,
        "memory_headroom": 0.3,
        "proxy_timeout": "2h",
    }
    found = checks(bare({"checklist": wanted, "external_url": "https://m.example.com/", "namespace": "mesh"}))
    given = {}
    for name in ("server-replicas", "operator", "control-plane", "server-memory", "broker-memory", "proxy-timeouts"):
        settings = found[f"checklist-{name}"].settings
        assert isinstance(settings, ChecklistSettings)
        assert settings.namespace == "mesh"
        given[name] = settings
    assert (given["server-replicas"].replicas, given["operator"].replicas) == (3, 2)
    assert given["control-plane"].control_plane_nodes == 5
    assert given["server-memory"].memory_headroom == given["broker-memory"].memory_headroom == 0.3
    assert given["proxy-timeouts"].proxy_timeout == 7200
    for name in ("callback-url", "ingress"):
        settings = found[f"checklist-{name}"].settings
        assert isinstance(settings, ChecklistSettings)
        assert settings.external_url == "https://m.example.com"


def test_every_rule_has_one_row() -> None:
    rules = [row.probe["rule"] for row in catalogue("meshery").rows if row.probe["kind"] == "checklist"]
    assert sorted(map(str, rules)) == sorted(RuleName)
    for row in catalogue("meshery").rows:
        if row.probe["kind"] == "checklist":
            assert row.id == f"checklist-{str(row.probe['rule']).replace('_', '-')}"
            assert row.severity in ("ticket", "info")
            assert row.depends_on == (("checklist-api",) if RULES[RuleName(str(row.probe["rule"]))].resources else ())
