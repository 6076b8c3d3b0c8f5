"""The callback probe against a web server that signs people in as Meshery Server does."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from tests.probes.bounds import probe_in_time
from tests.probes.support import answering, assert_failed, assert_up, probe, serving, silent

EXTERNAL = "https://meshery.example.com"
PATH = "/api/user/token"


def _provider(*features: str, kind: str = "remote", key: str = "provider_type") -> dict[str, object]:
    return {key: kind, "capabilities": [{"feature": feature, "endpoint": "/"} for feature in features]}


REMOTE = {"Local": _provider("sync-prefs", kind="local"), "Meshery": _provider("sync-prefs", "users-profile")}


@dataclass
class Meshery:
    """What the server says, and who asked it for a sign-in."""

    callback: str = f"{EXTERNAL}{PATH}"
    providers: Mapping[str, object] = field(default_factory=lambda: REMOTE)
    url: str = ""
    asked: list[str | None] = field(default_factory=list)

    async def list_providers(self, request: web.Request) -> web.Response:
        return web.json_response(self.providers)

    async def login(self, request: web.Request) -> web.Response:
        self.asked.append(request.cookies.get("meshery-provider"))
        source = urlsafe_b64encode(self.callback.encode()).decode().rstrip("=")
        raise web.HTTPFound(f"https://cloud.example.com/login?source={source}&meshery_version=v0.8.1")


@asynccontextmanager
async def running(meshery: Meshery) -> AsyncIterator[Meshery]:
    app = web.Application()
    app.router.add_get("/api/providers", meshery.list_providers)
    app.router.add_get("/user/login", meshery.login)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        meshery.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield meshery
    finally:
        await runner.cleanup()


async def _ask(meshery: Meshery, **settings: object) -> Outcome:
    async with running(meshery):
        return await probe({"kind": "callback", "url": meshery.url, "callback": EXTERNAL, **settings})


GOOD = [EXTERNAL + PATH, EXTERNAL, f"{EXTERNAL}/", "https://MESHERY.example.com:443" + PATH]


@pytest.mark.parametrize("callback", GOOD)
async def test_a_sign_in_that_leads_back_to_where_users_are_is_up(callback: str) -> None:
    meshery = Meshery(callback)
    outcome = await _ask(meshery)
    assert_up(outcome)
    assert callback in outcome.detail
    assert ("is not part of it" in outcome.detail) == (not callback.endswith(PATH))
    assert meshery.asked == ["Meshery"]


async def test_by_default_users_are_where_the_probe_asks() -> None:
    meshery = Meshery()
    async with running(meshery):
        meshery.callback = meshery.url + PATH
        assert_up(await probe({"kind": "callback", "url": meshery.url}))


DRIFTED = [
    "http://meshery.example.com" + PATH,
    "http://meshery.meshery.svc:9081" + PATH,
    "https://other.example.com" + PATH,
    f"{EXTERNAL}:8443{PATH}",
    f"{EXTERNAL}/other{PATH}",
    "http://[broken",
    "\x00\x1b[31m" * 100,
]


@pytest.mark.parametrize("callback", DRIFTED)
async def test_a_sign_in_that_leads_elsewhere_has_drifted(callback: str) -> None:
    outcome = await _ask(Meshery(callback))
    assert_failed(outcome, Reason.CALLBACK_DRIFT)
    assert EXTERNAL + PATH in outcome.detail
    assert outcome.detail.isprintable()
    assert len(outcome.detail) < 600


NOT_ASKED = [
    ({"Meshery": _provider("persist-anonymous-user", "sync-prefs")}, "lets users in anonymously"),
    ({"Meshery": _provider()}, "does not say what it is capable of"),
    ({"Meshery": {"provider_type": "remote", "capabilities": "none"}}, "does not say what it is capable of"),
    ({"Local": _provider("sync-prefs", kind="local")}, "lists no Remote Provider"),
    ({"evil\r\nX: y": _provider("sync-prefs")}, "lists no Remote Provider"),
    ({"Meshery": "remote"}, "lists no Remote Provider"),
    ({}, "lists no Remote Provider"),
]


@pytest.mark.parametrize(("providers", "detail"), NOT_ASKED)
async def test_nobody_is_asked_where_the_call_could_create_a_user(providers: dict[str, object], detail: str) -> None:
    meshery = Meshery(providers=providers)
    outcome = await _ask(meshery)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert detail in outcome.detail
    assert outcome.advice
    assert meshery.asked == []


async def test_a_named_provider_is_asked() -> None:
    providers = {"A": _provider("x"), "B": _provider("x", key="providerType")}
    meshery = Meshery(providers=providers)
    assert_up(await _ask(meshery, provider="B"))
    assert meshery.asked == ["B"]


async def test_a_provider_that_the_server_does_not_know_is_not_asked() -> None:
    meshery = Meshery()
    outcome = await _ask(meshery, provider="Layer5")
    assert outcome.verdict is Verdict.UNKNOWN
    assert '"Layer5"' in outcome.detail
    assert meshery.asked == []


async def test_a_sign_in_without_a_callback_says_nothing() -> None:
    outcome = await _ask(Meshery(callback=""))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert "does not name a callback" in outcome.detail


ANSWERS = [
    (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", Reason.SERVER_ERROR),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Reason.STATUS_UNEXPECTED),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", Reason.BODY_MISMATCH),
    (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", Reason.REDIRECT_UNEXPECTED),
]


@pytest.mark.parametrize(("answer", "reason"), ANSWERS)
async def test_a_server_that_lists_no_providers_is_down(answer: bytes, reason: Reason) -> None:
    async with serving(answering(answer)) as server:
        assert_failed(await probe({"kind": "callback", "url": f"http://{server.address}"}), reason)


async def test_a_sign_in_in_front_of_meshery_says_nothing() -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: https://sso.example.com/start\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(answer)) as server:
        settings = {"kind": "callback", "url": f"http://{server.address}"}
        outcome = await probe({**settings, "expect": {"login_paths": ["https://sso.example.com/"]}})
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)


async def test_a_silent_server_ends_with_the_timeout() -> None:
    async with serving(silent) as server:
        outcome = await probe_in_time({"kind": "callback", "url": f"http://{server.address}"})
    assert_failed(outcome, Reason.RESPONSE_TIMEOUT)
