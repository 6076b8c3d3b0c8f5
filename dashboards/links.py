"""Links from a dashboard, and from a cell of a table, to where one looks next."""

import json
from collections.abc import Sequence
from urllib.parse import quote

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from alerts.rule import Links
from dashboards.datasources import TRACES

TAG = "reachd"
"""What all dashboards of the pack are tagged with."""

Link = dict[str, object]


def others() -> DashboardLink:
    """The other dashboards of the pack, for the same time and the same variables."""
    return (
        DashboardLink("reachd")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def to(uid: str, title: str, **columns: str) -> Link:
    """A link from a row of a table to a dashboard: its variables, and the columns that have their values."""
    chosen = "".join(f"&var-{variable}={_cell(column)}" for variable, column in columns.items())
    return {
        "title": title,
        "url": f"/d/{uid}?${{datasource:queryparam}}&${{{TRACES}:queryparam}}&${{__url_time_range}}{chosen}",
    }


def to_traces(deployment: str, check: str) -> Link:
    """A link to the traces of a check. Both are texts in which Grafana replaces variables."""
    traceql = f'{{ span.reachd.deployment="{deployment}" && span.reachd.check="{check}" }}'
    datasource = {"type": "tempo", "uid": f"${{{TRACES}}}"}
    query = {"refId": "A", "datasource": datasource, "queryType": "traceql", "query": traceql}
    pane = {"datasource": f"${{{TRACES}}}", "queries": [query], "range": {"from": "${__from}", "to": "${__to}"}}
    panes = quote(json.dumps({"traces": pane}, separators=(",", ":")), safe="${}._[]")
    return {"title": "Traces", "url": f"/explore?schemaVersion=1&panes={panes}"}


def from_row(title: str, deployment: str, check: str) -> Sequence[Link]:
    """From a row about a check: to its dashboard, and to its traces. The arguments name columns."""
    return [
        to("reachd-check", title, cluster="Cluster", deployment=deployment, check=check),
        to_traces(_cell(deployment), _cell(check)),
    ]


def _cell(column: str) -> str:
    return f"${{__data.fields.{column}}}"


def runbook(column: str) -> Link:
    """A link to the runbook of the alert that a column names."""
    return {"title": "Runbook", "url": f"{Links().runbooks}/{_cell(column)}.md", "targetBlank": True}


AGENT = to("reachd-agent", "This agent", cluster="Cluster", instance="Agent")
NODE = to("reachd-kubernetes", "This node", cluster="Cluster", node="Node")
