"""The life of one check: slots, runs, re-checks, and what they do to its state."""

from asyncio import Future, get_running_loop
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, time
from typing import Protocol

from agent.core.check import Check
from agent.core.outcome import Outcome, Verdict
from agent.core.ports import Probe, Sink, Tracing
from agent.core.reasons import Reason
from agent.core.schedule import Schedule
from agent.core.steps import STOOD_STILL
from agent.core.transitions import Standing, State, Transition
from agent.engine.clock import Clock
from agent.engine.limits import Limits
from agent.engine.stalls import Stalls
from agent.probes._door import run_probe

_TIMEOUTS = frozenset(
    {
        Reason.DNS_TIMEOUT,
        Reason.CONNECT_TIMEOUT,
        Reason.TLS_TIMEOUT,
        Reason.RESPONSE_TIMEOUT,
        Reason.PONG_TIMEOUT,
        Reason.STREAM_BUFFERED,
    }
)
_DOWN, _BLOCKED = State.DOWN, State.BLOCKED
_STALLED_TIMEOUT = 0.25
"""Share of its timeout for which the agent may have stood still before a timeout says nothing about the target."""


class SelfMetrics(Protocol):
    """What a check's life tells of the agent itself."""

    def schedule_delay(self, seconds: float) -> None: ...

    def slots_missed(self, slots: int) -> None: ...

    def stalled_run(self) -> None: ...


@dataclass(slots=True)
class Services:
    """What all checks of an agent share."""

    clock: Clock
    limits: Limits
    stalls: Stalls
    sink: Sink
    metrics: SelfMetrics
    tracing: Tracing | None


class CheckLoop:
    """Runs one check at its slots until it is cancelled. It never overlaps with itself."""

    __slots__ = ("_again", "_blockers", "_moved", "_probe", "_services", "_waker", "check", "depth", "standing")

    def __init__(
        self,
        check: Check,
        probe: Probe,
        standing: Standing,
        services: Services,
        *,
        blockers: Callable[[Check], tuple[str, ...]],
        moved: Callable[[Check], None],
    ) -> None:
        """blockers: names of the checks that block a check now. moved: called after state or blockers have changed."""
        self.check = check
        self.standing = standing
        self.depth = 0
        """How many checks, one behind the other, this one depends on."""
        self._probe = probe
        self._services = services
        self._blockers = blockers
        self._moved = moved
        self._waker: Future[bool] | None = None
        self._again = False

    async def run(self) -> None:
        """Lives until cancelled."""
        clock = self._services.clock
        schedule = Schedule(str(self.check.key), self.check.every)
        slot = schedule.first(clock.now())
        following = schedule.following_first(slot)
        while True:
            free = clock.now()  # after the slot where the run before, with its re-check, took longer than the interval
            woken = await self._sleep_until(slot)
            if not self._is_blocked():
                await self._run_and_confirm(schedule, clock.now() if woken else max(slot, free))
            now = clock.now()
            if woken and now < slot:
                continue
            missed = schedule.missed(following, now)
            if missed:
                self._report_missed(missed)
            slot = following if not missed else schedule.next(now - self.check.every)
            following = schedule.next(slot)

    def run_soon(self) -> None:
        """Runs the check now rather than at its next slot; after the run under way, if there is one."""
        self._again = self._waker is None
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(True)

    def block(self, by: tuple[str, ...]) -> None:
        """Notes that the checks `by`, on which this one depends, are down."""
        before = self.standing.blocked_by
        self._announce(self.standing.block(by, time()))
        if before and before != by:
            self._moved(self.check)  # those behind it tell the same

    async def _sleep_until(self, slot: float) -> bool:
        """Sleeps until `slot`. Returns True when it was woken before."""
        delay = slot - self._services.clock.now()
        if self._again or delay <= 0:
            woken, self._again = self._again, False
            return woken
        loop = get_running_loop()
        waker: Future[bool] = loop.create_future()
        self._waker = waker
        timer = loop.call_later(delay, _wake, waker)
        try:
            return await waker
        finally:
            timer.cancel()
            self._waker = None

    def _is_blocked(self) -> bool:
        blockers = self._blockers(self.check) if self.check.depends_on else ()
        if blockers:
            self.block(blockers)
        elif self.standing.state is _BLOCKED:
            self._announce(self.standing.unblock(time()))
        return bool(blockers)

    async def _run_and_confirm(self, schedule: Schedule, slot: float) -> None:
        await self._run_once(slot)
        while self.standing.suspected:  # three runs at most: of two states other than its own, one is named twice
            # What this one depends on is confirmed first, so that one fault is one check down.
            again = self._services.clock.now() + schedule.recheck_delay() * (1 + self.depth)
            while await self._sleep_until(again):
                pass
            if not self._is_blocked():
                await self._run_once(again)

    async def _run_once(self, slot: float) -> None:
        check, services = self.check, self._services
        await services.limits.acquire(check.host)
        try:
            services.metrics.schedule_delay(max(0.0, services.clock.now() - slot))
            failing = self.standing.suspected or self.standing.state is _DOWN
            traceparent = services.tracing.traceparent(check, failing) if services.tracing is not None else ""
            started = perf_counter()
            outcome = await run_probe(self._probe, check.timeout, traceparent)
        finally:
            services.limits.release(check.host)
        stalled = services.stalls.stalled_since(started)
        if stalled:
            outcome = self._without_our_own_slowness(outcome, stalled)
        # What a run says that began before its dependency went down, says it of the dependency.
        transition = None if self.standing.state is _BLOCKED and self._is_blocked() else self.standing.judge(outcome)
        services.sink.observed(check, outcome, self.standing)
        self._announce(transition)

    def _without_our_own_slowness(self, outcome: Outcome, stalled: float) -> Outcome:
        self._services.metrics.stalled_run()
        outcome.stalled = True
        if outcome.reason in _TIMEOUTS and stalled > _STALLED_TIMEOUT * self.check.timeout:
            outcome.verdict = Verdict.UNKNOWN
            outcome.reason = Reason.OVERLOADED
            outcome.detail = f"{STOOD_STILL}{stalled:.2f} s of the run: {outcome.detail}"
        return outcome

    def _report_missed(self, slots: int) -> None:
        self._services.metrics.slots_missed(slots)
        self._services.sink.missed(self.check, slots)

    def _announce(self, transition: Transition | None) -> None:
        if transition is None:
            return
        self._services.sink.moved(self.check, transition, self.standing)
        self._moved(self.check)


def _wake(waker: "Future[bool]") -> None:
    if not waker.done():
        waker.set_result(False)
