"""Runs every check of a plan once, now, in the order of their dependencies."""

from asyncio import Task, create_task, sleep, wait
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent.core.check import Check, CheckKey
from agent.core.outcome import Outcome
from agent.core.ports import Probe
from agent.core.schedule import RECHECK_DELAY
from agent.core.transitions import State, blockers
from agent.engine.limits import Limits
from agent.engine.probes import probe_of
from agent.probes._door import run_probe
from agent.probes._network import Network


@dataclass(frozen=True, slots=True)
class Result:
    """What one check came to. `outcome` is None when it was blocked: the checks in `blocked_by` are down."""

    check: Check
    state: State
    outcome: Outcome | None
    blocked_by: tuple[str, ...] = ()


async def run_once(checks: tuple[Check, ...], network: Network, limits: Limits) -> AsyncIterator[Result]:
    """Yields results as they come.

    A run that failed is repeated before it counts, also where the agent itself is to blame. One that is inconclusive
    through nobody's fault is not: a target that wants a session will want one a second later, too.
    """
    tasks: dict[CheckKey, Task[Result]] = {}

    async def result_of(check: Check) -> Result:
        results = [await tasks[key] for key in check.dependencies if key in tasks]
        blocked_by = blockers((result.check.name, result.state, result.blocked_by) for result in results)
        if blocked_by:
            return Result(check, State.BLOCKED, None, blocked_by)
        outcome = await _confirmed_outcome(check, network, limits)
        return Result(check, State(outcome.verdict.value), outcome)

    for check in checks:
        tasks[check.key] = create_task(result_of(check), name=f"check {check.key}")
    pending = set(tasks.values())
    try:
        while pending:
            done, pending = await wait(pending, return_when="FIRST_COMPLETED")
            for task in done:
                yield task.result()
    finally:
        for task in pending:
            task.cancel()


async def _confirmed_outcome(check: Check, network: Network, limits: Limits) -> Outcome:
    probe = probe_of(check, network)
    outcome = await _limited(check, probe, limits)
    if outcome.reason is not None:
        await sleep(RECHECK_DELAY)
        outcome = await _limited(check, probe, limits)
    return outcome


async def _limited(check: Check, probe: Probe, limits: Limits) -> Outcome:
    await limits.acquire(check.host)
    try:
        return await run_probe(probe, check.timeout)
    finally:
        limits.release(check.host)
