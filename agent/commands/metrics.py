"""`reachd metrics`: every metric, from the code."""

from argparse import Namespace

from agent.commands.status import ExitStatus
from agent.commands.terminal import Terminal
from agent.metrics.catalogue import catalogue


def execute(_: Namespace) -> ExitStatus:
    """Writes name, type, labels and help of every metric."""
    rows = [
        (entry.family.name, entry.family.type.value, ",".join(entry.labels), entry.family.help)
        for entry in catalogue().entries()
    ]
    Terminal().table(("METRIC", "TYPE", "LABELS", "HELP"), rows)
    return ExitStatus.FINE
