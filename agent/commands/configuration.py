"""Loading the configuration for a command: problems go to standard error, all at once."""

import sys
from collections.abc import Sequence
from pathlib import Path

from agent.commands.status import ExitStatus
from agent.settings.load import load
from agent.settings.model import Configuration
from agent.settings.problems import ConfigurationError


def load_or_complain(paths: Sequence[Path]) -> Configuration | None:
    """The configuration, or None after its problems have been written."""
    try:
        return load(paths)
    except ConfigurationError as error:
        rejected(error)
        return None


def rejected(error: ConfigurationError) -> ExitStatus:
    """Writes what is wrong with a configuration. Returns USAGE."""
    for problem in error.problems:
        sys.stderr.write(f"{problem}\n")
    return ExitStatus.USAGE
