"""Keeps the running checks equal to what the configuration and the sources of checks want together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import time

import structlog

from agent.core.check import Check, CheckKey, Plan
from agent.discovery.sources import Sources
from agent.engine.health import AgentHealth
from agent.engine.supervisor import Supervisor
from agent.metrics.agent_metrics import AgentMetrics
from agent.probes._network import Network
from agent.settings.model import Configuration
from agent.settings.plan import plan
from agent.settings.snapshot import Snapshot, Source

_log = structlog.get_logger("agent")


class Planning:
    """Plans anew whenever a configuration is adopted or a source has found something else."""

    def __init__(
        self,
        supervisor: Supervisor,
        plan_changed: Callable[[Plan], None],
        health: AgentHealth,
        metrics: AgentMetrics,
        cares_for: Callable[[CheckKey], bool],
    ) -> None:
        """`cares_for`: which checks are for this agent to run; `replan` has to be called when that changes."""
        self.changing = asyncio.Lock()
        """To be held while a configuration is adopted: what runs changes in one way at a time."""
        self._supervisor = supervisor
        self._plan_changed = plan_changed
        self._cares_for = cares_for
        self._health = health
        self._sources = Sources(self.replan, metrics.source_succeeded, metrics.source_gone)
        self._wanted: tuple[Configuration, Network] | None = None
        self._problems: tuple[str, ...] = ()

    async def adopt(self, configuration: Configuration, network: Network, sources: Sequence[Source]) -> None:
        """Runs what a configuration wants, and what those of its sources want that are followed already; follows all.

        A probe that cannot be built raises before anything has changed.
        """
        snapshots = self._sources.snapshots_of(sources)
        await self._carry_out(configuration, network, snapshots)
        self._wanted = configuration, network
        await self._sources.reconcile(sources)

    def network(self) -> Network:
        """The way to the network of the configuration that was adopted last; for sources, which come after it."""
        assert self._wanted is not None  # noqa: S101 - a source is followed only after an adoption
        return self._wanted[1]

    async def stop(self) -> None:
        """Follows no source any more."""
        await self._sources.stop()

    async def replan(self) -> None:
        """Runs what is wanted now."""
        async with self.changing:
            if self._wanted is not None:
                configuration, network = self._wanted
                await self._carry_out(configuration, network, self._sources.snapshots())

    async def _carry_out(self, configuration: Configuration, network: Network, snapshots: Sequence[Snapshot]) -> None:
        # Half a second of work for ten thousand checks.
        wanted = await asyncio.to_thread(self._own_share, configuration, snapshots)
        await self._supervisor.reconcile(wanted, network)
        self._plan_changed(wanted)
        self._tell(wanted.problems)

    def _own_share(self, configuration: Configuration, snapshots: Sequence[Snapshot]) -> Plan:
        whole = plan(configuration, snapshots)
        first_of = _companions(whole.checks)
        own = [check for check in whole.checks if self._cares_for(first_of[check.key])]
        return replace(whole, checks=tuple(own))

    def _tell(self, problems: tuple[str, ...]) -> None:
        """Says once what is wrong with what sources find, and once that it is over."""
        for problem in problems:
            if problem not in self._problems:
                _log.warning("discovery", problem=problem)
        if problems:
            more = f" ({len(problems) - 1} more in the log)" if len(problems) > 1 else ""
            self._health.note("discovery", f"{problems[0]}{more}", time())
        elif self._problems:
            _log.info("discovery has no problem any more")
            self._health.settle("discovery")
        self._problems = problems


def _companions(checks: Sequence[Check]) -> dict[CheckKey, CheckKey]:
    """For each check the first of all that hang together by what they depend on, whichever way round.

    They have to run in the same agent: what runs elsewhere blocks nothing here.
    """
    first = {check.key: check.key for check in checks}

    def first_of(key: CheckKey) -> CheckKey:
        while first[key] != key:
            first[key] = key = first[first[key]]
        return key

    for check in checks:
        for key in check.dependencies:
            if key in first:
                one, other = sorted((first_of(check.key), first_of(key)))
                first[other] = one
    return {key: first_of(key) for key in first}
