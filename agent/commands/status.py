"""Exit statuses and complaints, the same for all commands."""

import sys
from enum import IntEnum


class ExitStatus(IntEnum):
    """FINE; DOWN: something is down; USAGE: arguments, configuration or a port in use; BROKEN: the agent itself."""

    FINE = 0
    DOWN = 1
    USAGE = 2
    BROKEN = 3


def complain(command: str, message: str) -> ExitStatus:
    """Says on standard error what is wrong with how a command was called. Returns USAGE."""
    sys.stderr.write(f"reachd {command}: {message}\n")
    return ExitStatus.USAGE
