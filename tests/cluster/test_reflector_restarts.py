"""A reflector while etcd forgets and the API server dies."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from tests.cluster.support import config_map, until
from tests.cluster.watched import watched
from tests.servers import kubernetes as servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.servers("etcd", "kube-apiserver")]

AWAY_SECONDS = 60.0
"""Longer than the pauses between two attempts grow."""


@pytest.fixture(scope="module")
def forgetful() -> Iterator[servers.Cluster]:
    """A cluster whose API server remembers no more than etcd does, and sends no bookmarks."""
    with servers.cluster("--watch-cache=false") as cluster:
        yield cluster


async def test_what_etcd_has_forgotten_is_listed_anew(forgetful: servers.Cluster) -> None:
    async with watched(forgetful) as it:
        uid = it.put("kept")["metadata"]["uid"]
        it.put("changed", key="a")
        it.put("deleted")
        await until(lambda: len(it.known()) == 3)
        kept = it.reflector.objects[uid]
        it.gate.close()
        await until(lambda: it.reflector.problem)
        it.put("changed", key="b")
        it.delete("deleted")
        it.put("added")
        await asyncio.to_thread(forgetful.compact)
        assert len(it.known()) == 3
        it.gate.open()
        await until(lambda: it.known() == {"kept": {}, "changed": {"key": "b"}, "added": {}})
        assert len(it.cluster.lists) == 2
        assert it.reflector.objects[uid] is kept
        it.put("later")
        await until(lambda: "later" in it.known())
        assert len(it.cluster.lists) == 2


async def test_a_watch_without_bookmarks_is_renewed_and_costs_a_list_only_after_a_compaction(
    forgetful: servers.Cluster,
) -> None:
    async with watched(forgetful, watch_seconds=1.0) as it:
        listed = it.reflector.last_success
        await until(lambda: len(it.cluster.watches) >= 3)
        assert it.reflector.last_success > listed
        assert len(it.cluster.lists) == 1
        forgetful.admin.apply(config_map("elsewhere", forgetful.namespace()))
        await asyncio.to_thread(forgetful.compact)
        await until(lambda: len(it.cluster.lists) == 2)
        assert it.changes == 1


async def test_an_api_server_may_be_killed_and_come_back(forgetful: servers.Cluster) -> None:
    async with watched(forgetful) as it:
        it.put("before")
        await until(lambda: it.known().keys() == {"before"})
        await asyncio.to_thread(forgetful.api.stop, signal.SIGKILL)
        await until(lambda: it.reflector.problem)
        told = it.reflector.last_success
        await asyncio.sleep(AWAY_SECONDS)
        assert (set(it.known()), it.reflector.last_success) == ({"before"}, told)
        await asyncio.to_thread(forgetful.api.start)
        it.put("after")
        it.delete("before")
        await until(lambda: it.known().keys() == {"after"})
        assert it.changes == 1 + 3
        assert len(it.cluster.lists) == 1
