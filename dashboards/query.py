"""A query of a panel, and what becomes of its series."""

from dataclasses import dataclass
from enum import Enum

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.datasources import PROMETHEUS


class Shape(Enum):
    """How the answer is asked for: RANGE over time, LATEST as one number per series, ROWS as a table of series."""

    RANGE = "range"
    LATEST = "latest"
    ROWS = "rows"
    BUCKETS = "buckets"


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `legend`: how its series are called, in Grafana's templates. `exemplar`: show traces beside it."""

    expr: str
    legend: str = ""
    exemplar: bool = False

    def target(self, number: int, shape: Shape) -> Dataquery:
        """The query as the panel's target of this number, from 0 on."""
        target = Dataquery().ref_id(chr(ord("A") + number)).datasource(PROMETHEUS).expr(self.expr)
        if self.legend:
            target.legend_format(self.legend)
        if self.exemplar:
            target.exemplar(True)
        match shape:
            case Shape.RANGE:
                return target.range()
            case Shape.LATEST:
                return target.instant()
            case Shape.ROWS:
                return target.instant().format(PromQueryFormat.TABLE)
            case Shape.BUCKETS:
                return target.range().format(PromQueryFormat.HEATMAP)
