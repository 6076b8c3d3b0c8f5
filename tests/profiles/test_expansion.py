"""What a deployment expands to, depending on where the agent stands and what single rows do differently."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from agent.core.check import Severity
from agent.core.secrets import remember_in_urls
from agent.probes.callback import CallbackSettings
from agent.probes.http import HttpSettings
from agent.probes.nats import NatsSettings
from agent.probes.websocket import WebSocketSettings
from tests.profiles.support import EVERYWHERE, bare, checks, deployment, expansion

SESSION_COOKIES = {"meshery-provider": "Meshery", "token": "/run/secrets/session"}


def test_from_everywhere_every_row_of_a_full_deployment_is_tested() -> None:
    expanded = expansion(deployment())
    assert expanded.untestable == ()
    assert len({check.name for check in expanded.checks}) == len(expanded.checks)
    assert {check.system for check in expanded.checks} == {"meshery"}
    assert {check.deployment for check in expanded.checks} == {"prod"}
    assert all(check.timeout <= check.every for check in expanded.checks)


def test_rows_of_other_vantages_are_listed_with_the_vantage_they_need() -> None:
    expanded = expansion(deployment(), "server")
    whys = {row.name: row.why for row in expanded.untestable}
    assert whys["ui-external"] == "needs vantage client"
    assert whys["operator-health"] == "needs vantage operations or operator or node"
    assert {check.vantage for check in expanded.checks} == {"server"}
    assert not {check.name for check in expanded.checks} & set(whys)
    rows = {row.name: row for row in expanded.untestable}
    assert rows["ui-external"].target == "https://meshery.example.com/provider"
    assert rows["operator-health"].vantage == "operations, operator, node"


@pytest.mark.parametrize("vantage", sorted(EVERYWHERE))
def test_every_vantage_has_rows_of_its_own(vantage: str) -> None:
    assert checks(deployment(), vantage)


def test_what_is_not_configured_says_what_to_set() -> None:
    whys = {row.name: row.why for row in expansion(bare()).untestable}
    assert whys["broker-client"] == "no broker: set broker.address; a Meshery with embedded MeshSync needs none"
    assert whys["provider"].startswith("no Remote Provider: set provider")
    assert {check.name for check in expansion(bare()).checks} == {"meshsync-kubernetes-api", "operator-kubernetes-api"}


def test_the_order_is_that_of_the_catalogue() -> None:
    names = [check.name for check in expansion(deployment(), "server").checks]
    assert names[:3] == ["server-live", "server-ready", "server-api"]


def test_dependencies_that_nobody_tests_here_block_nothing() -> None:
    assert checks(deployment(), "client")["websocket-upgrade"].depends_on == ("ui-external", "session-external")
    off = deployment({"rows": {"ui-external": {"enabled": False}}}, without=("session",))
    assert checks(off, "client")["websocket-upgrade"].depends_on == ()


# Defaults and row settings, and the interval and timeout that follow for a row.
TIMES = [
    ("server-live", 15.0, {}, (15.0, 5.0)),
    ("server-live", 3600.0, {}, (3600.0, 5.0)),
    ("server-live", 2.0, {}, (2.0, 2.0)),
    ("server-live", 15.0, {"every": "1m", "timeout": "20s"}, (60.0, 20.0)),
    ("websocket-idle", 15.0, {}, (300.0, 90.0)),
    ("websocket-idle", 3600.0, {}, (3600.0, 90.0)),
    ("server-version", 15.0, {}, (900.0, 15.0)),
    ("server-version", 15.0, {"every": "5m"}, (300.0, 15.0)),
    ("egress-registry-example-com", 15.0, {}, (60.0, 10.0)),
]


@pytest.mark.parametrize(("name", "default", "settings", "times"), TIMES)
def test_interval_and_timeout(
    name: str, default: float, settings: Mapping[str, str], times: tuple[float, float]
) -> None:
    check = checks(deployment({"rows": {name: settings}}), every=default)[name]
    assert (check.every, check.timeout) == times


def test_a_row_can_be_changed_in_everything_that_a_check_has() -> None:
    settings = {
        "slo": 0.9,
        "latency_objective": "2s",
        "severity": "info",
        "depends_on": ["broker-client", "broker-client"],
        "labels": {"team": "mesh", "owner": "ops"},
    }
    check = checks(deployment({"rows": {"broker-monitor": settings}}))["broker-monitor"]
    assert (check.slo, check.latency_objective, check.severity) == (0.9, 2.0, Severity.INFO)
    assert check.depends_on == ("broker-client",)
    assert check.labels == (("owner", "ops"), ("team", "mesh"))


def test_a_row_can_be_switched_off() -> None:
    expanded = expansion(deployment({"rows": {"broker-exporter": {"enabled": False}}}))
    assert [(row.name, row.why) for row in expanded.untestable] == [
        ("broker-exporter", "switched off in the configuration")
    ]


# Settings of rows, where the problem is, and what it says.
WRONG_ROWS = [
    ({"servr-live": {}}, ("rows", "servr-live"), "unknown row 'servr-live'; did you mean 'server-live'?"),
    ({"adapter-isto": {}}, ("rows", "adapter-isto"), "unknown row 'adapter-isto'; did you mean 'adapter-istio'?"),
    ({"zzz": {}}, ("rows", "zzz"), "unknown row 'zzz'; `reachd targets` lists the rows of the deployment"),
    (
        {"server-version": {"every": "30s"}},
        ("rows", "server-version", "every"),
        "30s is too often for this row: it asks a service with a rate limit; write every: 5m or more",
    ),
    (
        {"provider": {"depends_on": ["server-alive"]}},
        ("rows", "provider", "depends_on", 0),
        "unknown row 'server-alive'; did you mean 'server-live'?",
    ),
    (
        {"server-live": {"depends_on": ["server-ready"]}},
        ("rows", "server-live", "depends_on"),
        "these rows depend on each other in a circle: "
        "server-live → server-ready → server-live; remove one of the dependencies",
    ),
]


@pytest.mark.parametrize(("rows", "place", "message"), WRONG_ROWS)
def test_a_wrong_row_is_told_at_its_place(rows: object, place: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        deployment({"rows": rows})
    assert [(error["loc"], error["msg"]) for error in raised.value.errors()] == [(place, message)]


def test_all_wrong_rows_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as raised:
        deployment({"rows": {"a-b": {}, "c-d": {}}})
    assert raised.value.error_count() == 2


def test_two_rows_of_one_name_are_a_problem() -> None:
    twice = [{"name": "east", "api": "https://203.0.113.7:6443"}, {"name": "east", "api": "https://203.0.113.8:6443"}]
    with pytest.raises(ValidationError, match="two rows would be named cluster-east-api; choose different names"):
        deployment({"clusters": twice})


def test_a_session_is_the_cookies_of_a_signed_in_user() -> None:
    settings = checks(deployment())["websocket-upgrade"].settings
    assert isinstance(settings, WebSocketSettings)
    shown = {name: str(cookie.value or cookie.value_file) for name, cookie in settings.cookies.items()}
    assert shown == SESSION_COOKIES
    callback = checks(deployment())["callback"].settings
    assert isinstance(callback, CallbackSettings)
    assert callback.provider == "Meshery"


def test_the_local_provider_needs_no_credential() -> None:
    settings = checks(deployment({"session": {"local_provider": True}}))["cluster-east-diagnostics"].settings
    assert isinstance(settings, HttpSettings)
    assert {name: cookie.value for name, cookie in settings.cookies.items()} == {"meshery-provider": "Local"}


@pytest.mark.parametrize("name", ["websocket-upgrade", "websocket-idle", "websocket-direct", "ui-external"])
def test_without_a_session_calls_name_a_provider_that_no_server_has(name: str) -> None:
    settings = checks(deployment(without=("session",)))[name].settings
    assert isinstance(settings, WebSocketSettings | HttpSettings)
    assert {key: cookie.value for key, cookie in settings.cookies.items()} == {
        "meshery-provider": "reachd-without-session"
    }


def test_what_only_signed_in_users_see_needs_a_session() -> None:
    whys = {row.name: row.why for row in expansion(deployment(without=("session",))).untestable}
    assert {"sse-events", "cluster-east-ping", "cluster-east-diagnostics", "adapter-istio-ping"} <= set(whys)


def test_the_broker_is_asked_without_credentials_where_there_is_no_token() -> None:
    settings = checks(deployment({"broker": {"address": "[2001:db8::1]:4222"}}))
    nats = settings["broker-client"].settings
    assert isinstance(nats, NatsSettings)
    assert nats.token_file is None
    assert settings["broker-routing"].target == "[2001:db8::1]:6222"
    assert "broker-monitor" not in settings


def test_sources_of_one_host_are_told_apart_by_their_path() -> None:
    urls = [
        "https://r.example.com/v2/",
        "https://r.example.com/charts",
        "https://q.example.com/",
        "https://q.example.com",
    ]
    names = [name for name in checks(deployment({"egress": urls})) if name.startswith("egress-")]
    assert names == [
        "egress-r-example-com-v2",
        "egress-r-example-com-charts",
        "egress-q-example-com-3",
        "egress-q-example-com-4",
    ]


def test_the_name_of_a_source_has_nothing_from_the_environment() -> None:
    remember_in_urls("hook-s3cret-8")
    urls = ["https://hooks.example.com/hook-s3cret-8", "https://hooks.example.com/up"]
    names = [name for name in checks(deployment({"egress": urls})) if name.startswith("egress-")]
    assert names == ["egress-hooks-example-com-secret", "egress-hooks-example-com-up"]


def test_equal_deployments_expand_to_equal_checks() -> None:
    assert expansion(deployment()) == expansion(deployment())
