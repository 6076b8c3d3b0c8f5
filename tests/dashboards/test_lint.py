"""Rules that every dashboard and every panel keeps, so that it works in any Grafana and can be read by anybody."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from alerts import pack
from alerts.rule import Alert, Links
from dashboards.links import TAG
from tests.dashboards.documents import (
    DASHBOARDS,
    Json,
    asked,
    label_of,
    of_panels,
    panels,
    rows,
    used_variables,
    variables,
)

EVERY_DASHBOARD = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)

UNITS = {
    "none",
    "short",
    "string",
    "s",
    "percentunit",
    "bytes",
    "Bps",
    "cps",
    "reqps",
    "dateTimeFromNow",
    "dateTimeAsIso",
}
"""Ids of Grafana's value formats; the ones that are used."""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WITHOUT_ALERT = "none; this is for looking into what others tell"
ALERTS = {alert.name for alert in pack.alerts()}


def everywhere(value: Any, key: str) -> list[Any]:
    """The values under a key, at any depth."""
    if isinstance(value, dict):
        here = [value[key]] if key in value else []
        return here + [found for each in value.values() for found in everywhere(each, key)]
    if isinstance(value, list):
        return [found for each in value for found in everywhere(each, key)]
    return []


def test_uids_and_titles_are_unique() -> None:
    for key in ("uid", "title"):
        assert max(Counter(dashboard[key] for dashboard in DASHBOARDS.values()).values()) == 1


@EVERY_DASHBOARD
def test_it_is_provisioned_as_it_is(dashboard: Json) -> None:
    assert dashboard["editable"] is False
    assert dashboard.get("id") is None
    assert not dashboard.keys() & {"__inputs", "__requires", "__elements"}
    assert "DS_" not in str(dashboard)
    assert dashboard["tags"] == [TAG]
    assert dashboard["refresh"] == "30s"
    assert dashboard["description"]


@EVERY_DASHBOARD
def test_it_links_to_the_others_and_keeps_time_and_variables(dashboard: Json) -> None:
    [link] = dashboard["links"]
    assert (link["type"], link["tags"], link["keepTime"], link["includeVars"]) == ("dashboards", [TAG], True, True)


@EVERY_DASHBOARD
def test_the_first_variables_are_the_datasources(dashboard: Json) -> None:
    metrics, traces, *others = variables(dashboard)
    assert (metrics["name"], metrics["type"], metrics["query"]) == ("datasource", "datasource", "prometheus")
    assert (traces["name"], traces["type"], traces["query"]) == ("traces", "datasource", "tempo")
    assert {variable["type"] for variable in others} == {"query"}
    assert others[0]["name"] == "cluster"


@EVERY_DASHBOARD
def test_variables_are_chained_and_asked_for_again_when_the_time_changes(dashboard: Json) -> None:
    known = {"datasource"}
    for variable in variables(dashboard)[2:]:
        assert variable["refresh"] == 2
        assert variable["datasource"] == SOURCE
        assert variable["label"]
        assert label_of(variable) == variable["name"]
        assert used_variables(variable["query"]["query"]) <= known
        if variable["multi"]:
            assert variable["includeAll"]
            assert variable["current"]["value"] == ["$__all"]
        known.add(variable["name"])


@EVERY_DASHBOARD
def test_every_variable_is_used_and_every_used_one_exists(dashboard: Json) -> None:
    names = {variable["name"] for variable in variables(dashboard)}
    texts = [each.expr for each in asked(dashboard)] + [str(everywhere(dashboard, "url"))]
    used = {name for text in texts for name in used_variables(text) if not name.startswith("__")}
    assert used <= names
    assert names - used <= {"datasource", "traces"}


@EVERY_DASHBOARD
def test_no_datasource_is_fixed(dashboard: Json) -> None:
    assert all(source == SOURCE for source in everywhere(dashboard, "datasource"))
    for panel in panels(dashboard):
        assert panel["datasource"] == SOURCE
        assert [target["datasource"] for target in panel["targets"]] == [SOURCE] * len(panel["targets"])


@EVERY_DASHBOARD
def test_ids_and_titles_are_unique(dashboard: Json) -> None:
    everything = [*panels(dashboard), *rows(dashboard)]
    assert max(Counter(panel["id"] for panel in everything).values()) == 1
    assert max(Counter(panel["title"] for panel in everything).values()) == 1


