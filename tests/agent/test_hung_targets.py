"""Two hundred targets that hang, each in its own way, hold up nobody: not each other, and not those that are well."""

from pathlib import Path

import pytest

from tests.agent.hung import EVERY, RUNS, TIMEOUT, watch_hung_targets
from tests.agent.support import select

LATE = 0.5
"""Seconds by which a run may begin or end late where others use the machine; `benchmarks.deadline` has the bars."""


@pytest.mark.slow
@pytest.mark.servers("nginx")
async def test_two_hundred_hung_targets_hold_up_nobody(tmp_path: Path) -> None:
    watched = await watch_hung_targets(tmp_path)
    assert len(watched.hung) >= 190
    punctual, runs = watched.begun(f"{LATE}")
    assert punctual >= 0.99 * runs, f"{runs - punctual} of {runs} runs began over {LATE} s late"
    assert select(watched.samples, "reachd_slots_missed_total", {}) == {"": 0.0}
    counts = select(watched.samples, "probe_runs_total", {})
    for name in watched.well:
        assert watched.states[name] == "up", name
        assert counts[name] >= EVERY * RUNS - 1, f"{name} has run {counts[name]} times"
    for name, reasons in watched.hung.items():
        assert watched.states[name] == "down", name
        assert len(watched.histories[name]) >= RUNS
        assert {run["reason"] for run in watched.histories[name]} <= reasons, name
    assert watched.longest() < TIMEOUT + LATE
