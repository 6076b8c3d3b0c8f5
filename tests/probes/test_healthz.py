"""The healthz probe against health endpoints of all kinds."""

from pathlib import Path

import pytest

from agent.core.measures import OTHER
from agent.core.outcome import Outcome
from agent.core.reasons import Phase, Reason
from agent.probes._healthz_format import HEALTHZ_CHECK, parse_health
from agent.probes._http import STATUS_CODE
from agent.probes._network import Network
from agent.probes._proxy import Proxies, Proxy
from tests.probes.bounds import little_memory, probe_in_time
from tests.probes.pages import Page, serving_pages
from tests.probes.support import (
    Script,
    answering,
    assert_failed,
    assert_up,
    ca_file,
    closing,
    dripping,
    endless,
    measured,
    probe,
    refusing,
    server_context,
    serving,
    silent,
)

MESHERY = b"[+]capabilities ok\n[i]extension extension package found\nhealthz check passed\n"
MESHERY_FAILING = (
    b"[-]capabilities failed: provider capabilities not loaded\n[i]extension extension package not found\n"
)
KUBERNETES = b"[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]poststarthook/rbac/bootstrap-roles ok\nreadyz check passed\n"
KUBERNETES_FAILING = (
    b"[+]ping ok\n[-]etcd failed: reason withheld\n[-]shutdown failed: reason withheld\nreadyz check failed\n"
)


def checks(outcome: Outcome) -> dict[str, float]:
    """The measured checks by name."""
    found = [measure for measure in outcome.measures if measure.metric is HEALTHZ_CHECK]
    by_name = {measure.labels[0]: measure.value for measure in found}
    assert len(by_name) == len(found), "a check was measured twice"
    return by_name


@pytest.mark.parametrize(
    ("answer", "expected", "reason", "measures", "words"),
    [
        # Meshery Server, new and old (its k8s_healthz_handler.go)
        ((200, MESHERY), ["capabilities"], None, {"capabilities": 1.0}, "extension package found"),
        ((200, b"ok"), ["capabilities"], None, {}, "names no capabilities"),
        ((200, b"ok\n"), [], None, {}, ""),
        (
            (503, MESHERY_FAILING),
            ["capabilities"],
            Reason.HEALTH_CHECK_FAILED,
            {"capabilities": 0.0},
            "capabilities: provider capabilities not loaded",
        ),
        (
            (503, b"healthz check failed: capabilities: provider capabilities not loaded"),
            ["capabilities"],
            Reason.HEALTH_CHECK_FAILED,
            {},
            "capabilities: provider capabilities not loaded",
        ),
        ((200, MESHERY_FAILING), ["capabilities"], Reason.HEALTH_CHECK_FAILED, {"capabilities": 0.0}, "not loaded"),
        # Kubernetes
        ((200, KUBERNETES), ["etcd"], None, {"etcd": 1.0, OTHER: 1.0}, ""),
        ((200, KUBERNETES.replace(b"\n", b"\r\n")), ["etcd"], None, {"etcd": 1.0, OTHER: 1.0}, ""),
        (
            (500, KUBERNETES_FAILING),
            ["etcd", "ping"],
            Reason.HEALTH_CHECK_FAILED,
            {"etcd": 0.0, "ping": 1.0, OTHER: 0.0},
            "shutdown: reason withheld",
        ),
        ((503, b"not ready"), [], Reason.HEALTH_CHECK_FAILED, {}, '"not ready"'),  # MeshSync's /readyz
        # What is no health endpoint
        ((200, b"<!DOCTYPE html><title>Meshery</title>"), [], Reason.BODY_MISMATCH, {}, "not a health answer"),
        ((200, b""), [], Reason.BODY_MISMATCH, {}, "not a health answer"),
        ((200, b'{"status":"ok"}'), [], Reason.BODY_MISMATCH, {}, "not a health answer"),
        ((200, b"[+]a ok\n" * 9000), [], Reason.RESPONSE_TOO_LARGE, {OTHER: 1.0}, "longer than"),
        ((503, b"<html><h1>503 Service Temporarily Unavailable"), [], Reason.SERVER_ERROR, {}, "503"),
        ((503, b""), [], Reason.SERVER_ERROR, {}, "503"),
        ((502, b"upstream connect error"), [], Reason.SERVER_ERROR, {}, "502"),
        ((404, b"404 page not found"), [], Reason.STATUS_UNEXPECTED, {}, "404"),
        ((429, b"slow down"), [], Reason.RATE_LIMITED, {}, "429"),
        ((401, b""), [], None, {}, "wants authentication"),
    ],
)
async def test_answers(
    answer: Page, expected: list[str], reason: Reason | None, measures: dict[str, float], words: str
) -> None:
    async with serving(serving_pages({"/healthz/live?verbose=1": answer})) as server:
        outcome = await probe(
            {"kind": "healthz", "url": f"http://{server.address}/healthz/live", "expect": {"checks": expected}}
        )
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert words in outcome.detail
    assert checks(outcome) == measures
    assert measured(outcome, STATUS_CODE) == answer[0]


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", "/healthz?verbose=1"),
        ("?js=1", "/healthz?js=1&verbose=1"),
        ("?verbose", "/healthz?verbose"),
        ("?verbose=true", "/healthz?verbose=true"),
    ],
)
async def test_verbose_is_asked_for_once(query: str, asked: str) -> None:
    seen: list[str] = []
    async with serving(serving_pages({"/healthz": (200, MESHERY)}, seen=seen)) as server:
        assert_up(await probe({"kind": "healthz", "url": f"http://{server.address}/healthz{query}"}))
    assert seen == [asked]


