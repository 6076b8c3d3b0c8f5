"""Every alert has its runbook, and what the runbooks say exists: links, commands, metrics, names."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import promql_parser as promql
import pytest

from agent.__main__ import _parser
from agent.core.reasons import Reason
from agent.metrics.catalogue import catalogue as metrics
from agent.profiles.catalogue import catalogue as profile
from alerts.pack import alerts, files
from alerts.rule import Alert, Recording, Severity
from alerts.timing import Timing
from tests.alerts.expressions import labels_of
from tests.alerts.expressions import metrics as metrics_of_rules
from tests.alerts.runbooks import FOLDER, PAGES, ROOT, WRITTEN, blocks, commands, spans, text_of
from tests.servers.catalogue import BIN

SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation")
NAMES = sorted({alert.name for alert in alerts()})
LONGEST = 75
"""Lines, so that a page is read in a minute or two."""

_FROM_ELSEWHERE = {"up", "ALERTS", "process_cpu_seconds_total"}
"""Series of Prometheus itself, and of prometheus-client."""
_OF_OTHERS = {"keep_firing_for", "runbook_url", "dashboard_url", "group_interval", "max_connections"}
"""Words of Prometheus, Alertmanager and NATS."""
_WORDS_OF_PROMQL = {"by", "on", "offset", "and", "or", "unless", "ignoring", "group_left"}


def heading(name: str) -> str:
    """The line on severities and durations that the page of this alert must have."""
    rules = [alert for alert in alerts() if alert.name == name]
    severities = dict[str, list[str]]()
    for severity in dict.fromkeys(rule.severity for rule in rules):
        alike = [rule for rule in rules if rule.severity is severity]
        hold, keep = (_or([getattr(rule, which) for rule in alike]) for which in ("hold", "keep"))
        severities.setdefault(f"`for` {hold}, `keep_firing_for` {keep}", []).append(severity.value)
    return " · ".join([f"Severity {', '.join(those)}: {durations}" for durations, those in severities.items()])


def _or(durations: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(duration or "none" for duration in durations))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.*)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@cache
def checks() -> frozenset[str]:
    """The rows of the profile, with NAME where a row is there for each of several."""
    return frozenset(row.id.replace("{each.name}", "NAME") for row in profile("meshery").rows)


@cache
def known_metrics() -> frozenset[str]:
    exported = set[str]()
    for family, _, _ in metrics().entries():
        histogram = family.type == "histogram"
        exported |= {f"{family.name}_{end}" for end in ("bucket", "sum", "count")} if histogram else {family.name}
    rules = [rule for groups in files(Timing()).values() for group in groups for rule in group.rules]
    return frozenset(exported | {rule.name for rule in rules if isinstance(rule, Recording)} | _FROM_ELSEWHERE)


@cache
def names() -> frozenset[str]:
    """Reasons, metrics, and keys of the configuration, as its generated page has them."""
    keys = re.findall(r"(?m)^\| `(\w+)` \|", (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"))
    return frozenset([*Reason, *known_metrics(), *keys])


def test_alerts_and_pages_are_one_to_one() -> None:
    assert sorted([*(f"{name}.md" for name in NAMES), "README.md", "reasons.md"]) == PAGES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_head_and_its_sections(name: str) -> None:
    lines = text_of(f"{name}.md").splitlines()
    assert lines[0] == f"# {name}"
    assert lines[2] == heading(name)
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == list(SECTIONS)
    assert len(lines) <= LONGEST


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_how_it_ends_how_to_silence_and_what_not_to_do(name: str) -> None:
    mitigation = text_of(f"{name}.md").partition("## Mitigation\n")[2]
    assert re.search(r"(?m)^- Over when|^- Over with", mitigation)
    assert f"alertname={name}" in mitigation or "- Never silence it" in mitigation
    assert "- Do not " in mitigation


@pytest.mark.parametrize("name", NAMES)
def test_a_silence_goes_by_labels_that_the_alert_has(name: str) -> None:
    labels = {"severity"}.union(
        *(
            labels_of(promql.parse(alert.expr), metrics_of_rules()) | set(alert.labels)
            for alert in alerts()
            if alert.name == name
        )
    )
    for matchers in re.findall(rf"`alertname={name} ([^`]*)`", text_of(f"{name}.md")):
        assert set(re.findall(r"(\w+)=", matchers)) <= labels


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text_of(page)):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (FOLDER / path).resolve() if path else FOLDER / page
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", WRITTEN)
def test_every_reachd_command_is_one(page: str) -> None:
    for words in commands(text_of(page)):
        if words[0] == "reachd" and len(words) > 1:
            arguments = [re.sub(r"^URL$", "http://127.0.0.1:9886", word) for word in words[1:]]
            options = _parser().parse_args(arguments)
            _subject_exists(getattr(options, "subject", ""))


def _subject_exists(subject: str) -> None:
    check = subject.removeprefix("DEPLOYMENT/")
    if subject and check not in ("CHECK", "REASON"):
        assert check in checks() | set(Reason)


@pytest.mark.parametrize("page", WRITTEN)
def test_every_metric_in_a_query_exists(page: str) -> None:
    for query in blocks(text_of(page), "promql"):
        bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", query)
        bare = re.sub(r"\b(by|on|ignoring|without)\s*\([^)]*\)", "", bare)
        selected = re.sub(r"\{[^}]*\}", "", bare)
        names = set(re.findall(r"[a-zA-Z_:][\w:]*(?!\w*\s*\()", re.sub(r"\w+\s*\(", "(", selected)))
        names -= _WORDS_OF_PROMQL | {name for name in names if re.fullmatch(r"\d*[smhd]", name)}
        assert names <= known_metrics(), query


@pytest.mark.servers("promtool")
def test_every_query_is_promql(tmp_path: Path) -> None:
    queries = [query for page in WRITTEN for query in blocks(text_of(page), "promql")]
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    command: list[str | Path] = [BIN / "promtool", "check", "rules", "--lint=none", file]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(queries) > len(NAMES)


@pytest.mark.parametrize("page", WRITTEN)
def test_what_is_named_exists(page: str) -> None:
    text = text_of(page)
    assert set(re.findall(r"\bReachd[A-Z]\w+", text)) <= set(NAMES)
    for name in re.findall(r"\[`?(\w+)`?\]\(reasons\.md#", text):
        assert name in set(Reason)
    likely = re.compile(
        r"(server|ui|websocket|sse|broker|meshsync|operator|provider|adapter|cluster|egress|checklist)-[\w-]+"
    )
    for span in spans(text):
        if likely.fullmatch(span):
            assert span in checks() | {"meshery-server"}, span
        if re.fullmatch(r"[a-z]+(_[a-z]+)+", span):
            assert span in names() | _OF_OTHERS, span


def test_the_list_of_runbooks_has_every_alert_in_its_words_under_its_worst_severity() -> None:
    wanted = dict[str, list[str]]()
    for alert in _one_of_each():
        wanted.setdefault(alert.severity.value, []).append(f"| [{alert.name}]({alert.name}.md) | {alert.summary} |")
    listed = text_of("README.md").partition("## All runbooks\n")[2].split("### ")[1:]
    rows = {part.partition("\n")[0]: re.findall(r"(?m)^\| \[.*$", part) for part in listed}
    assert rows == wanted


def _one_of_each() -> list[Alert]:
    """Of the rules of one name the first of those with the worst severity."""
    worst = dict[str, Alert]()
    for alert in alerts():
        known = worst.get(alert.name, alert)
        worst[alert.name] = min(known, alert, key=lambda one: list(Severity).index(one.severity))
    return list(worst.values())
