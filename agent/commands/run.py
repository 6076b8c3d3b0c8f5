"""`reachd run`: the daemon."""

from argparse import Namespace

import uvloop

from agent.app import serve
from agent.commands.configuration import rejected
from agent.commands.status import ExitStatus, complain
from agent.settings.problems import ConfigurationError
from agent.web.server import ListenError


def execute(options: Namespace) -> ExitStatus:
    """Runs until SIGTERM or SIGINT."""
    try:
        uvloop.run(serve(options.config))
    except ConfigurationError as error:
        return rejected(error)
    except ListenError as error:
        return complain("run", str(error))
    return ExitStatus.FINE
