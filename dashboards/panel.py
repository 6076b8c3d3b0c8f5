"""What all panels have, whatever they draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.colours import PLAIN, Steps, thresholds
from dashboards.datasources import PROMETHEUS
from dashboards.description import About
from dashboards.query import Query, Shape

Panel = Builder[dashboard.Panel]


class _Common(Protocol):
    """The part of the SDK's builders that they share, though by no class of their own."""

    def build(self) -> dashboard.Panel: ...
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: DataSourceRef) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def mappings(self, mappings: list[dashboard.ValueMapping]) -> Self: ...
    def thresholds(self, thresholds: Builder[dashboard.ThresholdsConfig]) -> Self: ...
    def targets(self, targets: list[Builder[Dataquery]]) -> Self: ...


_Drawing = TypeVar("_Drawing", bound=_Common)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a panel shows.

    empty: what is written where a query finds nothing. unit: one of Grafana's. steps: the alert's thresholds.
    """

    title: str
    about: About
    queries: Sequence[Query]
    empty: str
    unit: str = "short"
    steps: Steps = field(default_factory=lambda: PLAIN)
    mappings: Sequence[dashboard.ValueMapping] = ()

    def on(self, drawing: _Drawing, shape: Shape) -> _Drawing:
        """The drawing with all that, its queries asked for in this shape."""
        return (
            drawing.title(self.title)
            .description(self.about.text())
            .datasource(PROMETHEUS)
            .unit(self.unit)
            .no_value(self.empty)
            .mappings(list(self.mappings))
            .thresholds(thresholds(self.steps))
            .targets([query.target(number, shape) for number, query in enumerate(self.queries)])
        )
