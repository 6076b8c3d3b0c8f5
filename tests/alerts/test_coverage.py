"""Every alerting bullet and every failure row of Meshery's documents has its alert."""

from __future__ import annotations

import re

import pytest

from alerts import pack
from alerts.__main__ import ROOT

PAGE = ROOT / "docs" / "alerts.md"

# The bullets below "Alerting" in the production document, and the rows of "Per-component failure behavior".
BULLETS = (
    "Service downtime",
    "Infrastructure outage or nodes not Ready",
    "Performance issues and bottlenecks",
    "High error rates, HTTP 500, 501, 502, 503",
    "Resource exhaustion or abnormal usage",
)
COMPONENTS = ("Meshery Server", "Meshery Operator", "MeshSync", "Meshery Broker", "Meshery Adapter", "Remote Provider")


def asked_for() -> list[tuple[str, str, list[str]]]:
    """Document, line and names of alerts, as the page has them."""
    section = PAGE.read_text().partition("## What the documents ask for")[2]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    return [(document, line, re.findall(r"`(Reachd\w+)`", alerts)) for document, line, alerts in cells]


@pytest.mark.parametrize("line", BULLETS)
def test_every_alerting_bullet_has_alerts(line: str) -> None:
    assert [alerts for document, found, alerts in asked_for() if document == "production, Alerting" and found == line]


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_failure_row_has_alerts(component: str) -> None:
    rows = [line for document, line, _ in asked_for() if document == "availability, failure behavior"]
    assert len(rows) == len(COMPONENTS)
    assert [row for row in rows if row.startswith(component)]


def test_the_alerts_exist() -> None:
    names = {alert.name for alert in pack.alerts()}
    for document, line, alerts in asked_for():
        assert alerts, (document, line)
        assert names.issuperset(alerts), (document, line)
