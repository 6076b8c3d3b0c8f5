"""The end of the log that an agent in the tests' own process has set up; a real one ends with its process."""

import logging

from agent.sinks._log_writer import LogWriter


def close_log() -> None:
    """Writes what waits, and takes no more lines."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LogWriter)]:
        root.removeHandler(handler)
        handler.close()
