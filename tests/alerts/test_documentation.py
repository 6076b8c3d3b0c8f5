"""The page about alerts names every alert, as it is."""

from __future__ import annotations

from collections.abc import Iterator

from alerts import pack
from alerts.__main__ import ROOT
from alerts.rule import Alert

PAGE = ROOT / "docs" / "alerts.md"


def rows() -> list[str]:
    """The table of alerts: one row for all alerts of a name that say the same."""
    found: dict[tuple[str, str], list[Alert]] = {}
    for alert in pack.alerts():
        found.setdefault((alert.name, alert.summary), []).append(alert)
    return [
        f"| `{name}` | {_joined(it.severity.value for it in alike)} | {_joined(it.hold or 'at once' for it in alike)} "
        f"| {summary} |"
        for (name, summary), alike in found.items()
    ]


def _joined(words: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def test_the_page_has_every_alert() -> None:
    table = [line for line in PAGE.read_text().splitlines() if line.startswith("| `Reachd")]
    assert table == rows()
