"""Exit statuses, the same for all commands."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """FINE; DOWN: something is down; USAGE: arguments, configuration or a port in use; BROKEN: the agent itself."""

    FINE = 0
    DOWN = 1
    USAGE = 2
    BROKEN = 3