@EVERY_DASHBOARD
def test_nothing_overlaps_or_leaves_the_grid(dashboard: Json) -> None:
    for panel in [*panels(dashboard), *rows(dashboard)]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert min(place["y"], place["h"] - 1) >= 0
    # What is in a closed row has its place once the row is opened, when what is below moves down.
    for together in (dashboard["panels"], *(row["panels"] for row in rows(dashboard))):
        for one, other in combinations([panel["gridPos"] for panel in together], 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or below, (one, other)


@EVERY_DASHBOARD
def test_every_panel_says_what_it_shows_and_what_to_do(dashboard: Json) -> None:
    for panel in panels(dashboard):
        assert panel["title"]
        text = panel["description"]
        shows, healthy, otherwise, alert = text.split("\n\n")
        assert shows.endswith(".")
        assert len(healthy) > len("**Healthy:** ") <= len(healthy)
        assert healthy.startswith("**Healthy:** ")
        assert otherwise.startswith("**Otherwise:** ")
        assert alert.startswith("**Alert:** ")
        named = re.findall(r"\[(\w+)\]\((\S+?)\)", alert)
        assert named or WITHOUT_ALERT in alert
        for name, url in named:
            assert name in ALERTS, (panel["title"], name)
            assert url == f"{Links().runbooks}/{name}.md"


@EVERY_DASHBOARD
def test_every_panel_has_a_unit_thresholds_and_a_word_for_nothing(dashboard: Json) -> None:
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        units = {defaults["unit"], *everywhere(panel["fieldConfig"]["overrides"], "unit")}
        units |= {it["value"] for it in _properties(panel) if it["id"] == "unit"}
        assert units <= UNITS
        assert defaults["noValue"]
        first, *others = defaults["thresholds"]["steps"]
        assert first["value"] is None
        values = [step["value"] for step in others]
        assert values == sorted(values)


def _properties(panel: Json) -> list[Json]:
    return [it for override in panel["fieldConfig"]["overrides"] for it in override["properties"]]


@EVERY_DASHBOARD
def test_states_have_words_as_well_as_colours(dashboard: Json) -> None:
    for panel in panels(dashboard):
        own = panel["fieldConfig"]["defaults"]["mappings"]
        for mapping in own + [each for it in _properties(panel) if it["id"] == "mappings" for each in it["value"]]:
            options = mapping["options"]
            results = [options["result"]] if mapping["type"] == "special" else options.values()
            assert all(result["text"] and result["color"] for result in results)
        if panel["type"] == "state-timeline":
            assert own, panel["title"]


@EVERY_DASHBOARD
def test_every_panel_asks_something_and_nothing_twice(dashboard: Json) -> None:
    for panel in panels(dashboard):
        assert panel["targets"]
        assert len({target["expr"] for target in panel["targets"]}) == len(panel["targets"])
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGHIJ")[: len(panel["targets"])]
    assert not [panel for panel in panels(dashboard) if panel.get("repeat")]


@EVERY_DASHBOARD
def test_histograms_show_exemplars(dashboard: Json) -> None:
    for panel in panels(dashboard):
        for target in panel["targets"]:
            of_checks = "probe_latency_seconds_bucket" in target["expr"]
            assert target.get("exemplar", False) is of_checks, panel["title"]


@EVERY_DASHBOARD
def test_alerts_are_marked(dashboard: Json) -> None:
    found = dashboard["annotations"]["list"]
    assert found[0]["name"] == "Alerts"
    assert 'ALERTS{alertstate="firing"' in found[0]["expr"]
    assert all(annotation["titleFormat"] and annotation["target"]["expr"] == annotation["expr"] for annotation in found)


@EVERY_DASHBOARD
def test_links_of_cells_lead_to_dashboards_of_the_pack(dashboard: Json) -> None:
    for panel in panels(dashboard):
        columns = {title for each in everywhere(panel, "renameByName") for title in each.values()}
        for url in everywhere(panel, "url"):
            if found := re.match(r"/d/([a-z-]+)\?", url):
                target = DASHBOARDS[found[1]]
                names = {variable["name"] for variable in variables(target)}
                assert set(re.findall(r"&var-(\w+)=", url)) <= names
            for field in re.findall(r"__data\.fields\.(\w+)", url):
                assert field in columns, (panel["title"], field)


@EVERY_DASHBOARD
def test_no_panel_reads_a_month_of_samples(dashboard: Json) -> None:
    for each in of_panels(dashboard):
        assert not re.search(r"\[\d+(w|y)|\[([2-9]|\d\d+)d", each.expr), each.where


@EVERY_DASHBOARD
def test_thresholds_are_those_of_the_alerts(dashboard: Json) -> None:
    for panel in panels(dashboard):
        decisive = {number for name in re.findall(r"\[(\w+)\]", panel["description"]) for number in numbers_of(name)}
        for steps in everywhere(panel["fieldConfig"], "steps"):
            # 0 and 1: where there is something at all. Days are seconds in a rule, and more than 1 is from 2 on.
            for value in [step["value"] for step in steps if step["value"] not in (None, 0, 1)]:
                assert {value, value * 86400, value - 1} & decisive, (panel["title"], value)


def numbers_of(name: str) -> set[float]:
    """The numbers in the expressions of an alert; durations and parts of names are none."""
    text = " ".join(alert.expr for alert in pack.alerts() if alert.name == name)
    return {float(number) for number in re.findall(r"(?<![\w.\"])\d+(?:\.\d+)?(?![\w.])", text)}


@pytest.mark.parametrize("alert", pack.alerts(), ids=lambda alert: alert.name)
def test_the_dashboard_of_an_alert_takes_its_variables(alert: Alert) -> None:
    names = {variable["name"] for variable in variables(DASHBOARDS[alert.dashboard.uid])}
    assert set(alert.dashboard.variables) <= names
