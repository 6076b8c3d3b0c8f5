"""`reachd run`: the daemon."""

from argparse import Namespace

import uvloop

from agent.app import serve
from agent.commands.configuration import load_or_complain
from agent.commands.status import ExitStatus, complain
from agent.web.server import ListenError


def execute(options: Namespace) -> ExitStatus:
    """Runs until SIGTERM or SIGINT."""
    configuration = load_or_complain(options.config)
    if configuration is None:
        return ExitStatus.USAGE
    try:
        uvloop.run(serve(configuration, options.config))
    except ListenError as error:
        return complain("run", str(error))
    return ExitStatus.FINE
