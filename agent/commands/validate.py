"""`reachd validate`: all problems at once, and what might go wrong although it is valid."""

import sys
from argparse import Namespace

from agent.commands.configuration import load_or_complain
from agent.commands.status import ExitStatus
from agent.core.words import counted
from agent.settings.plan import plan
from agent.settings.warnings import warnings


def execute(options: Namespace) -> ExitStatus:
    """Writes problems or warnings. Touches no network."""
    configuration = load_or_complain(options.config)
    if configuration is None:
        return ExitStatus.USAGE
    for warning in warnings(configuration):
        sys.stderr.write(f"warning: {warning}\n")
    wanted = plan(configuration)
    checks, rows = counted(len(wanted.checks), "check"), counted(len(wanted.untestable), "row")
    sys.stdout.write(f"valid: {checks}, {rows} not testable from here\n")
    return ExitStatus.FINE
