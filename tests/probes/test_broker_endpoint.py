"""The endpoint that the Operator publishes for the Broker: read from the API server, and tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web

from agent.core.outcome import Verdict
from agent.core.reasons import Phase, Reason
from agent.probes import settings_of
from agent.probes._network import Network
from tests.probes.support import (
    Script,
    assert_failed,
    assert_up,
    closing,
    dripping,
    probe,
    refusing,
    saying,
    serving,
    silent,
)
from tests.servers.process import free_port
from tests.servers.run import nats_server

INFO = b'INFO {"server_id":"N","version":"2.14.2","client_id":7,"auth_required":true}\r\n'
LAME_DUCK = b'INFO {"server_id":"N","version":"2.14.2","client_id":7,"ldm":true}\r\n'
PATH = "/apis/meshery.io/v1alpha1/namespaces/meshery/brokers/meshery-broker"
TOKEN = "s3cret-token"


def broker(**endpoint: str) -> dict[str, object]:
    """A Broker resource whose status has this endpoint."""
    return {
        "apiVersion": "meshery.io/v1alpha1",
        "kind": "Broker",
        "metadata": {"name": "meshery-broker", "namespace": "meshery"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "endpoint": endpoint},
    }


@asynccontextmanager
async def api_server(
    answer: object, status: int = 200, services: Callable[[], Awaitable[web.Response]] | None = None
) -> AsyncIterator[str]:
    """An API server that has one resource and knows one token; `services`: what it says of each Service.

    Yields its URL.
    """

    async def get(request: web.Request) -> web.Response:
        authorization = request.headers.get("Authorization")
        if authorization not in (None, f"Bearer {TOKEN}"):
            return web.json_response({"kind": "Status", "code": 401}, status=401)
        if services is not None and "/services/" in request.path:
            return await services()
        if request.path != PATH:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return web.json_response(answer, status=status)

    application = web.Application()
    application.router.add_get("/{path:.*}", get)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def settings(url: str, **keys: object) -> dict[str, object]:
    return {"kind": "broker_endpoint", "url": url, **keys}


@pytest.mark.servers("nats-server")
async def test_a_real_broker_at_either_endpoint() -> None:
    with nats_server(token="broker-token") as server, refusing() as elsewhere:
        address = f"127.0.0.1:{server.port}"
        for published, words in (
            ({"internal": address, "external": ""}, f"at its internal endpoint {address}"),
            ({"internal": elsewhere, "external": address}, f"at its external endpoint {address}"),
            ({"external": f"http://{address}"}, f"at its external endpoint {address}"),
        ):
            async with api_server(broker(**published)) as url:
                outcome = await probe(settings(url))
            assert_up(outcome)
            assert outcome.detail == f"the Broker answers {words}"


async def test_a_published_load_balancer_that_refuses() -> None:
    with refusing() as internal, refusing() as external:
        async with api_server(broker(internal=internal, external=external)) as url:
            outcome = await probe(settings(url))
    assert_failed(outcome, Reason.ENDPOINT_UNREACHABLE)
    assert outcome.detail == (
        f"the Operator publishes {external} (an IP address), and the Broker does not answer from here: "
        f"{internal} failed with connect_refused: Connection refused; "
        f"{external} failed with connect_refused: Connection refused"
    )


@pytest.mark.parametrize(
    ("script", "words", "phase"),
    [
        (silent, "did not answer within ", Phase.RESPONSE),
        (dripping(b"IN"), "failed with protocol_error: not a NATS server", Phase.RESPONSE),
        (closing, "failed with connection_closed", Phase.RESPONSE),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n"), "failed with protocol_error: not a NATS server", Phase.RESPONSE),
        (saying(LAME_DUCK), "failed with shutting_down: the server is in lame duck mode", Phase.RESPONSE),
    ],
)
async def test_a_published_endpoint_behind_which_there_is_no_broker(
    script: Script, words: str, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.core.run._VERDICT_MARGIN", 1.5)  # for whatever else the machine does
    async with serving(script) as server, api_server(broker(external=server.address)) as url:
        outcome = await probe(settings(url), timeout=3.0)
    assert_failed(outcome, Reason.ENDPOINT_UNREACHABLE)
    assert f"{server.address} {words}" in outcome.detail
    assert outcome.phase is phase


async def test_a_silent_internal_endpoint_leaves_time_for_the_external_one() -> None:
    async with AsyncExitStack() as stack:
        hung = await stack.enter_async_context(serving(silent))
        good = await stack.enter_async_context(serving(saying(INFO)))
        url = await stack.enter_async_context(api_server(broker(internal=hung.address, external=good.address)))
        outcome = await probe(settings(url), timeout=3.0)
    assert_up(outcome)
    assert outcome.detail == f"the Broker answers at its external endpoint {good.address}"


async def answer_late() -> web.Response:
    await asyncio.sleep(6)
    return web.Response()


async def say_too_much() -> web.Response:
    return web.Response(body=b"x" * 300_000)


async def say_nonsense() -> web.Response:
    return web.json_response(["x"])


async def say_no_ports() -> web.Response:
    return web.json_response({"kind": "Service", "spec": 7, "status": {"loadBalancer": "x"}})


@pytest.mark.parametrize(
    ("services", "remark"),
    [
        (answer_late, "; what else could be published is not known: TimeoutError"),
        (
            say_too_much,
            "; what else could be published is not known: the answer to /api/v1/namespaces/meshery/services",
        ),
        (say_nonsense, ""),
        (say_no_ports, ""),
    ],
)
async def test_the_verdict_does_not_depend_on_what_could_be_published(
    services: Callable[[], Awaitable[web.Response]], remark: str
) -> None:
    async with (
        serving(saying(INFO)) as server,
        api_server(broker(external=server.address), services=services) as url,
    ):
        outcome = await probe(settings(url), timeout=3.0)
    assert_up(outcome)
    beginning = f"the Broker answers at its external endpoint {server.address}"
    assert outcome.detail.startswith(beginning + remark)
    assert remark or outcome.detail == beginning


async def test_a_published_name_that_does_not_resolve() -> None:
    async with api_server(broker(external="no-such-name..test:4222")) as url:
        outcome = await probe(settings(url))
    assert_failed(outcome, Reason.ENDPOINT_UNREACHABLE)
    assert "no-such-name..test:4222 (a host name)" in outcome.detail
    assert "failed with dns_" in outcome.detail


@pytest.mark.parametrize(
    ("answer", "status", "detail", "advice"),
    [
        ({"kind": "Status", "code": 404}, 404, "no Broker resource meshery/meshery-broker", "embedded MeshSync"),
        ({"kind": "Status", "code": 403}, 403, "wants authentication (403)", "may get brokers.meshery.io"),
        ({"kind": "Status", "code": 401}, 401, "wants authentication (401)", "may get brokers.meshery.io"),
        (broker(internal=f"127.0.0.1:{free_port()}", external=""), 200, "no external endpoint", "LoadBalancer"),
    ],
)
async def test_what_says_nothing_of_the_broker(answer: object, status: int, detail: str, advice: str) -> None:
    async with api_server(answer, status) as url:
        outcome = await probe(settings(url))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert detail in outcome.detail
    assert advice in outcome.advice


@pytest.mark.parametrize(
    ("answer", "status", "reason", "words"),
    [
        (broker(), 200, Reason.DEGRADED, "names no endpoint: the Operator has not reconciled it"),
        ({"kind": "Broker", "status": ["x"]}, 200, Reason.DEGRADED, "names no endpoint"),
        ({"kind": "Pod"}, 200, Reason.BODY_MISMATCH, "no Broker resource"),
        (["x"], 200, Reason.BODY_MISMATCH, "no Broker resource"),
        (broker(external="lb"), 200, Reason.BODY_MISMATCH, 'the published endpoint "lb" is no host:port'),
        (broker(external="a\x1b[31m:4222"), 200, Reason.BODY_MISMATCH, '"a\\x1b[31m:4222" is no host:port'),
        (broker(external="a" * 300 + ":4222"), 200, Reason.BODY_MISMATCH, "is no host:port"),
        (broker(external="h:99999"), 200, Reason.BODY_MISMATCH, "is no host:port"),
        ({"kind": "Status", "code": 500}, 500, Reason.SERVER_ERROR, "the answer is 500"),
        ({"kind": "Status", "code": 429}, 429, Reason.RATE_LIMITED, "the answer is 429"),
    ],
)
async def test_odd_resources(answer: object, status: int, reason: Reason, words: str) -> None:
    async with api_server(answer, status) as url:
        outcome = await probe(settings(url))
    assert_failed(outcome, reason)
    assert words in outcome.detail
    assert outcome.detail.isprintable()


async def test_a_token_that_is_not_accepted(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with serving(saying(INFO)) as server, api_server(broker(external=server.address)) as url:
        for text, reason in ((TOKEN, None), ("other-token", Reason.AUTH_REJECTED)):
            token.write_text(text)
            outcome = await probe(settings(url, auth={"authorization": {"credentials_file": str(token)}}))
            assert outcome.reason is reason


async def test_a_published_address_that_policy_forbids_is_not_dialled() -> None:
    async with serving(saying(INFO), host="127.0.0.9") as server, api_server(broker(external=server.address)) as url:
        outcome = await probe(settings(url), network=Network(forbidden=(ip_network("127.0.0.9/32"),)))
        assert server.connections == 0
    assert_failed(outcome, Reason.ADDRESS_FORBIDDEN)
    assert outcome.verdict is Verdict.UNKNOWN


def test_the_target_is_the_api_server() -> None:
    model = settings_of("broker_endpoint").model_validate(settings("https://east.example.com:6443"))
    assert (model.target(), str(model.endpoint())) == ("https://east.example.com:6443", "east.example.com:6443")
