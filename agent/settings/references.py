"""What one part of the configuration says about another: names that must differ, or exist, and times that must fit.

These rules look at the configuration as it was read, so that their findings are told together with all others.
"""

from collections.abc import Iterator

from agent.core.dependencies import circle_in
from agent.probes._settings import duration, parse_duration
from agent.settings.document import YamlMapping, place_of
from agent.settings.environment import Report
from agent.settings.model import Defaults
from agent.settings.problems import Path, unknown

RESERVED_DEPLOYMENT = "default"
"""The deployment of checks outside any deployment."""


def report_references(top: YamlMapping, report: Report) -> None:
    """Reports duplicate and reserved names, dependencies that lead nowhere or in a circle, and timeouts too long."""
    _report_duplicates(top, "deployments", report)
    _report_duplicates(top, "checks", report)
    for path, deployment in _entries(top, "deployments"):
        if deployment.get("name") == RESERVED_DEPLOYMENT:
            report((*path, "name"), f"'{RESERVED_DEPLOYMENT}' is where your own checks are; choose another name")
    _report_dependencies(top, report)
    _report_times(top, report)


def _entries(top: YamlMapping, section: str) -> Iterator[tuple[Path, dict[str, object]]]:
    entries = top.get(section)
    for position, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield (section, position), entry


def _report_duplicates(top: YamlMapping, section: str, report: Report) -> None:
    first: dict[str, Path] = {}
    for path, entry in _entries(top, section):
        name = entry.get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            place = place_of((*first[name], "name"), top)
            where = f"{place.file}:{place.line}" if place else "another place"
            report((*path, "name"), f"the name '{name[:80]}' is taken already at {where}; choose another")
        else:
            first[name] = path


def _report_dependencies(top: YamlMapping, report: Report) -> None:
    paths = {name: path for path, entry in _entries(top, "checks") if isinstance(name := entry.get("name"), str)}
    graph: dict[str, list[str]] = {}
    for path, entry in _entries(top, "checks"):
        name, needed = entry.get("name"), entry.get("depends_on")
        for position, other in enumerate(needed if isinstance(needed, list) else ()):
            if not isinstance(other, str):
                continue
            if other not in paths:
                report((*path, "depends_on", position), unknown("check", other, tuple(paths)))
            elif other == name:
                report((*path, "depends_on", position), "a check cannot depend on itself; remove this entry")
            elif isinstance(name, str):
                graph.setdefault(name, []).append(other)
    circle = circle_in(graph)
    if circle:
        message = f"these checks depend on each other in a circle: {' → '.join(circle)}; remove one of the dependencies"
        report((*paths[circle[0]], "depends_on"), message)


def _report_times(top: YamlMapping, report: Report) -> None:
    written = top.get("defaults")
    defaults = written if isinstance(written, dict) else {}
    every = _seconds(defaults.get("every"), Defaults.model_fields["every"].default)
    timeout = _seconds(defaults.get("timeout"), Defaults.model_fields["timeout"].default)
    _report_timeout(("defaults",), defaults, every, timeout, report)
    for path, check in _entries(top, "checks"):
        _report_timeout(
            path, check, _seconds(check.get("every"), every), _seconds(check.get("timeout"), timeout), report
        )


def _report_timeout(path: Path, entry: dict[str, object], every: float, timeout: float, report: Report) -> None:
    key = "timeout" if "timeout" in entry else "every"
    if timeout > every and key in entry:
        report((*path, key), timeout_too_long(every, timeout))


def timeout_too_long(every: float, timeout: float) -> str:
    """Says that runs would overlap. Both in seconds."""
    return (
        f"the timeout of {duration(timeout)} is longer than the {duration(every)} between two runs; "
        f"write timeout: {duration(every)} or less, or every: {duration(timeout)} or more"
    )


def _seconds(written: object, otherwise: float) -> float:
    try:
        return otherwise if written is None else parse_duration(written)
    except ValueError:
        return otherwise
