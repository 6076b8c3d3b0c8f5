"""The last runs of a check, in as little memory as they need."""

from struct import Struct
from typing import NamedTuple

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason

LENGTH = 60
_RUN = Struct("<df?BB")
"""Start, duration, re-check, and the places of verdict and reason in the tuples below."""
_VERDICTS = tuple(Verdict)
_REASONS = (None, *Reason)
_PLACE_OF_VERDICT = {verdict: place for place, verdict in enumerate(_VERDICTS)}
_PLACE_OF_REASON = {reason: place for place, reason in enumerate(_REASONS)}


class PastRun(NamedTuple):
    """One past run. Implements `agent.core.ports.HistoryItem`."""

    started: float
    duration: float
    verdict: Verdict
    reason: Reason | None
    rechecked: bool


class History:
    """A ring of the last 60 runs: 15 bytes each, where objects would take 200."""

    __slots__ = ("_next", "_packed")

    def __init__(self) -> None:
        self._packed = bytearray()
        self._next = 0
        """Where the oldest run is, once the ring is full."""

    def add(self, outcome: Outcome, *, rechecked: bool) -> None:
        """Notes a run; the oldest one is forgotten when there are 60."""
        run = _RUN.pack(
            outcome.started,
            outcome.duration,
            rechecked,
            _PLACE_OF_VERDICT[outcome.verdict],
            _PLACE_OF_REASON[outcome.reason],
        )
        if len(self._packed) < LENGTH * _RUN.size:
            self._packed += run
        else:
            self._packed[self._next : self._next + _RUN.size] = run
            self._next = (self._next + _RUN.size) % len(self._packed)

    def runs(self) -> list[PastRun]:
        """The remembered runs, oldest first."""
        in_order = self._packed[self._next :] + self._packed[: self._next]
        return [
            PastRun(started, duration, _VERDICTS[verdict], _REASONS[reason], rechecked)
            for started, duration, rechecked, verdict, reason in _RUN.iter_unpack(in_order)
        ]
