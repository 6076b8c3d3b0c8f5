"""How long to wait before trying again."""

from random import uniform

_FIRST = 0.5
_LONGEST = 5.0


class Backoff:
    """Pauses in seconds: doubled each time, up to 5 s, and shortened at random so that agents do not ask together."""

    def __init__(self) -> None:
        self._longest = _FIRST

    def next(self) -> float:
        """The pause after one more failure."""
        pause = uniform(self._longest / 2, self._longest)  # noqa: S311 - no secret
        self._longest = min(self._longest * 2, _LONGEST)
        return pause

    def reset(self) -> None:
        """Begins anew after a success."""
        self._longest = _FIRST
