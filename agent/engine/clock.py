"""Unix time that never jumps while the agent runs."""

from time import monotonic, time


class Clock:
    """Unix time as of start, moved on by the monotonic clock, so that a correction of the wall clock skips no slot."""

    def __init__(self) -> None:
        self._offset = time() - monotonic()

    def now(self) -> float:
        """Unix time in seconds."""
        return self._offset + monotonic()
