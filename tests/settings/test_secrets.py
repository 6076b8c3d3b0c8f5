"""A secret that is written in any wrong way or place appears in no problem."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core.secrets import CONCEALED, conceal
from agent.probes._settings import EnvironmentText
from agent.probes.http import HttpSettings
from agent.settings.load import load
from agent.settings.plan import plan
from agent.settings.problems import ConfigurationError
from agent.settings.secrets import mask_url

SECRET = "hunter2"
HTTP: dict[str, object] = {"kind": "http", "url": "http://docs.example.com/"}


def in_check(**probe: object) -> dict[str, object]:
    return {"checks": [{"name": "docs", "probe": HTTP | probe}]}


def in_deployment(**keys: object) -> dict[str, object]:
    return {"deployments": [{"name": "prod", "profile": "meshery", **keys}]}


WRITTEN: list[object] = [
    SECRET,
    [SECRET],
    {"value": SECRET},
    f"user:{SECRET}",
    f"http://user:{SECRET}@host:99999/",
    f"http://user:{SECRET}/x y@host/?token={SECRET}",
    f"user:{SECRET}@host",
    f"${{PREFIX}}{SECRET}",
]
PLACES: dict[str, Callable[[object], dict[str, object]]] = {
    "web.basic_auth": lambda secret: {"web": {"basic_auth": secret}},
    "web.basic_auth.password": lambda secret: {"web": {"basic_auth": {"username": "a", "password": secret}}},
    "proxy": lambda secret: {"proxy": f"http://user:{secret}@proxy:3128"},
    "proxy without scheme": lambda secret: {"proxy": f"user:{secret}@proxy:3128"},
    "otlp.headers": lambda secret: {"otlp": {"endpoint": "http://collector:4318", "headers": secret}},
    "url": lambda secret: in_check(url=f"http://user:{secret}@host:port/"),
    "query": lambda secret: in_check(url=f"http://docs.example.com/?api_key={secret}"),
    "headers": lambda secret: in_check(headers=secret),
    "headers.Authorization": lambda secret: in_check(headers={"Authorization": secret}),
    "headers.X-Auth-Token": lambda secret: in_check(headers={"X-Auth-Token": secret}),
    "headers.X-Auth": lambda secret: in_check(headers={"X-Auth": secret}),
    "cookies": lambda secret: in_check(cookies=secret),
    "cookies.session": lambda secret: in_check(cookies={"session": secret}),
    "auth": lambda secret: in_check(auth=secret),
    "auth.basic_auth": lambda secret: in_check(auth={"basic_auth": secret}),
    "auth.authorization": lambda secret: in_check(auth={"authorization": secret}),
    "auth.authorization.credentials": lambda secret: in_check(auth={"authorization": {"credentials": secret}}),
    "nats.token": lambda secret: in_check(kind="nats", address="broker:4222", token=secret),
    "nats.address": lambda secret: in_check(kind="nats", address=f"nats://user:{secret}@broker:4222"),
    "deployment.session": lambda secret: in_deployment(session=secret),
    "deployment.broker.token": lambda secret: in_deployment(broker={"token": secret}),
    "deployment.provider": lambda secret: in_deployment(provider=f"http://user:{secret}@host/"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_the_wrong_place_is_never_told(place: str, tmp_path: Path) -> None:
    file = tmp_path / "configuration.yaml"
    for written in WRITTEN:
        file.write_text(json.dumps(PLACES[place](written) | {"environment": 1}), encoding="utf-8")
        with pytest.raises(ConfigurationError) as raised:
            load([file], {"PREFIX": SECRET})
        assert SECRET not in str(raised.value)
        assert SECRET not in repr(raised.value)


AZURE, GOOGLE, HEX = (
    "vY3kZ0aQ9-xT_u7Wn5bC2dE8fG1hJ4kL6mN==",
    "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "0af7651916cd43dd" * 2,
)
QUERIES: dict[str, bool] = {
    **{
        f"{name}=hunter2": True
        for name in (
            "X-Amz-Signature",
            "x-amz-signature",
            "pwd",
            "access_key",
            "accessKey",
            "jwt",
            "JWT",
            "sig",
            "auth",
        )
    },
    f"code={AZURE}": True,
    f"key={GOOGLE}": True,
    f"key={HEX}": True,
    "code=200": False,
    "code=authorization": False,
    "key=a-long-name-of-something-2026": False,
    "key=meshery": False,
    f"id={HEX}": False,
    "X-Amz-Date=20260101T000000Z": False,
    "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE": False,
    "author=me": False,
    "signal=1": False,
    "keyword=x": False,
}


@pytest.mark.parametrize("query", QUERIES)
def test_secrets_in_a_query_and_what_only_looks_like_one(query: str, tmp_path: Path) -> None:
    url, (name, _, value) = f"http://docs.example.com/?a=1&{query}&b=2", query.partition("=")
    file = tmp_path / "configuration.yaml"
    file.write_text(json.dumps(in_check(url=url)), encoding="utf-8")
    if QUERIES[query]:
        assert mask_url(url) == f"http://docs.example.com/?a=1&{name}={CONCEALED}&b=2"
        with pytest.raises(ConfigurationError, match=f"the query parameter '{name}' looks like a secret") as raised:
            load([file], {})
        assert value not in str(raised.value)
    else:
        assert mask_url(url) == url
        load([file], {})


def test_a_key_from_the_environment_may_stand_in_a_query(tmp_path: Path) -> None:
    file = tmp_path / "configuration.yaml"
    file.write_text(json.dumps(in_check(url="http://docs.example.com/?key=${KEY}")), encoding="utf-8")
    (check,) = plan(load([file], {"KEY": GOOGLE})).checks
    assert check.target == f"http://docs.example.com/?key={CONCEALED}"


@pytest.mark.parametrize(
    ("url", "environment", "target"),
    [
        ("http://${HOST}:8080/up", {"HOST": "hooks.example.com"}, "http://hooks.example.com:8080/up"),
        ("http://h/hook/${TOKEN}", {"TOKEN": "T0/s3cret-1"}, "http://h/hook/<secret>"),
        ("http://h/$$/${TOKEN}/end", {"TOKEN": "s3cret-2"}, "http://h/$/<secret>/end"),
        ("http://h/?at=${TOKEN}", {"TOKEN": "s3cret-3"}, "http://h/?at=<secret>"),
        ("${HOOK}", {"HOOK": "https://h:1/services/s3cret-4"}, "https://h:1<secret>"),
        ("${BASE}/hook/${TOKEN}", {"BASE": "http://h:9081", "TOKEN": "s3cret-5"}, "http://h:9081/hook/<secret>"),
    ],
)
def test_what_a_url_takes_from_the_environment_is_not_shown(
    url: str, environment: dict[str, str], target: str, tmp_path: Path
) -> None:
    file = tmp_path / "configuration.yaml"
    for document in (in_check(url=url), in_deployment(egress=[url])):
        file.write_text(json.dumps(document | {"vantage": ["server", "operations"]}), encoding="utf-8")
        assert {check.target for check in plan(load([file], environment)).checks} == {target}


def test_what_comes_from_the_environment_goes_on_saying_so_without_white_space_at_its_ends(tmp_path: Path) -> None:
    keys = {"headers": {"X-Tenant": "of ${SECRET}", "X-Team": "mesh"}, "cookies": {"id": {"value": "${SECRET}"}}}
    secret = "only-known-in-this-test"
    file = tmp_path / "reachd.json"
    file.write_text(json.dumps(in_check(**keys)), encoding="utf-8")
    settings = load([file], {"SECRET": f" {secret}\r\n"}).checks[0].probe
    assert isinstance(settings, HttpSettings)
    tenant, team, cookie = settings.headers["X-Tenant"], settings.headers["X-Team"], settings.cookies["id"].value
    assert (tenant, team, cookie) == (f"of  {secret}", "mesh", secret)
    assert [isinstance(text, EnvironmentText) for text in (tenant, team, cookie)] == [True, False, True]
    assert conceal(f"it got {secret}, so") == "it got <secret>, so"
