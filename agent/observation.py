"""Joins what the agent does in a cluster with what it runs, exports and says of itself."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from time import time
from typing import Protocol

from agent.core.check import CheckKey
from agent.engine.health import AgentHealth
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.text import Format
from agent.probes._kube_objects import Collection
from agent.probes._network import Network
from agent.settings.kubernetes import KubernetesSettings
from agent.settings.snapshot import Source

_SOURCE = "kubernetes/{}"
_PODS = "pods"
"""The kind of objects, as an observer's `last_success` names it, of which a node has none when it is drained."""
_DISCOVERY = "agent.discovery.kubernetes"
_REPORT_EVERY = 1.0


class Observer(Protocol):
    """See agent.cluster.observer."""

    @property
    def leading(self) -> bool: ...

    @property
    def discovered(self) -> Mapping[str, Sequence[object]]: ...

    @property
    def discovered_changed(self) -> asyncio.Event: ...

    def cares_for(self, key: CheckKey) -> bool: ...

    def standing(self) -> str: ...

    def problems(self) -> Sequence[str]: ...

    def last_success(self) -> Mapping[str, float]: ...

    def texts(self, form: Format) -> Iterator[str]: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Observation:
    """The agent's part in its cluster. Without the key `kubernetes` it has none, and cares for all of its checks."""

    def __init__(
        self,
        settings: KubernetesSettings | None,
        network: Network,
        health: AgentHealth,
        metrics: AgentMetrics,
        *,
        changed: Callable[[], None],
    ) -> None:
        """`changed`: called whenever `cares_for` may give other answers."""
        self._health = health
        self._metrics = metrics
        self._observer: Observer | None = None
        self._all_namespaces = settings is not None and not settings.namespaces
        self._reporting: asyncio.Task[None] | None = None
        self._resources: set[str] = set()
        self._sources_of_checks: list[Source] = []
        if settings is not None:
            # Loaded only here: what it takes to look into a cluster is nothing that a sidecar should pay for.
            make: Callable[..., Observer] = import_module("agent.cluster.observer").Observer
            observer = self._observer = make(settings, network, changed=changed, to_discover=_to_discover(settings))
            if settings.election is not None:
                metrics.leading(f"{settings.election.namespace}/{settings.election.name}", lambda: observer.leading)

    def cares_for(self, key: CheckKey) -> bool:
        """Whether a check is for this agent to run, and not for another replica."""
        return self._observer is None or self._observer.cares_for(key)

    def texts(self, form: Format) -> Iterator[str]:
        """The series of the cluster."""
        return iter(()) if self._observer is None else self._observer.texts(form)

    def sources(self) -> list[Source]:
        """What finds checks in the cluster, once it has started; the same each time."""
        return self._sources_of_checks

    async def start(self) -> None:
        """Begins to take part."""
        if self._observer is not None:
            await self._observer.start()
            if self._observer.discovered:
                source: Callable[..., Source] = import_module(_DISCOVERY).KubernetesSource
                self._sources_of_checks = [source(self._observer.discovered, self._observer.discovered_changed)]
            self._reporting = asyncio.create_task(self._report(self._observer), name="observer's report")

    async def close(self) -> None:
        """Ends, and lets another replica take over at once."""
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)
        if self._observer is not None:
            await self._observer.close()

    async def _report(self, observer: Observer) -> None:
        standing = ""
        while True:
            last_success = observer.last_success()
            self._export_ages(last_success)
            self._metrics.all_pods_watched(self._all_namespaces and last_success.get(_PODS, 0.0) > 0.0)
            before, standing = standing, observer.standing()
            if standing != before:
                self._health.settle("standby")  # each part that it plays has a beginning of its own
            self._note("standby", standing)
            problems = observer.problems()
            more = f" ({len(problems) - 1} more of the kind)" if len(problems) > 1 else ""
            self._note("cluster", f"{problems[0]}{more}" if problems else "")
            await asyncio.sleep(_REPORT_EVERY)

    def _export_ages(self, last_success: Mapping[str, float]) -> None:
        found = {_SOURCE.format(resource): at for resource, at in last_success.items()}
        for source in self._resources - found.keys():
            self._metrics.source_gone(source)
        for source, at in found.items():
            self._metrics.source_succeeded(source, at)
        self._resources = set(found)

    def _note(self, name: str, words: str) -> None:
        if words:
            self._health.note(name, words, time())
        else:
            self._health.settle(name)


def _to_discover(settings: KubernetesSettings) -> Mapping[str, Sequence[Collection]]:
    """Collections by kind of object; empty where nothing is to be found."""
    if not settings.discovery:
        return {}
    found: Mapping[str, Sequence[Collection]] = import_module(_DISCOVERY).to_watch(settings.namespaces)
    return found
