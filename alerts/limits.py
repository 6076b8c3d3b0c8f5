"""How much of a limit is in use."""

from alerts.observers import latest
from alerts.thresholds import NEAR_LIMIT
from alerts.timing import Timing


def near_limit(timing: Timing, by: str, resource: str, usage: str, limit: str) -> str:
    """The share of `limit` that `usage` takes, where it is too much: by the labels `by`, and by `resource`."""
    used, allowed = (f"max by ({by}) {latest(timing, metric)}" for metric in (usage, limit))
    return f'label_replace({used} / {allowed} > {NEAR_LIMIT}, "resource", "{resource}", "", "")'
