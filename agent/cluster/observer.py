"""What the agent does in its cluster: leads or stands by, owns its share of the checks, and watches as the leader."""

from asyncio import Event, Task, create_task, gather, sleep
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial

import structlog

from agent.cluster.client import Cluster, connect
from agent.cluster.election import Election
from agent.cluster.identity import Identity
from agent.cluster.membership import Membership
from agent.cluster.packed import packed
from agent.cluster.reflector import Reflector
from agent.cluster.resources import usage_collections, watched_collections
from agent.cluster.series import ClusterSeries, Resource, Source
from agent.cluster.usage_poll import UsagePoll
from agent.core.check import CheckKey
from agent.metrics.text import Format
from agent.probes._kube_objects import Collection
from agent.probes._network import Network
from agent.settings.kubernetes import KubernetesSettings

_log = structlog.get_logger("agent.cluster")
_PAUSE = 5.0
"""Seconds after which a part that a fault of the agent has ended begins again."""


class Observer:
    """One of the agents that look into a cluster.

    Without an election it always leads. Without sharing the leader runs all checks, and who stands by runs none. Where
    nobody is known to lead each replica runs them, and who led last still shows the cluster as it was seen.
    """

    def __init__(
        self,
        settings: KubernetesSettings,
        network: Network,
        *,
        changed: Callable[[], None],
        to_discover: Mapping[str, Sequence[Collection]],
    ) -> None:
        """changed: called whenever `cares_for` may give other answers.

        to_discover: the collections that are watched to find checks, by kind of object.
        """
        self._settings = settings
        self._network = network
        self._changed = changed
        self._to_discover = to_discover
        self.discovered: Mapping[str, Sequence[Reflector]] = {}
        """What is watched to find checks, by kind of object; by each replica, for each has its share."""
        self.discovered_changed = Event()
        self._lead_changed = Event()
        self._cluster: Cluster | None = None
        self._election: Election | None = None
        self._membership: Membership | None = None
        self._reflectors: Mapping[Resource, Sequence[Reflector]] = {}
        self._series: ClusterSeries | None = None
        self._tasks: list[Task[None]] = []

    @property
    def leading(self) -> bool:
        """Whether this agent is the one of its replicas that watches the cluster."""
        return self._election is None or self._election.leading

    @property
    def acting(self) -> bool:
        """Whether this agent does the leader's work: it leads, or knows of nobody who does."""
        return self._election is None or self._election.acting

    def cares_for(self, key: CheckKey) -> bool:
        """Whether a check is for this agent to run."""
        if self._membership is not None:
            return self._membership.owns(str(key))
        return self.acting

    def standing(self) -> str:
        """What this agent is among its replicas, for people; empty where it has none."""
        if self._election is None or self._election.leading:
            return ""
        shared = self._membership is not None
        if self.acting:
            return f"nobody is known to lead{'' if shared else ', so this replica runs the checks'}"
        if not self._election.led:
            return "standing by until it is known who leads"
        return f"standing by: another replica watches the cluster{'' if shared else ' and runs the checks'}"

    def problems(self) -> list[str]:
        """What cannot be watched now, and why."""
        return [
            f"{resource} cannot be watched: {reflector.problem}"
            for resource, reflectors in self._reflectors.items()
            for reflector in reflectors
            if reflector.problem
        ]

    def last_success(self) -> dict[str, float]:
        """Unix time at which the API server last confirmed the objects of each kind that is watched; 0 for never."""
        return {
            str(resource): min(reflector.last_success for reflector in reflectors)
            for resource, reflectors in self._reflectors.items()
        }

    def texts(self, form: Format) -> Iterator[str]:
        """The series of the cluster, while this agent watches it."""
        return self._series.texts(form) if self._series is not None else iter(())

    async def start(self) -> None:
        """Begins. Nothing is asked before the tasks have their turn, so nothing can fail."""
        settings = self._settings
        cluster = self._cluster = connect(settings, self._network)
        identity = Identity.of_this_process()
        if settings.election is not None:
            self._election = Election(cluster, settings.election, identity, changed=self._lead_may_change)
            self._tasks.append(_start(self._election.run, "election"))
        if settings.sharing is not None:
            self._membership = Membership(cluster, settings.sharing, identity, changed=self._changed)
            self._tasks.append(_start(self._membership.run, "membership"))
        self.discovered = {
            kind: [
                Reflector(cluster, each.path, label_selector=each.label_selector, changed=self.discovered_changed.set)
                for each in collections
            ]
            for kind, collections in self._to_discover.items()
        }
        found = [reflector for reflectors in self.discovered.values() for reflector in reflectors]
        self._tasks += [_start(reflector.run, "reflector") for reflector in found]
        self._tasks.append(_start(partial(self._watch_as_leader, cluster), "cluster watch"))

    async def close(self) -> None:
        """Ends, and lets another replica take over at once."""
        await _cancel(self._tasks)
        # Both at once: each takes its time where the API server does not answer, and the agent has to be gone soon.
        await gather(*[part.release() for part in (self._election, self._membership) if part is not None])
        if self._cluster is not None:
            await self._cluster.close()

    def _lead_may_change(self) -> None:
        self._lead_changed.set()
        self._changed()

    async def _watch_as_leader(self, cluster: Cluster) -> None:
        while True:
            self._lead_changed.clear()
            if self.leading:
                await self._watch(cluster)
            else:
                await self._lead_changed.wait()

    async def _watch(self, cluster: Cluster) -> None:
        """Watches until another agent leads. What this one knew is gone then: the other one has it."""
        self._reflectors = {
            resource: [Reflector(cluster, path, changed=_nothing, keep=packed) for path in paths]
            for resource, paths in watched_collections(self._settings).items()
        }
        usage = {
            resource: [UsagePoll(cluster, path) for path in paths]
            for resource, paths in usage_collections(self._settings).items()
        }
        sources: dict[Resource, Sequence[Source]] = {**self._reflectors, **usage}
        self._series = ClusterSeries(sources, kube_state_metrics=self._settings.kube_state_metrics)
        watched = [reflector for reflectors in self._reflectors.values() for reflector in reflectors]
        polled = [poll for polls in usage.values() for poll in polls]
        tasks = [_start(it.run, "reflector") for it in watched]
        tasks += [_start(it.run, "usage") for it in polled]
        try:
            while self.acting:
                await self._lead_changed.wait()
                self._lead_changed.clear()
        finally:
            self._series, self._reflectors = None, {}
            await _cancel(tasks)


def _nothing() -> None:
    """Series are made at each scrape from the objects that are there."""


def _start(run: Callable[[], Awaitable[None]], name: str) -> Task[None]:
    return create_task(_for_ever(run, name), name=name)


async def _for_ever(run: Callable[[], Awaitable[None]], name: str) -> None:
    """Runs what has no end of its own. After a fault it goes on with what it knows."""
    while True:
        try:
            await run()
        except Exception:
            _log.exception("a task failed; it begins again", task=name)
        await sleep(_PAUSE)


async def _cancel(tasks: Sequence[Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await gather(*tasks, return_exceptions=True)
