"""When a fault was noticed at each station on its way to the receiver, and how soon it could have been."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from agent.core.schedule import Schedule
from alerts.timing import Timing
from tests.live.chain import Chain
from tests.live.scenes import Expected, Scene

GROUP_WAIT = {"page": "15s", "ticket": "30s"}
HOLD = "2m"
GRID = "15s"
"""Interval of scrapes, and of the rules about checks that are down."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Seconds since the fault; None where a station has none, as a fault of the agent has no failed run.

    shortest: what two failed runs with the delay between them, `for` and group_wait take. longest: that, and one
    interval each of check, scrape and rules, which the fault may just have missed.
    """

    name: str
    failed: float | None
    pending: float | None
    firing: float
    delivered: float
    shortest: float | None
    longest: float | None


async def timeline(chain: Chain, scene: Scene, expected: Expected, began: float, delivered: float) -> Timeline:
    """What happened when, in a scene that was broken at the Unix time `began`."""
    selector = f'cluster="{scene.cluster}",alertname="{expected.alert}",severity="{expected.severity}"'
    first: dict[str, tuple[float, str]] = {}
    for state in ("firing", "pending"):
        for series in await chain.query(f'ALERTS{{alertstate="{state}",{selector}}}[30m]'):
            seen = min((float(at) for at, _ in series["values"] if at >= began), default=None)
            if seen is not None:
                first[state] = min(first.get(state, (seen, "")), (seen, series["metric"].get("check", "")))
    firing, check = first["firing"]
    failed = shortest = longest = None
    if check in scene.checks:
        failed, shortest, longest = _of_check(chain.timing, scene, check, expected.receiver, began)
    pending = first["pending"][0] - began if "pending" in first else None
    return Timeline(scene.cluster, failed, pending, firing - began, delivered - began, shortest, longest)


def _of_check(timing: Timing, scene: Scene, name: str, receiver: str, began: float) -> tuple[float, float, float]:
    check = scene.checks[name]
    history = json.loads(scene.agent.ask(f"/api/v1/checks/{check.deployment}/{name}")[1])["history"]
    runs = [run for run in history if run["verdict"] == "down" and run["started"] + run["duration_seconds"] >= began]
    failed = runs[0]["started"] + runs[0]["duration_seconds"] - began
    twice = sum(run["duration_seconds"] for run in runs[:2]) + Schedule(name, check.every).recheck_delay()
    waits = sum(float(timing.seconds(wait)) for wait in (HOLD, GROUP_WAIT[receiver]))
    shortest = twice + waits
    return failed, shortest, shortest + check.every + 2 * float(timing.seconds(GRID))


_COLUMNS = {"failed run": 11, "pending": 9, "firing": 8, "delivered": 11, "shortest": 10, "longest": 9}


def table(rows: Iterable[Timeline]) -> str:
    """The times as text, a line for each."""
    head = "".join(f"{name:>{width}}" for name, width in _COLUMNS.items())
    return "\n".join([f"{'seconds since the fault':28}{head}", *map(_line, rows)])


def _line(row: Timeline) -> str:
    times = (row.failed, row.pending, row.firing, row.delivered, row.shortest, row.longest)
    cells = ("-" if time is None else f"{time:.1f}" for time in times)
    return f"{row.name:28}{''.join(f'{cell:>{width}}' for cell, width in zip(cells, _COLUMNS.values(), strict=True))}"
