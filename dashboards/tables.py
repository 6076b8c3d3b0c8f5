"""Tables: a row for each series, or a matrix of one label against another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import (
    TableCellBackgroundDisplayMode,
    TableCellHeight,
    TableColoredBackgroundCellOptions,
)
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue, MatcherConfig, ValueMap
from grafana_foundation_sdk.models.table import Options

from dashboards.colours import Steps, absent, thresholds
from dashboards.links import Link
from dashboards.panel import Facts, Panel
from dashboards.query import Shape


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    source: the label, or `Value #A` for the number that the query A gives. words and steps: what colours its cells.
    empty: what is written where a row has no number.
    """

    source: str
    title: str
    unit: str = ""
    links: Sequence[Link] = ()
    words: ValueMap | None = None
    steps: Steps | None = None
    width: int = 0
    empty: str = "-"

    def properties(self) -> list[DynamicConfigValue]:
        """What this column has of its own."""
        found: list[DynamicConfigValue] = []
        if self.unit:
            found.append(DynamicConfigValue("unit", self.unit))
        if self.links:
            found.append(DynamicConfigValue("links", list(self.links)))
        if self.steps is not None:
            found.append(DynamicConfigValue("thresholds", thresholds(self.steps).build()))
        if self.source.startswith("Value"):
            words = [self.words] if self.words is not None else []
            found.append(DynamicConfigValue("mappings", [*words, absent(self.empty, _PLAIN)]))
        if self.words is not None or self.steps is not None:
            found.append(DynamicConfigValue("custom.cellOptions", COLOURED))
        if width := self.width or _WIDTHS.get(self.source):
            found.append(DynamicConfigValue("custom.width", width))
        return found


_PLAIN = "transparent"
_WIDTHS = {
    "alertname": 240,
    "alertstate": 80,
    "blame": 80,
    "cluster": 100,
    "component": 110,
    "deployment": 110,
    "kind": 110,
    "namespace": 110,
    "phase": 90,
    "port": 70,
    "severity": 90,
    "system": 100,
    "target": 220,
    "vantage": 110,
}
"""Of columns whose words are all short, and of those that are of no use when cut; the others share what is left."""

COLOURED = TableColoredBackgroundCellOptions(mode=TableCellBackgroundDisplayMode.BASIC)


def rows(facts: Facts, columns: Sequence[Column], sort_by: str, *, descending: bool = False) -> Panel:
    """A row for each series; those of several queries that agree in their labels are one row."""
    panel = _table(facts)
    if len(facts.queries) > 1:
        panel.with_transformation(DataTransformerConfig("merge", options={}))
    panel.with_transformation(_only(columns)).with_transformation(_in_order(columns))
    for column in columns:
        if properties := column.properties():
            panel.override_by_name(column.title, properties)
    return panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(descending)]).cell_height(
        TableCellHeight.SM
    )


def matrix(facts: Facts, down: str, across: str) -> Panel:
    """The value of the one query by the label `down`, a row each, and the label `across`, a column each."""
    options = {"rowField": down, "columnField": across, "valueField": "Value", "emptyValue": "null"}
    panel = _table(facts)
    panel.with_transformation(DataTransformerConfig("groupingToMatrix", options=options))
    numbers = MatcherConfig(id_val="byType", options="number")
    words = DynamicConfigValue("mappings", [*facts.mappings, absent("-", _PLAIN)])
    return panel.with_override(numbers, [words, DynamicConfigValue("custom.cellOptions", COLOURED)])


def _table(facts: Facts) -> table.Panel:
    panel = facts.on(table.Panel(), Shape.ROWS).cell_height(TableCellHeight.SM)
    options = panel.build().options
    if isinstance(options, Options):
        options.footer = None  # the SDK sets one, and Grafana 13 has it no more
    # Where a label is empty there is nothing to say, while the panel says so where there are no rows at all.
    texts = MatcherConfig(id_val="byType", options="string")
    return panel.with_override(texts, [DynamicConfigValue("noValue", "")])


def _only(columns: Sequence[Column]) -> DataTransformerConfig:
    names = [column.source for column in columns]
    return DataTransformerConfig("filterFieldsByName", options={"include": {"names": names}})


def _in_order(columns: Sequence[Column]) -> DataTransformerConfig:
    places: Mapping[str, int] = {column.source: place for place, column in enumerate(columns)}
    titles = {column.source: column.title for column in columns}
    options = {"excludeByName": {}, "indexByName": places, "renameByName": titles}
    return DataTransformerConfig("organize", options=options)
