"""What the page and the API show: the present state of every check, in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from agent.core.check import Check, CheckKey, Plan
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from agent.core.transitions import Remembered, Standing, State, Transition
from agent.sinks.history import History, PastRun
from agent.sinks.state_file import Memory, StateFile

_UP, _DOWN = Verdict.UP, Verdict.DOWN
_LEAST_ROOM, _ROOM_OF_A_CHECK = 1000, 2
"""Events that a reader may leave unread: in all at least, and for each check, since all may change in one turn."""
_CHECKS_IN_A_TURN = 500
_WRITE_AFTER = 2.0
"""Seconds between a change of state and the state file, so that many changes are written once."""
_KEEP_REMOVED = 3600.0
"""Seconds for which the standing of a removed check is kept: nobody knows what became of the target meanwhile."""
_MOST_REMOVED = 20_000


class StateChange(NamedTuple):
    """A change of state, as subscribers hear of it."""

    key: CheckKey
    at: float
    before: State
    after: State
    reason: Reason | None


class StatusEntry:
    """One check. Implements `agent.core.ports.CheckEntry`."""

    __slots__ = ("_history", "check", "failures", "last", "last_down", "last_failure", "runs", "standing")

    def __init__(self, check: Check, standing: Standing) -> None:
        self.check = check
        self.standing = standing
        self.last: Outcome | None = None
        self.last_failure: Outcome | None = None
        self.last_down: Outcome | None = None
        self.runs = 0
        self.failures = 0
        self._history = History()

    def note(self, outcome: Outcome, standing: Standing) -> None:
        self.standing = standing
        self.last = outcome
        self.runs += 1
        if outcome.verdict is _DOWN:
            self.failures += 1
            self.last_down = outcome
        if outcome.verdict is not _UP:
            self.last_failure = outcome
        self._history.add(outcome, rechecked=standing.suspected)

    def history(self) -> Sequence[PastRun]:
        return self._history.runs()


class _Removed(NamedTuple):
    """What a check leaves behind. at: by the monotonic clock."""

    at: float
    standing: Remembered


class StatusSink:
    """Takes outcomes and answers questions. Implements `agent.core.ports.Sink` and `StatusBoard`."""

    def __init__(self, state_file: Path | None) -> None:
        """`state_file`: where the beginnings of states survive a restart, or None."""
        self._plan = Plan(())
        self._entries: dict[CheckKey, StatusEntry] = {}
        self._in_order: list[StatusEntry] | None = None
        """The entries in the order of the plan, until that may have changed."""
        self._subscribers: set[asyncio.Queue[StateChange | None]] = set()
        self._file = StateFile(state_file) if state_file else None
        self._remembered: Memory = self._file.read() if self._file else {}
        self._removed: dict[str, _Removed] = {}
        """What checks have left behind that were there lately, by `deployment/check`, the latest last."""
        self._writing = asyncio.Lock()
        self._write_soon: asyncio.Task[None] | None = None

    def first_standing(self, check: Check) -> Standing:
        """The standing with which a new check begins: what is known of it from before a restart, or its removal."""
        key = str(check.key)
        remembered = self._remembered.pop(key, None)
        removed = self._removed.pop(key, None)
        if removed is not None and monotonic() - removed.at <= _KEEP_REMOVED:
            remembered = removed.standing
        return Standing(remembered=remembered)

    def plan_changed(self, plan: Plan) -> None:
        """Takes the order of the checks, and what is not testable from here, from a new plan."""
        self._plan = plan
        self._in_order = None

    def added(self, check: Check, standing: Standing) -> None:
        self._entries[check.key] = StatusEntry(check, standing)
        self._in_order = None

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        entry = self._entries[before.key]
        entry.check = after
        entry.standing = standing

    def removed(self, check: Check) -> None:
        remembered = _to_remember(self._entries.pop(check.key).standing)
        self._in_order = None
        if remembered is not None:
            self._removed[str(check.key)] = _Removed(monotonic(), remembered)
        while len(self._removed) > _MOST_REMOVED:
            del self._removed[next(iter(self._removed))]

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        self._entries[check.key].note(outcome, standing)

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        self._entries[check.key].standing = standing
        reason = transition.outcome.reason if transition.outcome else None
        change = StateChange(check.key, transition.at, transition.before, transition.after, reason)
        room = max(_LEAST_ROOM, _ROOM_OF_A_CHECK * len(self._entries))
        for queue in tuple(self._subscribers):
            if queue.qsize() >= room:
                self._cut_off(queue)
            else:
                queue.put_nowait(change)
        if self._file is not None and self._write_soon is None:
            self._write_soon = asyncio.create_task(self._wait_and_write(self._file), name="state file")

    def missed(self, check: Check, slots: int) -> None:
        """Missed slots are a metric."""

    def plan(self) -> Plan:
        return self._plan

    def entry(self, key: CheckKey) -> StatusEntry | None:
        return self._entries.get(key)

    def entries(self) -> Sequence[StatusEntry]:
        """In the order of the plan."""
        if self._in_order is None:
            entries = self._entries
            self._in_order = [entries[check.key] for check in self._plan.checks if check.key in entries]
        return self._in_order

    async def events(self) -> AsyncIterator[StateChange]:
        """State changes from now on; ends when the reader was too slow, and when the sink is closed."""
        queue: asyncio.Queue[StateChange | None] = asyncio.Queue()  # `moved` bounds it, as the number of checks changes
        self._subscribers.add(queue)
        try:
            while (change := await queue.get()) is not None:
                yield change
        finally:
            self._subscribers.discard(queue)

    async def close(self) -> None:
        """Ends all subscriptions and writes the state file."""
        for queue in tuple(self._subscribers):
            self._cut_off(queue)
        if self._write_soon is not None:
            self._write_soon.cancel()
        if self._file is not None:
            await self._write(self._file)

    def _cut_off(self, queue: "asyncio.Queue[StateChange | None]") -> None:
        self._subscribers.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    async def _wait_and_write(self, file: StateFile) -> None:
        await asyncio.sleep(_WRITE_AFTER)
        self._write_soon = None  # from here on, `close` waits for this write instead of cancelling it
        await self._write(file)

    async def _write(self, file: StateFile) -> None:
        async with self._writing:
            await asyncio.to_thread(file.write, await self._states())

    async def _states(self) -> Memory:
        """What to remember of all checks."""
        states: Memory = {}
        for place, (key, entry) in enumerate(list(self._entries.items())):
            if place % _CHECKS_IN_A_TURN == 0:
                await asyncio.sleep(0)
            remembered = _to_remember(entry.standing)
            if remembered is not None:
                states[str(key)] = remembered
        return states


def _to_remember(standing: Standing) -> Remembered | None:
    """What there is to remember of a check: without a verdict, what was remembered of it before."""
    if standing.remembered is not None or standing.state is State.UNKNOWN:
        return standing.remembered
    return Remembered(standing.state, standing.since, standing.since_exact)
