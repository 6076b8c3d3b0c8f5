"""Keeps the running checks equal to what the configuration and the sources of checks want together."""

import asyncio
from collections.abc import Callable, Sequence
from time import time

import structlog

from agent.core.check import Plan
from agent.discovery.sources import Sources
from agent.engine.health import AgentHealth
from agent.engine.supervisor import Supervisor
from agent.metrics.agent_metrics import AgentMetrics
from agent.probes._network import Network
from agent.settings.model import Configuration
from agent.settings.plan import plan
from agent.settings.snapshot import Source

_log = structlog.get_logger("agent")


class Planning:
    """Plans anew whenever a configuration is adopted or a source has found something else."""

    def __init__(
        self,
        supervisor: Supervisor,
        plan_changed: Callable[[Plan], None],
        health: AgentHealth,
        metrics: AgentMetrics,
    ) -> None:
        self.changing = asyncio.Lock()
        """To be held while a configuration is adopted: what runs changes in one way at a time."""
        self._supervisor = supervisor
        self._plan_changed = plan_changed
        self._health = health
        self._sources = Sources(self._replan, metrics.source_succeeded, metrics.source_gone)
        self._wanted: tuple[Configuration, Network] | None = None
        self._problems: tuple[str, ...] = ()

    async def adopt(self, configuration: Configuration, network: Network, sources: Sequence[Source]) -> None:
        """Runs what a configuration wants, and what those of its sources want that are followed already; follows all.

        A probe that cannot be built raises before anything has changed.
        """
        snapshots = self._sources.snapshots_of(sources)
        # Half a second of work for ten thousand checks.
        await self._carry_out(await asyncio.to_thread(plan, configuration, snapshots), network)
        self._wanted = configuration, network
        await self._sources.reconcile(sources)

    async def stop(self) -> None:
        """Follows no source any more."""
        await self._sources.stop()

    async def _replan(self) -> None:
        async with self.changing:
            if self._wanted is not None:
                configuration, network = self._wanted
                snapshots = self._sources.snapshots()
                await self._carry_out(await asyncio.to_thread(plan, configuration, snapshots), network)

    async def _carry_out(self, wanted: Plan, network: Network) -> None:
        await self._supervisor.reconcile(wanted, network)
        self._plan_changed(wanted)
        self._tell(wanted.problems)

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
