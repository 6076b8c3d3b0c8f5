"""What linters of rules look for, on the rules as they are shipped."""

import re
from datetime import timedelta

import promql_parser as promql
import pytest

from alerts.rule import Severity
from tests.alerts.expressions import TARGET, Rule, labels_of, metrics, parts, ranges, rules
from tests.alerts.promtool import RULES, promtool

_SCRAPE = timedelta(seconds=30)
_GROWTH = {"rate", "increase", "irate"}
_OVER_GROWTH = {*_GROWTH, "resets", "changes"}
_PAGING = 8
ALERTS = [rule for rule in rules() if rule.alerts]


def _ids(rule: Rule) -> str:
    return rule.name


each_rule = pytest.mark.parametrize("rule", rules(), ids=_ids)
each_alert = pytest.mark.parametrize("rule", ALERTS, ids=_ids)


def _text(rule: Rule, section: str, key: str = "") -> str:
    entries = rule.document.get(section, {})
    assert isinstance(entries, dict)
    return str(entries.get(key, "")) if key else " ".join(map(str, entries.values()))


@pytest.mark.parametrize(
    "program", [pytest.param(it, marks=pytest.mark.servers(it)) for it in ("promtool", "promtool-3")]
)
def test_promtool_finds_nothing(program: str) -> None:
    files = sorted(RULES.glob("*.yaml"))
    assert files
    result = promtool(program, "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not result.stderr


@each_rule
def test_metrics_exist(rule: Rule) -> None:
    read = {str(part.name) for part in parts(promql.parse(rule.expr)) if isinstance(part, promql.VectorSelector)}
    assert read <= set(metrics())


@each_rule
def test_labels_exist(rule: Rule) -> None:
    for part in parts(promql.parse(rule.expr)):
        if isinstance(part, promql.VectorSelector):
            matched = {matcher.name for matcher in part.matchers.matchers}
            assert matched <= metrics()[str(part.name)].labels, part.prettify()
        elif isinstance(part, promql.AggregateExpr) and part.modifier:
            assert set(part.modifier.labels) <= labels_of(part.expr, metrics()) | TARGET, part.prettify()
        elif isinstance(part, promql.BinaryExpr) and part.modifier and part.modifier.matching:
            both = [labels_of(side, metrics()) | {"cluster"} for side in (part.lhs, part.rhs)]
            assert all(set(part.modifier.matching.labels) <= labels for labels in both), part.prettify()


@each_rule
def test_growth_is_asked_of_counters_over_four_scrapes_at_least(rule: Rule) -> None:
    for function, metric, window in ranges(promql.parse(rule.expr)):
        if function in _GROWTH:
            assert metrics()[metric].counter, metric
            assert window >= 4 * _SCRAPE, metric


@each_rule
def test_counters_are_never_looked_at_as_they_are(rule: Rule) -> None:
    """But for ReachdUnknown, to which it matters whether there was a verdict since the agent began.

    And for ReachdBrokerSlowConsumers, where the counts are of several servers.
    """
    expr = promql.parse(rule.expr)
    if rule.name in ("ReachdUnknown", "ReachdBrokerSlowConsumers"):
        return
    counters = [
        str(it.name) for it in parts(expr) if isinstance(it, promql.VectorSelector) and metrics()[str(it.name)].counter
    ]
    grown = [metric for function, metric, _ in ranges(expr) if function in _OVER_GROWTH and metrics()[metric].counter]
    assert sorted(counters) == sorted(grown)


@each_alert
def test_what_is_absent_is_waited_for(rule: Rule) -> None:
    calls = {part.func.name for part in parts(promql.parse(rule.expr)) if isinstance(part, promql.Call)}
    assert not calls & {"absent", "absent_over_time"} or rule.document.get("for")


@each_alert
def test_labels_hold_no_value(rule: Rule) -> None:
    assert "{{" not in _text(rule, "labels")


@each_alert
def test_labels_that_annotations_show_survive(rule: Rule) -> None:
    labels = rule.document["labels"]
    assert isinstance(labels, dict)
    shown = set(re.findall(r"\$labels\.(\w+)", _text(rule, "annotations")))
    assert shown <= labels_of(promql.parse(rule.expr), metrics()) | set(labels) | {"cluster"}


@each_alert
def test_queries_in_annotations_are_queries_of_metrics_that_exist(rule: Rule) -> None:
    for query in re.findall(r"printf `(.*?)`", _text(rule, "annotations")):
        read = [it for it in parts(promql.parse(query.replace("%q", '"x"'))) if isinstance(it, promql.VectorSelector)]
        assert read
        for selector in read:
            assert {matcher.name for matcher in selector.matchers.matchers} <= metrics()[str(selector.name)].labels


@each_alert
def test_a_summary_is_a_sentence(rule: Rule) -> None:
    summary = _text(rule, "annotations", "summary")
    assert re.fullmatch(r"[A-Z][^\n{}]*\.", summary), summary
    assert _text(rule, "annotations", "description").endswith((".", "{{ end }}"))


def test_alerts_of_a_name_and_severity_have_one_summary() -> None:
    summaries: dict[tuple[str, str], set[str]] = {}
    for rule in ALERTS:
        named = (rule.name, _text(rule, "labels", "severity"))
        summaries.setdefault(named, set()).add(_text(rule, "annotations", "summary"))
    assert not {named: texts for named, texts in summaries.items() if len(texts) > 1}


@each_alert
def test_links_lead_to_the_runbook_and_to_a_dashboard(rule: Rule) -> None:
    assert _text(rule, "annotations", "runbook_url").endswith(f"/{rule.name}.md")
    assert re.search(r"/d/reachd-[a-z]+(\?|$)", _text(rule, "annotations", "dashboard_url"))


def test_few_alerts_wake_somebody() -> None:
    paging = {rule.name for rule in ALERTS if _text(rule, "labels", "severity") == Severity.CRITICAL}
    assert 0 < len(paging) <= _PAGING


@each_alert
def test_severities_are_of_the_closed_list(rule: Rule) -> None:
    assert Severity(_text(rule, "labels", "severity")) in Severity


def test_what_is_recorded_says_level_metric_operation() -> None:
    names = [rule.name for rule in rules() if not rule.alerts]
    assert names
    assert all(re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", name) for name in names)
