"""How the tests reach a cluster, and what they put into it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from aiohttp import web

from agent.cluster.client import Cluster, Parameters, WatchEvent
from agent.cluster.reflector import Reflector
from agent.probes._json import JsonObject, child, text_of
from agent.probes._kubeconfig import cluster_access
from agent.probes._network import Network
from tests.servers import kubernetes
from tests.servers.kubernetes_api import Json

SECONDS = 30.0
"""How long to wait for what has to happen, on a machine with much else to do."""


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Returns as soon as `condition` holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


class NotingCluster(Cluster):
    """A client that notes what it was asked to ask, in order: the parameters of each list and of each watch."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(partial(cluster_access, kubeconfig, None), Network())
        self.lists: list[Parameters] = []
        self.watches: list[Parameters] = []

    async def get(self, path: str, parameters: Parameters | None = None) -> JsonObject:
        self.lists.append(parameters or {})
        return await super().get(path, parameters)

    @asynccontextmanager
    async def watch(
        self, path: str, parameters: Parameters, *, seconds: float
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        self.watches.append(parameters)
        async with super().watch(path, parameters, seconds=seconds) as events:
            yield events


@asynccontextmanager
async def connected(
    to: kubernetes.Cluster, *, port: int | None = None, token: str | None = None, scheme: str = "https"
) -> AsyncIterator[NotingCluster]:
    """A client of a cluster, as its administrator or the holder of `token`; `port`: of what leads there."""
    kubeconfig = to.kubeconfig(token)
    if port is not None:
        document = json.loads(kubeconfig.read_text())
        document["clusters"][0]["cluster"]["server"] = f"{scheme}://127.0.0.1:{port}"
        kubeconfig.write_text(json.dumps(document))
    cluster = NotingCluster(kubeconfig)
    try:
        yield cluster
    finally:
        await cluster.close()


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[int]:
    """A web server, on the port given, that answers each request by `handler`."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(work: Coroutine[object, object, None]) -> AsyncIterator[asyncio.Task[None]]:
    """A task for as long as the block lasts; what it raises by itself is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def config_map(name: str, namespace: str, **data: str) -> Json:
    """A ConfigMap: what anybody may fill with anything."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def config_maps(namespace: str) -> str:
    """The path of the ConfigMaps of a namespace."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


def names(reflector: Reflector) -> set[str]:
    """The names of the objects that a reflector knows."""
    return {text_of(child(each, "metadata"), "name") for each in reflector.objects.values()}


def data_of(reflector: Reflector, name: str) -> JsonObject:
    """The data of a ConfigMap that a reflector knows; empty when it does not know it."""
    found = [each for each in reflector.objects.values() if text_of(child(each, "metadata"), "name") == name]
    return child(found[0], "data") if found else {}