async def test_a_hostile_answer_stays_bounded_and_escaped() -> None:
    hostile = b"".join(b"[-]check\x1b[31m%d failed: \xff\x00 %s\n" % (number, b"x" * 500) for number in range(100))
    async with serving(serving_pages({"/": (500, hostile)})) as server:
        outcome = await probe({"kind": "healthz", "url": f"http://{server.address}/"})
    assert_failed(outcome, Reason.HEALTH_CHECK_FAILED)
    assert "and 95 more" in outcome.detail
    assert outcome.detail.isprintable()
    assert len(outcome.detail) < 400
    assert checks(outcome) == {OTHER: 0.0}


async def test_an_expected_status() -> None:
    expect = {"status": [503]}
    async with serving(serving_pages({"/a": (503, b"healthz check passed"), "/b": (200, b"ok")})) as server:
        assert_up(await probe({"kind": "healthz", "url": f"http://{server.address}/a", "expect": expect}))
        outcome = await probe({"kind": "healthz", "url": f"http://{server.address}/b", "expect": expect})
    assert_failed(outcome, Reason.STATUS_UNEXPECTED)


async def test_redirects() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /provider?x=1\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(redirect)) as server:
        settings = {"kind": "healthz", "url": f"http://{server.address}/healthz"}
        assert_failed(await probe(settings), Reason.REDIRECT_UNEXPECTED)
        outcome = await probe({**settings, "expect": {"login_paths": ["/provider"]}})
    assert_up(outcome)
    assert "sign in" in outcome.detail


async def test_tls_authentication_and_proxy(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("a-password-of-the-tests")
    keys = {
        "kind": "healthz",
        "tls": {"ca_file": ca_file(tmp_path)},
        "auth": {"basic_auth": {"username": "monitor", "password_file": str(password)}},
    }
    async with serving(serving_pages({"/": (200, MESHERY)}), tls=server_context()) as server:
        outcome = await probe({**keys, "url": f"https://{server.address}/"})
        assert_up(outcome)
        assert Phase.TLS in outcome.phase_seconds()
        assert_failed(await probe({"kind": "healthz", "url": f"https://{server.address}/"}), Reason.TLS_UNTRUSTED)
    async with serving(serving_pages({"/": (403, b"no")}), tls=server_context()) as server:
        assert_failed(await probe({**keys, "url": f"https://{server.address}/"}), Reason.AUTH_REJECTED)
    async with serving(answering(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy:
        network = Network(proxies=Proxies(https=Proxy(proxy.host, proxy.port, "")))
        outcome = await probe({"kind": "healthz", "url": "https://health.example.com/"}, network=network)
    assert_failed(outcome, Reason.PROXY_REFUSED)


@pytest.mark.parametrize(
    ("server", "reason"), [("tinyproxy/1.11.1", Reason.PROXY_REFUSED), ("meshery", Reason.HEALTH_CHECK_FAILED)]
)
async def test_a_503_through_a_proxy_is_the_proxys_where_it_says_so(server: str, reason: Reason) -> None:
    answer = (
        f"HTTP/1.1 503 Unavailable\r\nServer: {server}\r\nContent-Length: 23\r\n\r\n[-]a failed: it is gone".encode()
    )
    async with serving(answering(answer)) as proxy:
        network = Network(proxies=Proxies(http=Proxy(proxy.host, proxy.port, "")))
        outcome = await probe({"kind": "healthz", "url": "http://health.example.com/"}, network=network)
    assert_failed(outcome, reason)
    assert f"the proxy {proxy.address}" in outcome.detail


@pytest.mark.parametrize("script", [silent, dripping(b"x", first=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
async def test_a_slow_server_meets_the_deadline(script: Script) -> None:
    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "healthz", "url": f"http://{server.address}/"})
    assert_failed(outcome, Reason.RESPONSE_TIMEOUT)


async def test_an_endless_answer_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n"
    async with serving(endless(b"[+]a ok\n", first=head)) as server:
        with little_memory():
            outcome = await probe({"kind": "healthz", "url": f"http://{server.address}/"})
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


async def test_no_answer() -> None:
    with refusing() as address:
        assert_failed(await probe({"kind": "healthz", "url": f"http://{address}/"}), Reason.CONNECT_REFUSED)
    async with serving(closing) as server:
        outcome = await probe({"kind": "healthz", "url": f"http://{server.address}/"})
    assert_failed(outcome, Reason.CONNECTION_CLOSED)


def test_the_format_is_read_leniently() -> None:
    answer = parse_health(b"[+]one\n[-]two\n[i]\n[x]three ok\n [+]four ok\n[+]etcd excluded: ok\nlivez check passed")
    assert answer.passed == ("one", "etcd")
    assert answer.failed == {"two": ""}
    assert answer.recognised
