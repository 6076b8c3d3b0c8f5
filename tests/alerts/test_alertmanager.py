"""Alertmanager's own opinion of the generated configuration: who gets what, and what suppresses what."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from alerts import pack
from alerts.__main__ import ROOT, text
from alerts.alertmanager import document
from alerts.rule import Severity
from alerts.timing import Timing, milliseconds
from tests.servers.catalogue import find

FILE = ROOT / "alerts" / "alertmanager.yaml"
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Labels = dict[str, str]


def _amtool(*arguments: str) -> str:
    program = find("amtool")
    assert program is not None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.servers("amtool")
def test_amtool_accepts_the_configuration() -> None:
    assert "4 receivers" in _amtool("check-config", str(FILE))


def test_the_file_is_the_one_that_the_code_generates() -> None:
    assert FILE.read_text() == text(document(Timing()))


def test_scaled_routes_are_otherwise_the_same() -> None:
    real, scaled = (dict(enumerate(_leaves(document(Timing(scale))))) for scale in (1, 5))
    differing = {place for place in real if real[place] != scaled[place]}
    assert differing == {place for place, (key, _) in real.items() if key in _DURATIONS and real[place][1] != "0s"}
    assert all(milliseconds(str(real[it][1])) == 5 * milliseconds(str(scaled[it][1])) for it in differing)


_DURATIONS = {"group_wait", "group_interval", "repeat_interval"}


@pytest.mark.servers("amtool")
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "ReachdWatchdog", "severity": "none"}, "dead-mans-switch"),
        ({"alertname": "ReachdBrokerDown", "severity": "critical", "component": "broker"}, "page"),
        ({"alertname": "ReachdCheckDown", "severity": "critical", "component": "custom"}, "page"),
        ({"alertname": "ReachdNodeNotReady", "severity": "critical", "component": "node"}, "page"),
        ({"alertname": "ReachdBrokerDown", "severity": "warning", "component": "broker"}, "ticket"),
        ({"alertname": "ReachdAgentDown", "severity": "warning", "component": "agent"}, "ticket"),
        ({"alertname": "ReachdCheckDown", "severity": "info", "component": "custom"}, "information"),
        ({"alertname": "ReachdAbnormalUsage", "severity": "info", "component": "workload"}, "information"),
        # Nothing is lost: what no route knows becomes a ticket.
        ({"alertname": "SomethingElse"}, "ticket"),
    ],
)
def test_who_gets_what(labels: Labels, receiver: str) -> None:
    assert _routed(labels) == receiver


_DOWN, _BURNS = ("ReachdCheckDown", "A check fails."), ("ReachdErrorBudgetBurn", "Failures add up.")


@pytest.mark.servers("amtool")
@pytest.mark.parametrize(
    ("firing", "resolved", "summary"),
    [
        ([_DOWN], [], "A check fails."),
        ([_DOWN, _BURNS], [], "A check fails. And 1 more."),
        ([_BURNS, _DOWN, _DOWN], [], "Failures add up. And 2 more."),
        ([_DOWN], [_BURNS], "A check fails."),
        ([], [_BURNS], "Failures add up."),
        ([], [_BURNS, _DOWN], "Failures add up. And 1 more."),
    ],
)
def test_a_notification_has_a_summary_whatever_it_is_about(
    firing: list[tuple[str, str]], resolved: list[tuple[str, str]], summary: str, tmp_path: Path
) -> None:
    status = "firing" if firing else "resolved"
    alerts = [_as_notified("resolved", *it) for it in resolved] + [_as_notified("firing", *it) for it in firing]
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"status": status, "alerts": alerts}))
    (tmp_path / "none.tmpl").touch()

    def rendered(text: str) -> str:
        glob = f"--template.glob={tmp_path}/*.tmpl"
        return _amtool("template", "render", glob, f"--template.text={text}", f"--template.data={data}").strip()

    receivers = {it["name"]: it for it in yaml.safe_load(FILE.read_text())["receivers"]}
    assert rendered(receivers["page"]["pagerduty_configs"][0]["description"]) == summary
    for receiver in ("page", "information"):
        assert rendered(receivers[receiver]["slack_configs"][0]["title"]) == f"{status}: {summary}"


def _as_notified(status: str, name: str, summary: str) -> dict[str, object]:
    return {"status": status, "labels": {"alertname": name}, "annotations": {"summary": summary}}


def test_at_most_eight_alerts_page() -> None:
    assert len({alert.name for alert in pack.alerts() if alert.severity is Severity.CRITICAL}) <= 8


def _routed(labels: Labels) -> str:
    pairs = [f"{name}={value}" for name, value in labels.items()]
    return _amtool("config", "routes", "test", f"--config.file={FILE}", *pairs).strip()


def test_credentials_come_from_files() -> None:
    configuration = yaml.safe_load(FILE.read_text())
    files = {str(value) for key, value in _leaves(configuration["receivers"]) if key.endswith("_file")}
    assert {Path(file).name for file in files} == {"pager-key", "chat-url", "ticket-url", "dead-mans-switch-url"}
    written = [key for key, _ in _leaves(configuration) if key in _SECRETS]
    assert written == []


_SECRETS = {"url", "api_url", "routing_key", "service_key", "password", "credentials", "bearer_token", "token"}


def _leaves(node: object, key: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, name)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _leaves(value, key)
    else:
        yield key, node
