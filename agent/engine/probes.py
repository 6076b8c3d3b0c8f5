"""From checks to their probes."""

from agent.core.check import Check
from agent.core.ports import Probe
from agent.probes._network import Network
from agent.probes._settings import ProbeSettings


def probe_of(check: Check, network: Network) -> Probe:
    """A new probe for a check. Raises TypeError where its settings are not those of a probe."""
    if not isinstance(check.settings, ProbeSettings):
        raise TypeError(f"{check.key}: {type(check.settings).__name__} are not the settings of a probe")
    return check.settings.probe(network)
