"""A dashboard as a whole: its panels in rows, and the file that Grafana reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.links import TAG, others
from dashboards.panel import Panel

WIDTH = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True, slots=True)
class Line:
    """Panels side by side, all of the same height; they share the width equally, or by `shares`."""

    height: int
    panels: Sequence[Panel]
    shares: Sequence[int] = ()

    def widths(self) -> Sequence[int]:
        """Columns of the grid for each panel; the last one takes what is left."""
        shares = self.shares or [1] * len(self.panels)
        widths = [WIDTH * share // sum(shares) for share in shares]
        return [*widths[:-1], WIDTH - sum(widths[:-1])]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of panels below a title. A closed one asks nothing of Prometheus until it is opened."""

    title: str
    lines: Sequence[Line]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A dashboard. `uid` is part of links and alerts, and never changes."""

    uid: str
    title: str
    description: str
    variables: Sequence[Builder[model.VariableModel]]
    annotations: Sequence[Builder[model.AnnotationQuery]]
    sections: Sequence[Section]
    since: str = "now-1h"

    def build(self) -> model.Dashboard:
        """As the SDK has it."""
        built = (
            Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .timezone("browser")
            .readonly()
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .refresh("30s")
            .time(self.since, "now")
            .variables(list(self.variables))
            .annotations(list(self.annotations))
            .links([others()])
            .build()
        )
        built.panels = _arranged(self.sections)
        for variable in built.templating.list_val or ():
            # The SDK sets what only a variable of intervals has, and Grafana's own schema knows none of it.
            variable.auto = variable.auto_count = variable.auto_min = None
        return built


def text_of(document: Document) -> str:
    """The file, the same each time."""
    return json.dumps(document.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _arranged(sections: Sequence[Section]) -> list[model.Panel | model.RowPanel]:
    """All panels below each other on the grid, numbered from 1 on."""
    found: list[model.Panel | model.RowPanel] = []
    top = number = 0
    for section in sections:
        number += 1
        row = Row(section.title).id(number).collapsed(section.closed).build()
        row.grid_pos = model.GridPos(h=1, w=WIDTH, x=0, y=top)
        found.append(row)
        below = top = top + 1
        inside: list[model.Panel] = []
        for line in section.lines:
            left = 0
            for panel, width in zip(line.panels, line.widths(), strict=True):
                number += 1
                built = panel.build()
                built.id_val = number
                built.grid_pos = model.GridPos(h=line.height, w=width, x=left, y=below)
                inside.append(built)
                left += width
            below += line.height
        if section.closed:
            row.panels = inside
        else:
            found.extend(inside)
            top = below
    return found
