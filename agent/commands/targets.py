"""`reachd targets`: the firewall table, as text, JSON or NetworkPolicies."""

import sys
from argparse import Namespace

from agent.commands.configuration import load_or_complain
from agent.commands.status import ExitStatus
from agent.profiles.network_policy import network_policies
from agent.profiles.targets import as_json, as_table, targets
from agent.settings.plan import plan


def execute(options: Namespace) -> ExitStatus:
    """Writes what will be reached. Touches no network."""
    configuration = load_or_complain(options.config)
    if configuration is None:
        return ExitStatus.USAGE
    wanted, deployments = plan(configuration), configuration.deployments
    if options.output == "networkpolicy":
        text = network_policies(wanted, deployments, configuration.listen_endpoint().port)
    else:
        render = as_json if options.output == "json" else as_table
        text = render(targets(wanted, deployments))
    sys.stdout.write(text)
    return ExitStatus.FINE
