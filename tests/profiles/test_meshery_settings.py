"""What a deployment of Meshery may say, and what it is told when it says something wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.profiles.support import bare, checks

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
    assert checks(bare({"attest": {"recovery_drill": "2026-09-01"}})) == checks(bare())
