"""The client against a real API server: who it is, what it refuses, and what it does not put up with."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
from aiohttp import web

from agent.cluster.client import AnswerTooLargeError, ApiError, Cluster, connect
from agent.cluster.service_account import service_account_access
from agent.core.run import ProbeFailure
from agent.probes._network import Network
from agent.probes._proxy import Proxies, Proxy
from agent.settings.kubernetes import KubernetesSettings
from tests.cluster.gate import gate
from tests.cluster.support import SECONDS, config_map, config_maps, connected, serving
from tests.servers import kubernetes as servers
from tests.servers.kubernetes_certificates import Certificates
from tests.servers.run import tinyproxy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.servers("etcd", "kube-apiserver")]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client(settings: KubernetesSettings, proxies: Proxies | None = None) -> AsyncIterator[Cluster]:
    cluster = connect(settings, Network(proxies=proxies))
    try:
        yield cluster
    finally:
        await cluster.close()


def pod_folder(of: servers.Cluster, folder: Path, token: str) -> Path:
    """What the kubelet puts into each pod."""
    (folder / "ca.crt").write_bytes(of.certificates.authority.read_bytes())
    (folder / "token").write_text(f"{token}\n")
    return folder


@asynccontextmanager
async def in_a_pod(of: servers.Cluster, folder: Path) -> AsyncIterator[Cluster]:
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(of.api.port)}
    cluster = Cluster(lambda: service_account_access(environment, folder), Network())
    try:
        yield cluster
    finally:
        await cluster.close()


@asynccontextmanager
async def in_front(handler: Handler, folder: Path) -> AsyncIterator[Cluster]:
    """Something before an API server that answers itself, and a client of it."""
    async with serving(handler) as port:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(
            json.dumps(
                {
                    "current-context": "front",
                    "contexts": [{"name": "front", "context": {"cluster": "front", "user": "front"}}],
                    "clusters": [{"name": "front", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                    "users": [{"name": "front", "user": {"token": "a-token-of-the-tests"}}],
                }
            )
        )
        async with client(KubernetesSettings(kubeconfig=kubeconfig)) as cluster:
            yield cluster


async def test_a_kubeconfig_leads_to_the_cluster(kubernetes: servers.Cluster) -> None:
    async with client(KubernetesSettings(kubeconfig=kubernetes.kubeconfig(), context="test")) as cluster:
        assert (await cluster.get("/version"))["major"] == "1"


async def test_objects_are_created_replaced_and_not_by_two_at_once(kubernetes: servers.Cluster) -> None:
    namespace = kubernetes.namespace()
    async with connected(kubernetes) as cluster:
        created = await cluster.write("POST", config_maps(namespace), config_map("thing", namespace))
        path = f"{config_maps(namespace)}/thing"
        assert (await cluster.write("PUT", path, {**created, "data": {"a": "b"}}))["data"] == {"a": "b"}
        with pytest.raises(ApiError) as refused:
            await cluster.write("PUT", path, {**created, "data": {"c": "d"}})
        assert (refused.value.status, refused.value.reason) == (409, "Conflict")


async def test_a_pod_asks_as_its_service_account(kubernetes: servers.Cluster, tmp_path: Path) -> None:
    namespace = kubernetes.namespace()
    folder = pod_folder(kubernetes, tmp_path, kubernetes.token("default", namespace))
    async with in_a_pod(kubernetes, folder) as cluster:
        assert (await cluster.get("/version"))["major"] == "1"
        with pytest.raises(ApiError, match=f"system:serviceaccount:{namespace}:default") as refused:
            await cluster.get(config_maps(namespace))
        assert (refused.value.status, refused.value.reason) == (403, "Forbidden")


async def test_a_refusal_is_told_down_to_the_namespace_at_its_end(kubernetes: servers.Cluster, tmp_path: Path) -> None:
    namespace = kubernetes.namespace()
    folder = pod_folder(kubernetes, tmp_path, kubernetes.token("default", namespace))
    async with in_a_pod(kubernetes, folder) as cluster:
        with pytest.raises(ApiError) as refused:
            await cluster.get(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
    assert refused.value.message.endswith(f'in the namespace \\"{namespace}\\""')


async def test_a_new_token_in_the_file_is_used(kubernetes: servers.Cluster, tmp_path: Path) -> None:
    folder = pod_folder(kubernetes, tmp_path, "an-old-token")
    async with in_a_pod(kubernetes, folder) as cluster:
        with pytest.raises(ApiError) as refused:
            await cluster.get("/version")
        assert refused.value.status == 401
        (folder / "fresh").write_text(kubernetes.token("default", kubernetes.namespace()))
        (folder / "fresh").replace(folder / "token")
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    assert await cluster.get("/version")
                    return
                except ApiError:
                    await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("name", "content"),
    [("token", None), ("token", "two\nlines-of-s3cret"), ("ca.crt", None), ("ca.crt", "no certificate")],
)
async def test_what_cannot_be_read_is_named_and_not_shown(
    kubernetes: servers.Cluster, tmp_path: Path, name: str, content: str | None
) -> None:
    folder = pod_folder(kubernetes, tmp_path, "some-token")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    async with in_a_pod(kubernetes, folder) as cluster:
        words = re.escape(name) if content is None else "TLS files|cannot be sent"
        with pytest.raises(OSError, match=words) as failed:
            await cluster.get("/version")
    assert "s3cret" not in str(failed.value)


async def test_without_a_kubeconfig_or_a_pod_the_error_says_so(tmp_path: Path) -> None:
    async with client(KubernetesSettings(kubeconfig=tmp_path / "none")) as cluster:
        with pytest.raises(OSError, match="cannot use the kubeconfig"):
            await cluster.get("/version")
    with pytest.raises(ProbeFailure, match="this is no pod; name a kubeconfig"):
        service_account_access({}, tmp_path)


async def test_a_server_that_is_not_the_clusters_gets_no_token(kubernetes: servers.Cluster, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    authority = Certificates.issue(other).authority
    folder = pod_folder(kubernetes, tmp_path, "some-token")
    (folder / "ca.crt").write_bytes(authority.read_bytes())
    async with in_a_pod(kubernetes, folder) as cluster:
        with pytest.raises(OSError, match="certificate verify failed"):
            await cluster.get("/version")


class EverywhereBy(Proxies):
    """One proxy leads everywhere, to loopback, too."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy

    def choose(self, scheme: str, host: str, port: int) -> Proxy | None:
        return self._proxy


