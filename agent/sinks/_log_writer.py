"""Writes log lines from a thread of its own, so that whoever reads them slowly, or not at all, delays no probe."""

from collections.abc import Callable
from logging import Handler, LogRecord
from queue import Empty, Full, Queue
from threading import Thread
from typing import TextIO

_MOST_WAITING = 10_000
_LAST_WORDS = 1.0
"""Seconds that the end of the agent waits for lines to be written."""


class LogWriter(Handler):
    """Formats at once and writes later. A full queue loses its oldest lines, which are counted."""

    def __init__(self, stream: TextIO, dropped: Callable[[int], None]) -> None:
        super().__init__()
        self._stream = stream
        self._dropped = dropped
        self._waiting: Queue[str | None] = Queue(_MOST_WAITING)
        self._thread = Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: LogRecord) -> None:
        try:
            self._put(f"{self.format(record)}\n")
        except Exception:  # a line that cannot be formatted must not end the one who logs it
            self.handleError(record)

    def close(self) -> None:
        """Writes what waits, for a second at most. Called by the logging module at exit, too."""
        if self._thread.is_alive():
            self._put(None)
            self._thread.join(_LAST_WORDS)
        super().close()

    def _put(self, line: str | None) -> None:
        while True:
            try:
                self._waiting.put_nowait(line)
            except Full:
                self._drop_oldest()
            else:
                return

    def _drop_oldest(self) -> None:
        try:
            self._waiting.get_nowait()
        except Empty:
            return
        self._dropped(1)

    def _write(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                self._stream.write(line)
                if self._waiting.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # the stream is broken, or closed
                self._dropped(1)
