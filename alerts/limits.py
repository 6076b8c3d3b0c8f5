"""How much of a limit is in use."""

from alerts.observers import latest
from alerts.thresholds import NEAR_LIMIT
from alerts.timing import Timing


def near_limit(timing: Timing, by: str, resource: str, usage: str, *limits: str) -> str:
    """The share of a limit that `usage` takes, where it is too much: by the labels `by`, and by `resource`.

    limits: where the limit may be. One of 0 is none.
    """

    def largest(metric: str) -> str:
        return f"max by ({by}) {latest(timing, metric)}"

    allowed = " or ".join(f"{largest(limit)} > 0" for limit in limits)
    return f'label_replace({largest(usage)} / ({allowed}) > {NEAR_LIMIT}, "resource", "{resource}", "", "")'
