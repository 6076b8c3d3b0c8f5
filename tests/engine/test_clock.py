"""Unix time that never jumps."""

import time

import pytest

from agent.engine import clock
from agent.engine.clock import Clock


def test_it_is_unix_time() -> None:
    assert Clock().now() == pytest.approx(time.time(), abs=0.05)


def test_a_correction_of_the_wall_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, steady = 1_700_000_000.0, 100.0
    monkeypatch.setattr(clock, "time", lambda: wall)
    monkeypatch.setattr(clock, "monotonic", lambda: steady)
    watched = Clock()
    assert watched.now() == 1_700_000_000.0
    wall -= 3600
    steady += 5
    assert watched.now() == 1_700_000_005.0
