"""When a check runs: slots on a fixed grid, shifted by a phase that depends only on the check's key."""

from hashlib import blake2b
from math import floor

STARTUP_SPREAD = 10.0
"""Seconds over which first runs are spread, so that a check with a long interval is not unknown for all of it."""

RECHECK_DELAY = 1.0
"""Seconds, at most, between a failure and the run that confirms it."""


def phase_fraction(key: str) -> float:
    """The share of the interval, in [0, 1), by which the slots of a check are shifted. The same on every agent."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) / 2.0**64


class Schedule:
    """The slots of one check: unix times congruent to the check's phase, modulo its interval, in seconds."""

    __slots__ = ("every", "fraction", "offset")

    def __init__(self, key: str, every: float) -> None:
        self.every = every
        self.fraction = phase_fraction(key)
        self.offset = self.fraction * every

    def first(self, now: float) -> float:
        """Time of the first run of a check that starts at `now`."""
        return now + self.fraction * min(self.every, STARTUP_SPREAD)

    def next(self, after: float) -> float:
        """The first slot later than `after`."""
        slots = floor((after - self.offset) / self.every) + 1
        slot = self.offset + slots * self.every
        return slot if slot > after else slot + self.every

    def following_first(self, first: float) -> float:
        """The slot after the first run: at least half an interval later, so that two runs do not follow at once."""
        return self.next(first + self.every / 2)

    def missed(self, slot: float, now: float) -> int:
        """How many slots from `slot` on have passed by `now` without hope; the last one begun is late, not missed."""
        return max(0, floor((now - slot) / self.every))

    def recheck_delay(self) -> float:
        """Seconds to wait before a failure is confirmed."""
        return min(RECHECK_DELAY, self.every / 4)
