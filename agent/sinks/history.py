"""The last runs of a check, in as little memory as they need."""

from array import array
from typing import NamedTuple

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason

LENGTH = 60
_REASONS = tuple(Reason)
_VERDICTS = tuple(Verdict)
_INDEX_OF_REASON = {reason: index for index, reason in enumerate(_REASONS)}
_INDEX_OF_VERDICT = {verdict: index for index, verdict in enumerate(_VERDICTS)}
_NO_REASON = 255


class PastRun(NamedTuple):
    """One past run: unix time of its start, seconds it took, its verdict, and why it was not up.

    rechecked: a first failure, which a quick re-check then confirmed or not.
    """

    started: float
    duration: float
    verdict: Verdict
    reason: Reason | None
    rechecked: bool


class History:
    """A ring of the last 60 runs: 15 bytes each, where objects would take 200."""

    __slots__ = ("_count", "_durations", "_marks", "_reasons", "_starts", "_verdicts")

    def __init__(self) -> None:
        self._starts = array("d")
        self._durations = array("f")
        self._verdicts = array("B")
        self._reasons = array("B")
        self._marks = array("B")
        self._count = 0

    def add(self, outcome: Outcome, *, rechecked: bool) -> None:
        """Notes a run; the oldest one is forgotten when there are 60."""
        reason = _NO_REASON if outcome.reason is None else _INDEX_OF_REASON[outcome.reason]
        verdict = _INDEX_OF_VERDICT[outcome.verdict]
        if self._count < LENGTH:
            self._starts.append(outcome.started)
            self._durations.append(outcome.duration)
            self._verdicts.append(verdict)
            self._reasons.append(reason)
            self._marks.append(rechecked)
        else:
            place = self._count % LENGTH
            self._starts[place] = outcome.started
            self._durations[place] = outcome.duration
            self._verdicts[place] = verdict
            self._reasons[place] = reason
            self._marks[place] = rechecked
        self._count += 1

    def runs(self) -> list[PastRun]:
        """The remembered runs, oldest first."""
        first = self._count % LENGTH if self._count > LENGTH else 0
        places = [*range(first, len(self._starts)), *range(first)]
        return [
            PastRun(
                self._starts[place],
                self._durations[place],
                _VERDICTS[self._verdicts[place]],
                None if self._reasons[place] == _NO_REASON else _REASONS[self._reasons[place]],
                bool(self._marks[place]),
            )
            for place in places
        ]
