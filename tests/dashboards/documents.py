"""The checked-in dashboards, and what is in them: panels, queries and variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
DASHBOARDS: Mapping[str, Json] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}

_LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)|\$\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression that a dashboard sends to Prometheus, with variables in it, and where it stands."""

    where: str
    expr: str


def panels(dashboard: Json) -> Iterator[Json]:
    """All panels that draw something, those in closed rows included."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def rows(dashboard: Json) -> Iterator[Json]:
    """All rows."""
    return (panel for panel in dashboard["panels"] if panel["type"] == "row")


def variables(dashboard: Json) -> list[Json]:
    """All variables in their order."""
    found: list[Json] = dashboard["templating"]["list"]
    return found


def of_panels(dashboard: Json) -> Iterator[Asked]:
    """The queries of all panels."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Asked(f"{dashboard['uid']} / {panel['title']} / {target['refId']}", target["expr"])


def of_variables(dashboard: Json) -> Iterator[Asked]:
    """The selectors of all variables but the datasources; each asks for a label, see `label_of`."""
    for variable in variables(dashboard)[2:]:
        if found := _LABEL_VALUES.fullmatch(variable["query"]["query"]):
            yield Asked(f"{dashboard['uid']} / ${variable['name']}", found[1])


def label_of(variable: Json) -> str:
    """The label whose values a variable offers."""
    found = _LABEL_VALUES.fullmatch(variable["query"]["query"])
    assert found is not None, variable
    return found[2]


def of_annotations(dashboard: Json) -> Iterator[Asked]:
    """The queries of all annotations."""
    for annotation in dashboard["annotations"]["list"]:
        yield Asked(f"{dashboard['uid']} / annotation {annotation['name']}", annotation["expr"])


def asked(dashboard: Json) -> Iterator[Asked]:
    """Everything that a dashboard asks."""
    yield from of_panels(dashboard)
    yield from of_variables(dashboard)
    yield from of_annotations(dashboard)


def used_variables(text: str) -> set[str]:
    """The names of the variables in a text; those of Grafana's own begin with two underscores."""
    return {plain or braced for plain, braced in _VARIABLE.findall(text)}


def filled(expr: str, values: Mapping[str, str]) -> str:
    """The expression with values for its variables. Raises KeyError for one without."""
    return _VARIABLE.sub(lambda found: values[found[1] or found[2]], expr)
