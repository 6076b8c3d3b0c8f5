"""Makes the running checks equal to the plan: unchanged ones go on, surplus ones stop, missing ones start."""

from asyncio import Lock, Task, create_task, gather, sleep
from collections.abc import Callable

import structlog

from agent.core.check import Check, CheckKey, Plan
from agent.core.ports import Probe
from agent.core.transitions import Standing, State, blockers
from agent.engine.check_loop import CheckLoop, Services
from agent.engine.garbage import settle
from agent.engine.probes import probe_of
from agent.probes._network import Network

_log = structlog.get_logger("agent.engine")
_BUILT_AT_ONCE = 50
"""Checks that are built or started before those that run already get their turn."""


class Supervisor:
    """Owns the loop of every check. Reconciling is idempotent."""

    def __init__(self, services: Services, standing_of: Callable[[Check], Standing]) -> None:
        """`standing_of` gives a new check its first standing, from the time before a restart where it is known."""
        self._services = services
        self._standing_of = standing_of
        self._loops: dict[CheckKey, CheckLoop] = {}
        self._tasks: dict[CheckKey, Task[None]] = {}
        self._dependents: dict[CheckKey, list[CheckKey]] = {}
        self._network: Network | None = None
        self._changing = Lock()
        self._stopped = False

    async def reconcile(self, plan: Plan, network: Network) -> None:
        """Brings the running checks in line with `plan`. A different `network` gives every check a new probe.

        A probe that cannot be built raises before anything has changed. Nothing changes any more after `stop`.
        """
        async with self._changing:
            if not self._stopped:
                await self._reconcile(plan, network)

    async def stop(self) -> None:
        """Stops all checks; runs under way are given up."""
        self._stopped = True
        async with self._changing:
            await self._stop(list(self._tasks))

    async def _reconcile(self, plan: Plan, network: Network) -> None:
        wanted = {check.key: check for check in plan.checks}
        same_network = network is self._network
        before = {
            key: loop for key, loop in self._loops.items() if not (same_network and wanted.get(key) == loop.check)
        }
        probes: dict[CheckKey, Probe] = {}
        for number, (key, check) in enumerate(wanted.items()):
            if key not in self._loops or key in before:
                probes[key] = probe_of(check, network)
            if number % _BUILT_AT_ONCE == 0:
                await sleep(0)
        self._network = network
        await self._stop(list(before))
        for key, loop in before.items():
            if key not in wanted:
                self._services.sink.removed(loop.check)
        for number, (key, probe) in enumerate(probes.items()):
            self._start(wanted[key], probe, before.get(key))
            if number % _BUILT_AT_ONCE == 0:
                await sleep(0)
        self._order_dependencies(plan)
        # What lives as long as the plan need not be looked at by every garbage collection: 100 ms for 10,000 checks.
        # A small change is not worth it, because the garbage of this moment settles, too.
        if len(probes) >= _BUILT_AT_ONCE:
            settle()

    async def _stop(self, keys: list[CheckKey]) -> None:
        tasks = [self._tasks.pop(key) for key in keys]
        for key in keys:
            del self._loops[key]
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)

    def _start(self, check: Check, probe: Probe, before: CheckLoop | None) -> None:
        standing = before.standing if before is not None else self._standing_of(check)
        if before is not None:
            self._services.sink.replaced(before.check, check, standing)
        else:
            self._services.sink.added(check, standing)
        loop = CheckLoop(
            check,
            probe,
            standing,
            self._services,
            blockers=self._blockers,
            moved=self._moved,
        )
        self._loops[check.key] = loop
        task = create_task(loop.run(), name=f"check {check.key}")
        task.add_done_callback(_report_end)
        self._tasks[check.key] = task

    def _order_dependencies(self, plan: Plan) -> None:
        self._dependents = {}
        depths: dict[CheckKey, int] = {}
        for check in plan.checks:
            self._loops[check.key].depth = self._depth(check, depths)
            for key in check.dependencies:
                self._dependents.setdefault(key, []).append(check.key)

    def _depth(self, check: Check, known: dict[CheckKey, int]) -> int:
        """How many checks, one behind the other, a check depends on. Adds to `known`."""
        if check.key not in known:
            known[check.key] = 0
            found = [self._loops[key].check for key in check.dependencies if key in self._loops]
            known[check.key] = max([1 + self._depth(other, known) for other in found], default=0)
        return known[check.key]

    def _blockers(self, check: Check) -> tuple[str, ...]:
        standings = ((key.check, self._loops[key].standing) for key in check.dependencies if key in self._loops)
        return blockers((name, standing.state, standing.blocked_by) for name, standing in standings)

    def _moved(self, check: Check) -> None:
        for key in self._dependents.get(check.key, ()):
            dependent = self._loops.get(key)
            if dependent is None:
                continue
            blockers = self._blockers(dependent.check)
            if blockers:
                dependent.block(blockers)
            elif dependent.standing.state is State.BLOCKED:
                dependent.run_soon()


def _report_end(task: "Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("a check's loop has ended", task=task.get_name(), exc_info=error)
