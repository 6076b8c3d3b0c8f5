"""`reachd reasons`: the closed list of failure reasons."""

from argparse import Namespace

from agent.commands.status import ExitStatus
from agent.commands.terminal import Terminal
from agent.core.explanations import explain
from agent.core.reasons import Reason


def execute(_: Namespace) -> ExitStatus:
    """Writes every reason with its blame and its phrase."""
    rows = [(reason.value, reason.blame.value, explain(reason).phrase) for reason in Reason]
    Terminal().table(("REASON", "BLAME", "IN WORDS"), rows)
    return ExitStatus.FINE
