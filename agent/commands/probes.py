"""`reachd probes`: every probe kind, from the code."""

from argparse import Namespace

from agent.commands.status import ExitStatus
from agent.commands.terminal import Terminal
from agent.probes import probe_kinds, settings_of


def execute(_: Namespace) -> ExitStatus:
    """Writes every kind, what it proves and its keys."""
    rows = []
    for kind in probe_kinds():
        settings = settings_of(kind)
        keys = ", ".join(field.alias or name for name, field in settings.model_fields.items() if name != "kind")
        rows.append((kind, settings.summary, keys))
    Terminal().table(("KIND", "WHAT IT PROVES", "KEYS"), rows)
    return ExitStatus.FINE
