"""The checklist probe against an API server played over a real socket: every rule, pages, refusals, absurd answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from pydantic import ValidationError

from agent.core.outcome import Verdict
from agent.core.reasons import Reason
from agent.probes import settings_of
from agent.probes._checklist_rule import RuleName
from agent.probes._checklist_rules import RULES
from tests.probes.bounds import little_memory, probe_in_time
from tests.probes.meshery_objects import DELETED, RESOURCES, Json, changed, healthy, is_selected
from tests.probes.support import answering, assert_failed, assert_up, dripping, probe, serving, silent

TOKEN = "a-token-of-the-tests"
ATTESTED = {
    "recovery_drill": "2026-01-01",
    "max_age_days": 3650,
    "config_repository": "https://git.example.com/meshery",
}
ASKING = [name for name, rule in RULES.items() if rule.resources]
DEPLOYMENTS = "/apis/apps/v1/namespaces/meshery/deployments"
NODES = "/api/v1/nodes"
Answer = Callable[[web.Request], web.Response]


@dataclass
class ApiServer:
    """An API server: what it lists, how many at once, and what it has been asked."""

    things: dict[str, list[Json]] = field(default_factory=healthy)
    page: int = 500
    anonymous: int = 200
    """Status for callers without a token."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """Answers of their own for some paths."""
    asked: list[web.Request] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        authorization = request.headers.get("Authorization")
        if authorization is None and self.anonymous != 200:
            return status(self.anonymous)
        if authorization not in (None, f"Bearer {TOKEN}"):
            return status(401)
        if request.path in self.answers:
            return self.answers[request.path](request)
        for name, resource in RESOURCES.items():
            if request.path == resource.path("meshery") and name in self.things:
                return self._page(request, [thing for thing in self.things[name] if _selects(request, thing)])
        return status(404)

    def _page(self, request: web.Request, things: list[Json]) -> web.Response:
        limit = min(self.page, int(request.query["limit"]))
        start = int(request.query.get("continue", "0"))
        rest = str(start + limit) if start + limit < len(things) else ""
        return page(things[start : start + limit], rest)


def _selects(request: web.Request, thing: Json) -> bool:
    asked = "&".join(f"{name}={value}" for name, value in request.query.items() if name.endswith("Selector"))
    return is_selected(asked, thing)


def page(things: list[Any], rest: str = "") -> web.Response:
    return web.json_response({"kind": "ThingList", "metadata": {"continue": rest}, "items": things})


def status(code: int, message: str = "no") -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)


@asynccontextmanager
async def api_server(server: ApiServer | None = None) -> AsyncIterator[ApiServer]:
    running = server or ApiServer()
    application = web.Application()
    application.router.add_get("/{path:.*}", running.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield running
    finally:
        await runner.cleanup()


def settings(rule: str, url: str, **keys: object) -> dict[str, object]:
    return {"kind": "checklist", "rule": rule, "url": url, **keys}


@pytest.mark.parametrize("rule", RuleName)
async def test_every_rule_is_up_against_a_healthy_meshery(rule: RuleName) -> None:
    async with api_server() as server:
        outcome = await probe(settings(rule, server.url, external_url="https://meshery.example.com", **ATTESTED))
    assert_up(outcome)
    assert outcome.detail
    assert [request.path for request in server.asked] == [each.path("meshery") for each in RULES[rule].resources]
    assert len({request.transport for request in server.asked}) <= 1


async def test_a_rule_that_is_broken_says_what_is_wrong_and_what_to_do() -> None:
    things = changed(healthy(), {"services/0/spec/type": "LoadBalancer"})
    async with api_server(ApiServer(things)) as server:
        outcome = await probe(settings("load_balancer", server.url))
    assert_failed(outcome, Reason.DEGRADED)
    assert outcome.verdict is Verdict.DOWN
    assert outcome.detail == (
        'the Service "meshery" is a LoadBalancer that leads to Meshery Server past the ingress, without TLS; set '
        "service.type to ClusterIP in the chart's values, and enable its ingress"
    )


async def test_attested_rules_ask_nobody() -> None:
    outcome = await probe(settings("recovery_drill", "http://127.0.0.1:1", **ATTESTED))
    assert_up(outcome)
    outcome = await probe(settings("recovery_drill", "http://127.0.0.1:1", recovery_drill="2020-01-01"))
    assert_failed(outcome, Reason.DEGRADED)
    model = settings_of("checklist").model_validate(settings("recovery_drill", "http://127.0.0.1:1"))
    assert (model.target(), bool(model.endpoint_problem())) == ("the configuration", True)


async def test_lists_are_read_by_pages() -> None:
    async with api_server(ApiServer(page=2)) as server:
        outcome = await probe(settings("server_spread", server.url))
        assert_up(outcome)
        assert outcome.detail == "3 replicas on 3 of 3 nodes, in 3 of 3 zones"
        tokens = [request.query.get("continue") for request in server.asked if request.path == NODES]
        assert tokens == [None, "2", "4"]


async def test_nodes_are_asked_for_without_what_makes_them_large() -> None:
    async with api_server() as server:
        assert_up(await probe(settings("server_spread", server.url)))
        accepted = {request.path: request.headers["Accept"] for request in server.asked}
    assert "as=PartialObjectMetadataList" in accepted[NODES]
    assert accepted[DEPLOYMENTS] == "*/*"


async def test_more_objects_than_are_looked_at_give_no_verdict() -> None:
    endless = ApiServer(answers={DEPLOYMENTS: lambda _: page([{"metadata": {"name": "other"}}] * 3, "more")})
    async with api_server(endless) as server:
        outcome = await probe(settings("server_probes", server.url))
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.detail == "there are more than 300 deployments.apps, which is more than are looked at"
    assert "namespace of its own" in outcome.advice


async def test_pages_are_read_up_to_a_size_in_all() -> None:
    large = [{"metadata": {"name": "other", "managedFields": ["x" * 1_900_000]}}]
    async with api_server(ApiServer(answers={DEPLOYMENTS: lambda _: page(large, "more")})) as server:
        outcome = await probe(settings("server_probes", server.url), timeout=20.0)
        assert len(server.asked) == 18
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.detail == "there are more than 18 deployments.apps, which is more than are looked at"


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("rule", ASKING)
async def test_without_credentials_a_refusal_says_nothing(rule: RuleName, code: int) -> None:
    async with api_server(ApiServer(anonymous=code)) as server:
        outcome = await probe(settings(rule, server.url))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert outcome.detail == f"the API server wants authentication ({code})"
    assert outcome.advice.startswith("Give the checklist a kubeconfig, or a service account, that may list ")


async def test_credentials_that_are_not_accepted_or_lack_a_right(tmp_path: Path) -> None:
    token = tmp_path / "token"
    auth = {"authorization": {"credentials_file": str(token)}}
    said = 'services is forbidden: User "system:serviceaccount:m:reachd" cannot list resource "services"'
    forbidding = ApiServer(answers={"/api/v1/namespaces/meshery/services": lambda _: status(403, said)}, anonymous=401)
    async with api_server(forbidding) as server:
        token.write_text(TOKEN)
        outcome = await probe(settings("load_balancer", server.url, auth=auth))
        assert_failed(outcome, Reason.AUTH_REJECTED)
        assert outcome.detail.startswith("the credentials may not list services in the namespace: ")
        assert "system:serviceaccount:m:reachd" in outcome.detail
        assert_up(await probe(settings("server_probes", server.url, auth=auth)))
        token.write_text("of-yesterday")
        assert_failed(await probe(settings("server_probes", server.url, auth=auth)), Reason.AUTH_REJECTED)


@pytest.mark.parametrize(
    ("rule", "resource", "code", "words"),
    [
        ("server_memory", "pods.metrics.k8s.io", 404, "the cluster does not serve pods.metrics.k8s.io"),
        ("server_memory", "pods.metrics.k8s.io", 503, "the cluster does not serve pods.metrics.k8s.io"),
        ("broker_memory", "pods.metrics.k8s.io", 404, "the cluster does not serve pods.metrics.k8s.io"),
        ("broker_ready", "brokers.meshery.io", 404, "the cluster does not serve brokers.meshery.io"),
        ("meshsync_ready", "meshsyncs.meshery.io", 404, "the cluster does not serve meshsyncs.meshery.io"),
    ],
)
async def test_groups_that_a_cluster_does_not_serve(rule: str, resource: str, code: int, words: str) -> None:
    answers: dict[str, Answer] = {RESOURCES[resource].path("meshery"): lambda _: status(code)}
    async with api_server(ApiServer(answers=answers)) as server:
        outcome = await probe(settings(rule, server.url))
    assert (outcome.verdict, outcome.reason, outcome.detail) == (Verdict.UNKNOWN, None, words)
    assert outcome.advice


async def test_a_missing_limit_is_found_without_the_metrics_api() -> None:
    things = changed(healthy(), {"pods.metrics.k8s.io": DELETED})
    changed(things, {"deployments.apps/0/spec/template/spec/containers/0/resources": DELETED})
    async with api_server(ApiServer(things)) as server:
        assert_failed(await probe(settings("server_memory", server.url)), Reason.DEGRADED)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (lambda: status(500), Reason.SERVER_ERROR, "the answer is 500"),
        (lambda: status(503), Reason.SERVER_ERROR, "the answer is 503"),
        (lambda: status(429), Reason.RATE_LIMITED, "the answer is 429"),
        (lambda: status(404), Reason.STATUS_UNEXPECTED, "the answer is 404"),
        (lambda: status(410), Reason.STATUS_UNEXPECTED, "the answer is 410"),
        (lambda: web.Response(text="<html>"), Reason.BODY_MISMATCH, "the answer is no list of deployments.apps"),
        (lambda: web.json_response([]), Reason.BODY_MISMATCH, "no list of deployments.apps"),
        (lambda: web.json_response({"kind": "Status"}), Reason.BODY_MISMATCH, "no list of deployments.apps"),
        (lambda: web.json_response({"kind": 7, "items": []}), Reason.BODY_MISMATCH, "no list of deployments.apps"),
        (lambda: web.Response(text="[" * 100_000), Reason.BODY_MISMATCH, "no list of deployments.apps"),
        (lambda: page([], "x" * 5000), Reason.BODY_MISMATCH, "goes on with a token that is too long"),
        (lambda: web.Response(body=b" " * 5_000_000), Reason.RESPONSE_TOO_LARGE, "longer than 2097152 bytes"),
        (lambda: web.Response(status=302, headers={"Location": "/"}), Reason.REDIRECT_UNEXPECTED, "302"),
    ],
)
async def test_odd_answers(answer: Callable[[], web.Response], reason: Reason, words: str) -> None:
    async with api_server(ApiServer(answers={DEPLOYMENTS: lambda _: answer()})) as server:
        outcome = await probe(settings("server_probes", server.url))
    assert_failed(outcome, reason)
    assert words in outcome.detail
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("items", [None, 7, "x", {}, [], [None, 7, "x", []]])
async def test_a_list_without_objects_has_none(items: object) -> None:
    absurd: Answer = lambda _: web.json_response({"kind": "DeploymentList", "metadata": None, "items": items})  # noqa: E731
    async with api_server(ApiServer(answers={DEPLOYMENTS: absurd})) as server:
        outcome = await probe(settings("server_probes", server.url))
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.detail == "there is no Deployment of Meshery Server in this namespace"


async def test_a_token_of_a_page_is_sent_back_as_it_came() -> None:
    token = "a b&limit=1\r\nX: y/ü"
    pages = iter([[{"metadata": {"name": "other"}}], healthy()["deployments.apps"]])
    paged: Answer = lambda request: page(next(pages), "" if "continue" in request.query else token)  # noqa: E731
    async with api_server(ApiServer(answers={DEPLOYMENTS: paged})) as server:
        assert_up(await probe(settings("server_probes", server.url)))
        assert server.asked[-1].query["continue"] == token
        assert server.asked[-1].query["limit"] == "50"


async def test_a_token_that_is_no_text_ends_the_list() -> None:
    paged: Answer = lambda request: page([], "" if "continue" in request.query else "\ud800")  # noqa: E731
    async with api_server(ApiServer(answers={DEPLOYMENTS: paged})) as server:
        assert (await probe(settings("server_probes", server.url))).verdict is Verdict.UNKNOWN
        assert server.asked[-1].query["continue"] == "?"


async def test_the_namespace_goes_into_the_path_as_one_step() -> None:
    async with api_server() as server:
        outcome = await probe(settings("server_probes", server.url, namespace="../../pods?x=y"))
        assert outcome.reason is Reason.STATUS_UNEXPECTED
        assert server.asked[-1].rel_url.raw_path == "/apis/apps/v1/namespaces/..%2F..%2Fpods%3Fx%3Dy/deployments"


async def test_a_kubeconfig_leads_there(tmp_path: Path) -> None:
    async with api_server(ApiServer(anonymous=401)) as server:
        file = tmp_path / "kubeconfig"
        document = {
            "clusters": [{"name": "c", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }
        file.write_text(yaml.safe_dump(document))
        keys = {"kind": "checklist", "rule": "operator", "kubeconfig": str(file), "context": "here"}
        assert_up(await probe(keys))
        assert_failed(await probe({**keys, "context": "elsewhere"}), Reason.PERMISSION_DENIED)


async def test_an_api_server_that_hangs_or_drips_takes_no_longer_than_the_timeout() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    for script in (silent, dripping(b" ", first=head)):
        async with serving(script) as server:
            outcome = await probe_in_time(settings("server_probes", f"http://{server.address}"))
        assert_failed(outcome, Reason.RESPONSE_TIMEOUT)


async def test_a_large_answer_is_read_no_further_than_allowed() -> None:
    body = b"x" * 8_000_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with serving(answering(answer)) as server:
        outcome = await probe(settings("server_probes", f"http://{server.address}"))
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


async def test_a_page_of_many_objects_takes_little_memory() -> None:
    other = json.dumps({"metadata": {"name": "other", "labels": {"a": "b"}}})
    body = '{"kind": "DeploymentList", "items": [' + ",".join([other] * 1000) + "]}"
    async with api_server(ApiServer(answers={DEPLOYMENTS: lambda _: web.Response(text=body)})) as server:
        with little_memory():
            outcome = await probe(settings("server_probes", server.url))
    assert outcome.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"rule": "no_such_rule"}, "Input should be 'server_probes'"),
        ({"rule": "operator", "replicas": 0}, "greater than or equal to 1"),
        ({"rule": "server_memory", "memory_headroom": 1.5}, "less than 1"),
        ({"rule": "recovery_drill", "recovery_drill": "soon"}, "valid date"),
        ({"rule": "operator", "kubeconfig": "/k"}, "exactly one of url and kubeconfig"),
        ({}, "Field required"),
    ],
)
def test_wrong_settings(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings_of("checklist").model_validate({"kind": "checklist", "url": "http://api.example.com", **keys})
