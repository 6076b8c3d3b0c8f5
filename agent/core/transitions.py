"""How outcomes become states: one lost packet is no state change."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from agent.core.outcome import Outcome, Verdict


class State(StrEnum):
    """What is known of a check. BLOCKED: what it depends on is down, so it is not run."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


_UP, _BLOCKED = State.UP, State.BLOCKED
_STATE_OF = {Verdict.UP: State.UP, Verdict.DOWN: State.DOWN, Verdict.UNKNOWN: State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state at unix time `at`. `outcome` is None when a dependency, not a run, caused it."""

    before: State
    after: State
    at: float
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a check from before a restart of the agent; `since` is a unix time, `exact` as in Standing."""

    state: State
    since: float
    exact: bool


@dataclass(slots=True)
class Standing:
    """Where a check stands.

    since: unix time at which `state` began; `since_exact` is False where it may have begun earlier, before the agent.
    suspects: the states for which runs have spoken since one last agreed with `state`; the next one, soon, decides.
    blocked_by: names of the checks that are down and block this one, directly or through others that they block.
    remembered: the state before a restart of the agent; until the first verdict.
    """

    state: State = State.UNKNOWN
    since: float = 0.0
    since_exact: bool = False
    suspects: tuple[State, ...] = ()
    blocked_by: tuple[str, ...] = ()
    remembered: Remembered | None = None

    @property
    def suspected(self) -> bool:
        """Whether the last run spoke against `state`, so that a quick re-check is wanted."""
        return bool(self.suspects)

    def judge(self, outcome: Outcome) -> Transition | None:
        """Takes an outcome into account. Only `up` is believed at once; all else takes two runs that say the same.

        So a lost packet is no outage, and a moment in which the agent could not tell neither begins nor ends one: its
        beginning stays, and what it blocks stays blocked. A run that agrees with `state` clears what was suspected.
        Afterwards `suspected` says whether a quick re-check is wanted.
        """
        wanted = _STATE_OF[outcome.verdict]
        if wanted is self.state:
            self.suspects = ()
            return None
        if wanted is not _UP and wanted not in self.suspects:
            self.suspects = (*self.suspects, wanted)
            return None
        return self._move(wanted, outcome.started, outcome)

    def block(self, by: tuple[str, ...], at: float) -> Transition | None:
        """Notes that the checks `by` are down and this one depends on them."""
        self.blocked_by = by
        return None if self.state is _BLOCKED else self._move(_BLOCKED, at, None)

    def unblock(self, at: float) -> Transition | None:
        """Notes that nothing blocks the check any more: unknown until it has run."""
        self.blocked_by = ()
        return self._move(State.UNKNOWN, at, None) if self.state is _BLOCKED else None

    def _move(self, state: State, at: float, outcome: Outcome | None) -> Transition:
        transition = Transition(self.state, state, at, outcome)
        # The first verdict of all says only that the state has lasted at least since then.
        self.since_exact = self.since_exact or self.state is not State.UNKNOWN or self.remembered is not None
        self.since = at
        if self.remembered is not None and state is not State.UNKNOWN:
            if self.remembered.state is state:
                self.since, self.since_exact = self.remembered.since, self.remembered.exact
            self.remembered = None
        self.state = state
        self.suspects = ()
        return transition


def blockers(dependencies: Iterable[tuple[str, State, tuple[str, ...]]]) -> tuple[str, ...]:
    """Names of the checks that are down among those on which one depends, directly or through others that they block.

    dependencies: name and state of each, and the names of what blocks it.
    """
    down = ((name,) if state is State.DOWN else blocked_by for name, state, blocked_by in dependencies)
    return tuple(dict.fromkeys(chain.from_iterable(down)))
