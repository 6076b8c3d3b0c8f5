"""The variables on top of a dashboard. Each but the first two asks only for what those before it leave."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.datasources import PROMETHEUS, TRACES

_ALL = VariableOption(selected=True, text=["All"], value=["$__all"])

ANYTHING = ".*"
"""What "All" stands for where a label may be absent, as `cluster` is where there is one."""


def datasources() -> Sequence[Builder[VariableModel]]:
    """Where the metrics are, and where the traces are that exemplars and links lead to."""
    return (
        DatasourceVariable("datasource").label("Metrics").type("prometheus"),
        DatasourceVariable(TRACES).label("Traces").type("tempo"),
    )


def cluster(metric: str) -> Builder[VariableModel]:
    """The clusters that have series of `metric`; empty where Prometheus has no such label."""
    return several("cluster", "Cluster", metric, ANYTHING)


def several(name: str, label: str, selector: str, everything: str | None = ".+") -> QueryVariable:
    """Any number of the values that the label `name` has in series of `selector`; all of them at first.

    everything: the regular expression that "All" stands for; None: the values that there are.
    """
    variable = one(name, label, selector).multi(True).include_all(True).current(_ALL)
    return variable if everything is None else variable.all_value(everything)


def one(name: str, label: str, selector: str) -> QueryVariable:
    """One of the values that the label `name` has in series of `selector`."""
    query = f"label_values({selector}, {name})"
    return (
        QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def hidden(name: str, selector: str) -> Builder[VariableModel]:
    """As `several`, but chosen by those before it alone."""
    return several(name, name, selector, None).hide(VariableHide.HIDE_VARIABLE)
