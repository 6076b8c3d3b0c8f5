"""When a fault was noticed at each station on its way to the receiver, and how soon it could have been."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from agent.core.schedule import Schedule
from alerts import pack
from alerts.timing import Timing
from tests.live.chain import Chain
from tests.live.scenes import Expected, Scene

_GROUP_WAIT = {"page": "15s", "ticket": "30s"}
_GRID = "15s"
"""Interval of scrapes, and of the rules about checks that are down."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Seconds since the fault; None where a station has none, as a fault of the agent has no failed run.

    shortest: what two failed runs with the delay between them, `for` and group_wait take. longest: that, and one
    interval each of check, scrape and rules, which the fault may just have missed.
    """

    name: str
    failed: float | None
    pending: float
    firing: float
    delivered: float
    shortest: float
    longest: float | None


async def timeline(chain: Chain, scene: Scene, expected: Expected, began: float, delivered: float) -> Timeline:
    """What happened when, in a scene that was broken at the Unix time `began`."""
    alert = f'cluster="{scene.cluster}",alertname="{expected.alert}",severity="{expected.severity}"'
    firing, check = await _first(chain, f'{alert},alertstate="firing"', began)
    pending, _ = await _first(chain, f'{alert},alertstate="pending",check="{check}"', began)
    waits = (_hold(expected), _GROUP_WAIT[expected.receiver])
    shortest = sum(_seconds(chain.timing, wait) for wait in waits)
    failed = longest = None
    if check in scene.checks:
        failed, twice = _failed_runs(scene, check, began)
        shortest += twice
        longest = shortest + scene.checks[check].every + 2 * _seconds(chain.timing, _GRID)
    times = (failed, pending - began, firing - began, delivered - began, shortest, longest)
    return Timeline(scene.cluster, *times)


async def _first(chain: Chain, selector: str, began: float) -> tuple[float, str]:
    """Unix time of the first evaluation that gave such an alert, and the check that it was about, if any."""
    return min(
        (float(at), series["metric"].get("check", ""))
        for series in await chain.query(f"ALERTS{{{selector}}}[30m]")
        for at, _ in series["values"]
        if float(at) >= began
    )


def _hold(expected: Expected) -> str:
    alerts = (it for it in pack.alerts() if (it.name, it.severity.value) == (expected.alert, expected.severity))
    return next(alerts).hold


def _failed_runs(scene: Scene, name: str, began: float) -> tuple[float, float]:
    """Seconds from the fault to the end of the first failed run, and for two such runs with the delay between them."""
    check = scene.checks[name]
    history = json.loads(scene.agent.ask(f"/api/v1/checks/{check.deployment}/{name}")[1])["history"]
    runs = [(run["started"], run["started"] + run["duration_seconds"]) for run in history if run["verdict"] == "down"]
    # A run may have been under way when the fault began.
    first, second = [(max(start, began), end) for start, end in runs if end >= began][:2]
    twice = first[1] - first[0] + Schedule(name, check.every).recheck_delay() + second[1] - second[0]
    return first[1] - began, twice


def _seconds(timing: Timing, duration: str) -> float:
    return float(timing.seconds(duration))


_COLUMNS = {"failed run": 11, "pending": 9, "firing": 8, "delivered": 11, "shortest": 10, "longest": 9}


def table(rows: Iterable[Timeline]) -> str:
    """The times as text, a line for each."""
    head = "".join(f"{name:>{width}}" for name, width in _COLUMNS.items())
    return "\n".join([f"{'seconds since the fault':28}{head}", *map(_line, rows)])


def _line(row: Timeline) -> str:
    times = (row.failed, row.pending, row.firing, row.delivered, row.shortest, row.longest)
    cells = ("-" if time is None else f"{time:.1f}" for time in times)
    return f"{row.name:28}{''.join(f'{cell:>{width}}' for cell, width in zip(cells, _COLUMNS.values(), strict=True))}"