@pytest.mark.servers("tinyproxy")
async def test_the_way_may_lead_through_a_proxy(kubernetes: servers.Cluster) -> None:
    settings = KubernetesSettings(kubeconfig=kubernetes.kubeconfig())
    with tinyproxy("BasicAuth me s3cret") as server:
        proxy = Proxy("127.0.0.1", server.port, "me:s3cret")
        async with client(settings, EverywhereBy(proxy)) as cluster:
            assert (await cluster.get("/version"))["major"] == "1"
        async with client(settings, EverywhereBy(proxy._replace(credentials="me:wrong"))) as cluster:
            with pytest.raises(OSError, match="Unauthorized"):
                await cluster.get("/version")


async def test_silence_is_a_timeout(kubernetes: servers.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.cluster.client._CALL_SECONDS", 0.3)
    async with gate(kubernetes.api.port) as between, connected(kubernetes, port=between.port) as cluster:
        between.swallow(new=True)
        began = monotonic()
        with pytest.raises(TimeoutError):
            await cluster.get("/version")
        assert monotonic() - began < SECONDS


async def test_many_watches_leave_room_for_a_call(kubernetes: servers.Cluster) -> None:
    path = config_maps(kubernetes.namespace())
    async with gate(kubernetes.api.port) as between, connected(kubernetes, port=between.port) as cluster:

        async def watch() -> None:
            async with cluster.watch(path, {}, seconds=SECONDS) as events:
                async for _ in events:
                    pass

        watches = [asyncio.create_task(watch()) for _ in range(110)]
        async with asyncio.timeout(SECONDS):
            while between.connections < len(watches):
                await asyncio.sleep(0.01)
            assert await cluster.get("/version")
        for each in watches:
            each.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


async def test_a_refusal_tells_when_to_ask_again(tmp_path: Path) -> None:
    answers = [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1000000"}, 300.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "Wed, 21 Oct 2037 07:28:00 GMT"}, None),
        ({}, None),
    ]
    asked = iter(answers)

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=429, headers=next(asked)[0], text="Too many requests, please try again later.")

    async with in_front(refuse, tmp_path) as cluster:
        for _, expected in answers:
            with pytest.raises(ApiError) as refused:
                await cluster.get("/version")
            assert (refused.value.status, refused.value.retry_after) == (429, expected)
            assert "try again later" in refused.value.message


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async def redirect(request: web.Request) -> web.Response:
        assert request.path != "/elsewhere"
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with in_front(redirect, tmp_path) as cluster:
        with pytest.raises(ApiError) as refused:
            await cluster.get("/version")
        assert refused.value.status == 302


async def test_a_secret_that_is_sent_back_is_not_shown(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"message": f"\x1b[31m{request.headers['Authorization']}"}, status=400)

    async with in_front(echo, tmp_path) as cluster:
        with pytest.raises(ApiError) as refused:
            await cluster.get("/version")
        assert refused.value.message == '"\\x1b[31mBearer <secret>"'


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"\xff\xfe", b"[" * 100_000])
async def test_an_answer_that_is_no_object_is_an_error(tmp_path: Path, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with in_front(answer, tmp_path) as cluster:
        with pytest.raises(OSError, match="no JSON object"):
            await cluster.get("/version")
        if body:
            with pytest.raises(OSError, match=r"JSON object|cut in the middle"):
                async with cluster.watch("/version", {}, seconds=5) as events:
                    await anext(events)


async def test_an_endless_answer_is_not_kept(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1024 * 1024)

    async with in_front(endless, tmp_path) as cluster:
        with pytest.raises(AnswerTooLargeError):
            await cluster.get("/version")
        with pytest.raises(AnswerTooLargeError):
            async with cluster.watch("/version", {}, seconds=SECONDS) as events:
                await anext(events)
