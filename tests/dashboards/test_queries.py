"""Every query parses, and asks for series and labels that exist."""

from __future__ import annotations

import re

import pytest
from promql_parser import parse

from agent.metrics.node_states import NODE_STATES
from tests.dashboards.documents import (
    DASHBOARDS,
    Asked,
    Json,
    asked,
    filled,
    label_of,
    panels,
    used_variables,
    variables,
)
from tests.dashboards.metrics import counters, labels_of_metrics
from tests.dashboards.promql import Labels, LabelsOf, UnknownLabelError, calls, matchers, selectors

EVERY_DASHBOARD = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)

NOT_CHECKS = {"probe_latency_seconds_bucket"}
"""Of probes, but without a label `check`; they have a `component`, which blackbox_exporter does not know either."""

OF_CHECKS = ("probe_", "healthz_check", "nats_server_", "check:")
RAW_COUNTERS = {"reachd-kubernetes / How containers ended before / A"}
"""It tells how often, not how fast."""


def written(each: Asked) -> str:
    """The query with something in place of its variables."""
    names = used_variables(each.expr)
    return filled(each.expr, {name: "1m" if name.startswith("__") else "any" for name in names})


def result_of(expr: str) -> Labels:
    return LabelsOf(lambda name: labels_of_metrics()[name])(parse(expr))


@EVERY_DASHBOARD
def test_metrics_and_labels_exist(dashboard: Json) -> None:
    for each in asked(dashboard):
        for selector in selectors(parse(written(each))):
            assert selector.name in labels_of_metrics(), each.where
        result_of(written(each))


@EVERY_DASHBOARD
def test_queries_are_about_the_chosen_cluster_and_about_checks_of_ours(dashboard: Json) -> None:
    for each in asked(dashboard):
        text = written(each)
        for state in NODE_STATES:
            text = text.replace(state.query, "vector(0)")  # published as it is; what is built on it is narrowed
        for selector in selectors(parse(text)):
            assert selector.name is not None
            names = matchers(selector).keys()
            assert "cluster" in names or each.where.endswith("/ $cluster"), each.where
            if selector.name.startswith(OF_CHECKS) and not each.where.endswith("/ $cluster"):
                assert ("component" if selector.name in NOT_CHECKS else "check") in names, each.where


@EVERY_DASHBOARD
def test_counters_are_rates_over_the_right_range(dashboard: Json) -> None:
    for each in asked(dashboard):
        tree = parse(written(each))
        rates = [call for call in calls(tree) if call.func.name in ("rate", "increase")]
        rated = {selector.name for call in rates for selector in selectors(call)}
        assert rated <= counters(), each.where
        if each.where not in RAW_COUNTERS:
            assert {selector.name for selector in selectors(tree)} & counters() <= rated, each.where
        assert each.expr.count("rate(") == each.expr.count("[$__rate_interval]"), each.where


@EVERY_DASHBOARD
def test_legends_and_columns_name_labels_of_the_result(dashboard: Json) -> None:
    for panel in panels(dashboard):
        results = [result_of(written(Asked("", target["expr"]))) for target in panel["targets"]]
        for target, labels in zip(panel["targets"], results, strict=True):
            named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
            assert named <= labels | {"le"}, panel["title"]
        everything = frozenset[str]().union(*results)
        for transformation in panel.get("transformations", ()):
            options = transformation["options"]
            for column in options.get("renameByName", ()):
                assert column in everything or column.startswith("Value"), (panel["title"], column)
            for field in ("rowField", "columnField"):
                assert options.get(field) is None or options[field] in everything


@EVERY_DASHBOARD
def test_annotations_name_labels_of_the_result(dashboard: Json) -> None:
    for annotation in dashboard["annotations"]["list"]:
        labels = result_of(written(Asked("", annotation["expr"])))
        named = set(re.findall(r"{{(\w+)}}", annotation["titleFormat"] + annotation["textFormat"]))
        assert named <= labels, annotation["name"]


@EVERY_DASHBOARD
def test_variables_offer_labels_that_exist(dashboard: Json) -> None:
    for variable in variables(dashboard)[2:]:
        [each] = [it for it in asked(dashboard) if it.where == f"{dashboard['uid']} / ${variable['name']}"]
        assert label_of(variable) in result_of(written(each))


@pytest.mark.parametrize(
    "expr",
    [
        "sum by (reason) (probe_runs_total)",
        'probe_success{verdict="up"}',
        "probe_success * on (check, reason) probe_state",
        "probe_success * on (check) group_left (target) probe_state",
        'label_replace(probe_success, "a", "$1", "target", "(.*)")',
        "sum by (check) (sum by (vantage) (probe_success))",
    ],
)
def test_a_label_that_is_not_there_is_found(expr: str) -> None:
    with pytest.raises(UnknownLabelError):
        result_of(expr)
