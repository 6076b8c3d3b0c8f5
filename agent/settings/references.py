"""What one part of the configuration says about another: names that must differ, or exist, and times that must fit.

These rules look at the configuration as it was read, so that their findings are told together with all others.
"""

from agent.core.dependencies import circle_in
from agent.core.durations import duration, parse_duration
from agent.profiles.fields import INTERVALS, TIMEOUTS
from agent.settings.document import place_of
from agent.settings.environment import Report
from agent.settings.model import Defaults
from agent.settings.problems import Path, unknown
from agent.settings.written import check_templates, entries

DEFAULTS = Defaults()
RESERVED_DEPLOYMENT = "default"
"""The deployment of checks outside any deployment."""


def report_references(
    top: dict[str, object], report: Report, *, every: float = DEFAULTS.every, timeout: float = DEFAULTS.timeout
) -> None:
    """Reports duplicate and reserved names, dependencies that lead nowhere or in a circle, and timeouts too long.

    every, timeout: seconds, where neither a check nor `defaults` says them.
    """
    _report_duplicates(top, "deployments", report)
    _report_duplicates(top, "checks", report)
    for path, deployment in entries(top, "deployments"):
        if deployment.get("name") == RESERVED_DEPLOYMENT:
            report((*path, "name"), f"'{RESERVED_DEPLOYMENT}' is where your own checks are; choose another name")
    _report_dependencies(top, report)
    _report_times(top, report, every, timeout)


def _report_duplicates(top: dict[str, object], section: str, report: Report) -> None:
    first: dict[str, Path] = {}
    for path, entry in entries(top, section):
        name = entry.get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            place = place_of((*first[name], "name"), top)
            where = f"{place.file}:{place.line}" if place else "another place"
            report((*path, "name"), f"the name '{name[:80]}' is taken already at {where}; choose another")
        else:
            first[name] = path


def _report_dependencies(top: dict[str, object], report: Report) -> None:
    paths = {name: path for path, entry in entries(top, "checks") if isinstance(name := entry.get("name"), str)}
    graph: dict[str, list[str]] = {}
    for path, entry in entries(top, "checks"):
        name = entry.get("name")
        for position, other in _dependencies(entry):
            if other not in paths:
                report((*path, "depends_on", position), unknown("check", other, tuple(paths)))
            elif other == name:
                report((*path, "depends_on", position), "a check cannot depend on itself; remove this entry")
            elif isinstance(name, str):
                graph.setdefault(name, []).append(other)
    for path, entry in check_templates(top):
        for position, other in _dependencies(entry):
            if other not in paths:
                report((*path, "depends_on", position), unknown("check", other, tuple(paths)))
    circle = circle_in(graph)
    if circle:
        message = f"these checks depend on each other in a circle: {' → '.join(circle)}; remove one of the dependencies"
        report((*paths[circle[0]], "depends_on"), message)


def _dependencies(entry: dict[str, object]) -> list[tuple[int, str]]:
    needed = entry.get("depends_on")
    return [(at, name) for at, name in enumerate(needed if isinstance(needed, list) else ()) if isinstance(name, str)]


def _report_times(top: dict[str, object], report: Report, every: float, timeout: float) -> None:
    written = top.get("defaults")
    defaults = written if isinstance(written, dict) else {}
    usual_every = _seconds(defaults.get("every"), INTERVALS, every)
    usual_timeout = _seconds(defaults.get("timeout"), TIMEOUTS, timeout)
    _report_timeout(("defaults",), defaults, usual_every, usual_timeout, report)
    for path, check in (*entries(top, "checks"), *check_templates(top)):
        own_every = _seconds(check.get("every"), INTERVALS, usual_every)
        own_timeout = _seconds(check.get("timeout"), TIMEOUTS, usual_timeout)
        _report_timeout(path, check, own_every, own_timeout, report)


def _report_timeout(
    path: Path, entry: dict[str, object], every: float | None, timeout: float | None, report: Report
) -> None:
    key = "timeout" if "timeout" in entry else "every"
    if every is not None and timeout is not None and timeout > every and key in entry:
        report((*path, key), timeout_too_long(every, timeout))


def timeout_too_long(every: float, timeout: float) -> str:
    """Says that runs would overlap. Both in seconds."""
    return (
        f"the timeout of {duration(timeout)} is longer than the {duration(every)} between two runs; "
        f"write timeout: {duration(every)} or less, or every: {duration(timeout)} or more"
    )


def _seconds(written: object, bounds: tuple[float, float], otherwise: float | None) -> float | None:
    """What is written, or None where it cannot be used: that is reported for itself, and nothing follows from it."""
    if written is None:
        return otherwise
    try:
        seconds = parse_duration(written)
    except ValueError:
        return None
    least, most = bounds
    return seconds if least <= seconds <= most else None
