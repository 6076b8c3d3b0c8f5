"""Notices when the event loop stands still, so that the agent's own slowness is never taken for a target's."""

from asyncio import AbstractEventLoop, TimerHandle, get_running_loop
from collections import deque
from collections.abc import Callable
from time import perf_counter

_TICK = 0.01
STALL = 0.01
"""Seconds of delay from which on a run's times are not to be trusted."""
_REMEMBERED = 1000


class Stalls:
    """Measures, a hundred times a second, how late the event loop is."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        """`observe` is told the delay of every tick, in seconds."""
        self._observe = observe
        self._stalls: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._expected = 0.0
        self._loop: AbstractEventLoop | None = None
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        self._loop = get_running_loop()
        self._schedule(perf_counter())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stalled_since(self, started: float) -> float:
        """Seconds for which the loop has stood still since `started` (perf_counter); only stalls over 10 ms count."""
        now = perf_counter()
        late = now - self._expected
        stalled = min(late, now - started) if self._timer is not None and late > STALL else 0.0
        for begin, end in reversed(self._stalls):
            if end <= started:
                break
            stalled += end - max(begin, started)
        return stalled

    def _schedule(self, now: float) -> None:
        assert self._loop is not None  # noqa: S101 - for the type checker
        self._expected = now + _TICK
        self._timer = self._loop.call_later(_TICK, self._tick)

    def _tick(self) -> None:
        now = perf_counter()
        late = max(0.0, now - self._expected)
        self._observe(late)
        if late > STALL:
            self._stalls.append((self._expected, now))
        self._schedule(now)
