"""When checks run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.schedule import RECHECK_DELAY, STARTUP_SPREAD, Schedule, phase_fraction

KEYS = st.text(min_size=1, max_size=30)
INTERVALS = st.sampled_from([0.1, 1.0, 15.0, 60.0, 300.0, 3600.0])
TIMES = st.floats(min_value=1.6e9, max_value=2.0e9)


@given(KEYS, INTERVALS, TIMES)
def test_the_next_slot_is_later_and_at_most_one_interval_away(key: str, every: float, now: float) -> None:
    slot = Schedule(key, every).next(now)
    assert now < slot <= now + every + 1e-6


@given(KEYS, INTERVALS, TIMES)
def test_slots_do_not_drift(key: str, every: float, now: float) -> None:
    schedule = Schedule(key, every)
    slot = schedule.next(now)
    for _ in range(100):
        slot = schedule.next(slot)
    assert slot == pytest.approx(schedule.next(now) + 100 * every, abs=1e-5)
    assert Schedule(key, every).next(now) == schedule.next(now)


@given(KEYS, INTERVALS, TIMES)
def test_the_first_run_comes_early_and_the_second_not_at_once(key: str, every: float, now: float) -> None:
    schedule = Schedule(key, every)
    first = schedule.first(now)
    assert now <= first < now + min(every, STARTUP_SPREAD)
    assert first + every / 2 < schedule.following_first(first) <= first + 1.5 * every + 1e-6


def test_phases_spread_evenly() -> None:
    fractions = [phase_fraction(f"prod/check-{number}") for number in range(10_000)]
    tenths = [sum(1 for fraction in fractions if int(fraction * 10) == tenth) for tenth in range(10)]
    assert min(tenths) > 850
    assert max(tenths) < 1150


@pytest.mark.parametrize(
    ("late_by", "missed"),
    [(-1.0, 0), (0.0, 0), (14.9, 0), (15.0, 1), (44.9, 2), (45.1, 3)],
)
def test_a_slot_is_missed_when_the_one_after_it_has_begun(late_by: float, missed: int) -> None:
    slot = 1_600_000_000.0
    assert Schedule("prod/server-live", 15.0).missed(slot, slot + late_by) == missed


@pytest.mark.parametrize(("every", "delay"), [(0.4, 0.1), (4.0, 1.0), (300.0, RECHECK_DELAY)])
def test_a_failure_is_confirmed_soon(every: float, delay: float) -> None:
    assert Schedule("prod/server-live", every).recheck_delay() == pytest.approx(delay)
