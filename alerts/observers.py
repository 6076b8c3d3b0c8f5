"""Observers that cannot be told that another one leads in their place: they go on with what they saw last.

Beside what the other one sees now, this must neither hide that a node is not Ready, nor bring back a pod that has gone.
Where nobody leads, what was seen last is all there is, and stays.
"""

from collections.abc import Iterator

from alerts.identity import GAP
from alerts.rule import Group, Recording
from alerts.timing import Timing

_SUPERSEDED = "agent:reachd_superseded:max"
_AGENT = "cluster, job, instance"


def groups(timing: Timing) -> Iterator[Group]:
    """What the rules on objects of a cluster build on."""
    # The other one has led for long enough to have listed everything.
    leads = f"min_over_time(reachd_leading[{timing('2m')}]) == 1"
    superseded = f"max by ({_AGENT}) (\n  reachd_leading == 0\n  and on (cluster, lease) {leads}\n)"
    yield Group("reachd-observers", "15s", [Recording(_SUPERSEDED, superseded)])


def latest(timing: Timing, selector: str) -> str:
    """The latest samples of what the selector finds, without those of observers that another one has superseded."""
    return f"(last_over_time({selector}[{timing(GAP)}]) unless on ({_AGENT}) {_SUPERSEDED})"
