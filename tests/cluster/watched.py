"""A reflector at work, and what the tests do to its objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from agent.cluster.reflector import Reflector
from agent.probes._json import JsonObject
from tests.cluster.gate import Gate, gate
from tests.cluster.support import NotingCluster, config_map, config_maps, connected, data_of, names, running, until
from tests.servers import kubernetes as servers
from tests.servers.kubernetes_api import Json


class Watched:
    """The ConfigMaps of a new namespace, a reflector of them that runs, and what stands between."""

    def __init__(
        self,
        kubernetes: servers.Cluster,
        between: Gate,
        cluster: NotingCluster,
        label_selector: str,
        watch_seconds: float,
    ) -> None:
        self.kubernetes = kubernetes
        self.namespace = kubernetes.namespace()
        self.gate = between
        self.cluster = cluster
        self.changes = 0
        self.reflector = Reflector(
            cluster,
            config_maps(self.namespace),
            changed=self._changed,
            label_selector=label_selector,
            watch_seconds=watch_seconds,
        )

    def put(self, name: str, **data: str) -> Json:
        """Creates or changes a ConfigMap, not through the gate."""
        return self.kubernetes.admin.apply(config_map(name, self.namespace, **data))

    def delete(self, name: str) -> None:
        """Deletes a ConfigMap, not through the gate."""
        self.kubernetes.admin.delete(f"{config_maps(self.namespace)}/{name}")

    def known(self) -> dict[str, JsonObject]:
        """The data of each ConfigMap that the reflector knows, by name."""
        return {name: data_of(self.reflector, name) for name in names(self.reflector)}

    def _changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def watched(
    kubernetes: servers.Cluster, *, label_selector: str = "", watch_seconds: float = 60.0
) -> AsyncIterator[Watched]:
    """A reflector that has listed an empty namespace."""
    async with AsyncExitStack() as stack:
        between = await stack.enter_async_context(gate(kubernetes.api.port))
        cluster = await stack.enter_async_context(connected(kubernetes, port=between.port))
        found = Watched(kubernetes, between, cluster, label_selector, watch_seconds)
        assert not found.reflector.synced
        await stack.enter_async_context(running(found.reflector.run()))
        await until(lambda: found.reflector.synced)
        yield found
