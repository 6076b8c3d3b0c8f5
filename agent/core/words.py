"""Times, durations and states as people read them."""

from datetime import UTC, datetime

from agent.core.explanations import explain
from agent.core.outcome import Outcome, Verdict
from agent.core.ports import CheckEntry
from agent.core.reasons import Blame
from agent.core.transitions import State

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
BLAMED = {Blame.TARGET: "the target", Blame.PATH: "the path", Blame.AGENT: "the agent"}


def clock_time(timestamp: float, now: float) -> str:
    """`03:12:09 UTC`, with the date when that is not today."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    today = datetime.fromtimestamp(now, UTC).date() == moment.date()
    return moment.strftime("%H:%M:%S UTC" if today else "%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float, units: int = 2) -> str:
    """`14 min`, `2 h 5 min`: the largest units, two of them at most."""
    rest = max(0, int(seconds))
    parts: list[tuple[int, str]] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join([f"{count} {unit}" for count, unit in parts[:units] if count]) or "0 s"


def milliseconds(seconds: float) -> str:
    """`0.53 ms`, `24 ms`, `3.2 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"


def counted(count: int, thing: str) -> str:
    """`1 check`, `2 checks`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def are(count: int) -> str:
    """The verb that fits so many."""
    return "is" if count == 1 else "are"


def since_words(entry: CheckEntry, now: float) -> str:
    """Since when a check is in its state: `since 03:12:09 UTC (14 min)`."""
    standing = entry.standing
    if not standing.since:
        return "not run yet" if entry.last is None else "no verdict yet"
    return since(standing.since, standing.since_exact, now)


def since(timestamp: float, exact: bool, now: float) -> str:
    """`since 03:12:09 UTC (14 min)`, or `at least since` where it may have been before."""
    prefix = "since" if exact else "at least since"
    return f"{prefix} {clock_time(timestamp, now)} ({span(now - timestamp)})"


def telling(entry: CheckEntry) -> Outcome | None:
    """The run that tells why a check is in its state: one that failed why it is down, and none why it is blocked."""
    if entry.standing.state is State.BLOCKED:
        return None
    return entry.last_down if entry.standing.state is State.DOWN else entry.last


def finding(entry: CheckEntry) -> str:
    """Why a check is not up, in a few words; empty when it is."""
    standing, last = entry.standing, telling(entry)
    if standing.state is State.BLOCKED:
        return f"waits for {', '.join(standing.blocked_by)}"
    if last is None:
        return "not run yet"
    if last.verdict is not Verdict.UP:
        return phrase(last)
    return "" if standing.state is State.UP else "not run again yet"


def phrase(outcome: Outcome) -> str:
    """Why a run did not succeed, in a few words."""
    return explain(outcome.reason).phrase if outcome.reason is not None else outcome.detail or "no verdict"
