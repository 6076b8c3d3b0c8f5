"""A reflector against a real API server: nothing is lost, nothing is counted twice, whatever happens between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count, pairwise
from pathlib import Path
from time import monotonic, time

import pytest
from aiohttp import ClientSession, TCPConnector, web

from agent.cluster.client import Cluster
from agent.cluster.reflector import Reflector
from agent.probes._json import child
from tests.cluster.gate import gate
from tests.cluster.support import (
    NotingCluster,
    config_map,
    config_maps,
    connected,
    names,
    running,
    serving,
    until,
)
from tests.cluster.watched import watched
from tests.servers import kubernetes as servers
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes_api import ApiClient, ApiError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.servers("etcd", "kube-apiserver")]

BRIM = "\x01" * 480_000 + '\x7f"\\\u2028\U0001f4a5'
"""Fills an object almost to the 3 MiB in JSON that the API server takes."""


async def test_what_happens_to_objects_is_seen(kubernetes: servers.Cluster) -> None:
    async with watched(kubernetes) as it:
        assert (it.known(), it.changes) == ({}, 1)
        it.put("one", key="a")
        it.put("two")
        await until(lambda: it.known() == {"one": {"key": "a"}, "two": {}})
        it.put("one", key="b")
        await until(lambda: it.known()["one"] == {"key": "b"})
        first = set(it.reflector.objects)
        it.delete("two")
        it.delete("one")
        it.put("one", key="c")
        await until(lambda: it.known() == {"one": {"key": "c"}})
        assert not first & it.reflector.objects.keys()  # another uid: another object, though its name is the same
        assert it.changes == 1 + 6
        assert len(it.cluster.lists) == 1
        assert not any("managedFields" in child(each, "metadata") for each in it.reflector.objects.values())


async def test_an_object_that_no_longer_matches_is_gone(kubernetes: servers.Cluster) -> None:
    async with watched(kubernetes, label_selector="app=web") as it:
        thing = config_map("thing", it.namespace)
        thing["metadata"]["labels"] = {"app": "web"}
        it.kubernetes.admin.apply(thing)
        it.put("unlabelled")
        await until(lambda: it.known().keys() == {"thing"})
        thing["metadata"]["labels"] = {"app": "database"}
        it.kubernetes.admin.apply(thing)
        await until(lambda: not it.known())


async def test_more_objects_than_a_page_come_by_pages(kubernetes: servers.Cluster) -> None:
    namespace = kubernetes.namespace()
    wanted = {f"thing-{number:03}" for number in range(230)}
    for name in wanted:
        kubernetes.admin.create(config_maps(namespace), config_map(name, namespace))
    async with connected(kubernetes) as cluster:
        reflector = Reflector(cluster, config_maps(namespace), changed=lambda: None)
        async with running(reflector.run()):
            await until(lambda: reflector.synced)
            assert names(reflector) == wanted
    assert ["continue" in asked for asked in cluster.lists] == [False, True, True]


async def test_bookmarks_move_a_quiet_watch_on(kubernetes: servers.Cluster) -> None:
    """They come two seconds before the end of a watch, if something has changed outside of what it watches."""
    async with watched(kubernetes, watch_seconds=4.0) as it:
        other, number = it.kubernetes.namespace(), count()
        listed, began = it.reflector.last_success, it.cluster.watches[0]["resourceVersion"]
        while it.cluster.watches[-1]["resourceVersion"] == began:
            it.kubernetes.admin.apply(config_map("elsewhere", other, key=str(next(number))))
            await asyncio.sleep(0.1)
        assert listed < it.reflector.last_success <= time()
        assert (it.changes, len(it.cluster.lists)) == (1, 1)


async def test_a_cut_in_the_middle_of_an_object_loses_nothing(kubernetes: servers.Cluster) -> None:
    async with watched(kubernetes) as it:
        it.put("before")
        await until(lambda: "before" in it.known())
        it.gate.cut_after(40_000)
        it.put("large", key="x" * 100_000)
        it.put("after")
        await until(lambda: it.known().keys() == {"before", "large", "after"})
        assert it.known()["large"] == {"key": "x" * 100_000}
        assert len(it.cluster.watches) > 1
        assert (it.changes, len(it.cluster.lists)) == (1 + 3, 1)


async def test_what_cannot_be_asked_stays_and_its_age_shows(kubernetes: servers.Cluster) -> None:
    async with watched(kubernetes) as it:
        it.put("one")
        await until(lambda: "one" in it.known())
        it.gate.close()
        it.put("two")
        it.delete("one")
        await until(lambda: it.reflector.problem)
        told = it.reflector.last_success
        await until(lambda: len(it.cluster.watches) >= 3)
        assert (it.known(), it.reflector.last_success) == ({"one": {}}, told)
        it.gate.open()
        await until(lambda: it.known() == {"two": {}})
        assert it.reflector.last_success > told
        assert not it.reflector.problem


async def test_a_dead_watch_is_noticed(kubernetes: servers.Cluster) -> None:
    async with watched(kubernetes, watch_seconds=1.0) as it:
        it.gate.swallow(new=False)
        it.put("unseen")
        dead = it.gate.connections
        await until(lambda: it.gate.connections > dead)
        await until(lambda: "unseen" in it.known())


async def test_a_token_that_has_run_out_is_read_again(kubernetes: servers.Cluster, tmp_path: Path) -> None:
    """The old token ends with its service account, some 10 s later: so long the API server remembers whom it let in."""
    namespace = kubernetes.namespace()
    may_watch(kubernetes, namespace)
    token = tmp_path / "token"
    token.write_text(kubernetes.token("observer", namespace))
    kubeconfig = kubernetes.kubeconfig("to be replaced")
    kubeconfig.write_text(kubeconfig.read_text().replace('"token": "to be replaced"', f'"tokenFile": "{token}"'))
    cluster = NotingCluster(kubeconfig)
    reflector = Reflector(cluster, config_maps(namespace), changed=lambda: None, watch_seconds=1.0)
    async with running(reflector.run()):
        await until(lambda: reflector.synced)
        kubernetes.admin.delete(f"/api/v1/namespaces/{namespace}/serviceaccounts/observer")
        kubernetes.service_account("observer", namespace)
        await until(lambda: "401" in reflector.problem)
        kubernetes.admin.apply(config_map("thing", namespace))
        (tmp_path / "fresh").write_text(kubernetes.token("observer", namespace))
        (tmp_path / "fresh").replace(token)
        await until(lambda: names(reflector) == {"thing"})
    await cluster.close()


def may_watch(kubernetes: servers.Cluster, namespace: str) -> None:
    """Lets the service account `observer` do what a reflector needs, and no more."""
    kubernetes.service_account("observer", namespace)
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "observer", "namespace": namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]
    subject = {"kind": "ServiceAccount", "name": "observer", "namespace": namespace}
    role = {"apiGroup": group, "kind": "Role", "name": "observer"}
    kubernetes.admin.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules})
    kubernetes.admin.apply(
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [subject],
        }
    )


async def test_an_overloaded_server_is_asked_when_it_says(kubernetes: servers.Cluster) -> None:
    async with overloaded(kubernetes, refusals=2, retry_after=1) as (cluster, asked):
        reflector = Reflector(cluster, config_maps(kubernetes.namespace()), changed=lambda: None)
        async with running(reflector.run()):
            await until(lambda: reflector.synced)
    pauses = [after - before for before, after in pairwise(asked)]
    assert min(pauses[:2]) >= 1.0


async def test_a_custom_resource_may_come_and_go(kubernetes: servers.Cluster) -> None:
    namespace, admin = kubernetes.namespace(), kubernetes.admin
    definition = custom_resource("Passing", "reachd.test", "v1", "passings")
    path = f"/apis/reachd.test/v1/namespaces/{namespace}/passings"
    async with gate(kubernetes.api.port) as between, connected(kubernetes, port=between.port) as cluster:
        reflector = Reflector(cluster, path, changed=lambda: None)
        async with running(reflector.run()):
            await until(lambda: reflector.synced)
            told = reflector.last_success
            await until(lambda: reflector.last_success > told)
            assert (names(reflector), reflector.problem) == (set(), "")
            admin.apply(definition)
            await until(lambda: cluster.watches)
            metadata = {"name": "one", "namespace": namespace}
            admin.create(path, {"apiVersion": "reachd.test/v1", "kind": "Passing", "metadata": metadata})
            await until(lambda: names(reflector) == {"one"})
            between.close()
            admin.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/passings.reachd.test")
            await until(lambda: _status(admin, path) == 404)
            assert names(reflector) == {"one"}
            between.open()
            await until(lambda: not reflector.objects)
            assert not reflector.problem
            told = reflector.last_success
            await until(lambda: reflector.last_success > told)
            admin.apply(definition)
            watches = len(cluster.watches)
            await until(lambda: len(cluster.watches) > watches)


def _status(client: ApiClient, path: str) -> int:
    try:
        client.get(path)
    except ApiError as error:
        return error.status
    return 200


async def test_what_every_cluster_serves_is_not_gone_because_a_proxy_says_so(kubernetes: servers.Cluster) -> None:
    async def not_found(_: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="default backend - 404")

    async with serving(not_found) as port, connected(kubernetes, port=port, scheme="http") as cluster:
        reflector = Reflector(cluster, config_maps("default"), changed=lambda: None)
        async with running(reflector.run()):
            await until(lambda: reflector.problem)
            assert not reflector.synced


@asynccontextmanager
async def overloaded(
    kubernetes: servers.Cluster, *, refusals: int, retry_after: int
) -> AsyncIterator[tuple[Cluster, list[float]]]:
    """A client of something that first refuses with 429, then lets the API server answer; and when it was asked."""
    asked: list[float] = []
    authority = kubernetes.certificates
    async with ClientSession(connector=TCPConnector(ssl=authority.tls(authority.admin))) as session:

        async def answer(request: web.Request) -> web.StreamResponse:
            asked.append(monotonic())
            if len(asked) <= refusals:
                return web.Response(status=429, headers={"Retry-After": str(retry_after)})
            async with session.get(f"{kubernetes.api.url}{request.path_qs}") as theirs:
                response = web.StreamResponse(status=theirs.status)
                await response.prepare(request)
                async for data in theirs.content.iter_any():
                    await response.write(data)
                return response

        async with serving(answer) as port, connected(kubernetes, port=port, scheme="http") as cluster:
            yield cluster, asked


async def test_objects_filled_to_the_brim_hide_no_others(kubernetes: servers.Cluster) -> None:
    """A page of all of them is larger than the agent takes."""
    async with watched(kubernetes) as it:

        def fill(name: str) -> None:
            kubernetes.admin.create(config_maps(it.namespace), config_map(name, it.namespace, key=BRIM))

        fill("seen-by-watch")
        await until(lambda: it.known().get("seen-by-watch") == {"key": BRIM})
        for number in range(12):
            fill(f"brim-{number}")
        it.put("modest")
        again = Reflector(it.cluster, config_maps(it.namespace), changed=lambda: None)
        async with running(again.run()):
            await until(lambda: again.synced)
            assert names(again) == {"seen-by-watch", "modest", *[f"brim-{number}" for number in range(12)]}
        await until(lambda: names(it.reflector) == names(again))
    assert min(int(asked["limit"]) for asked in it.cluster.lists) < 12
