"""The event loop is watched: what stood still is known, and how much of it a run has seen."""

import asyncio
import time
from time import perf_counter

import pytest

from agent.engine.stalls import Stalls


async def test_a_quiet_loop_has_not_stood_still() -> None:
    delays: list[float] = []
    stalls = Stalls(delays.append)
    stalls.start()
    began = perf_counter()
    while len(delays) < 5:
        await asyncio.sleep(0.005)
    seen = stalls.stalled_since(began)
    stalls.stop()
    assert seen == pytest.approx(sum(delay for delay in delays if delay > 0.01), abs=0.02)


async def test_a_stall_is_measured_and_remembered() -> None:
    delays: list[float] = []
    stalls = Stalls(delays.append)
    stalls.start()
    await asyncio.sleep(0.03)
    began = perf_counter()
    time.sleep(0.2)  # noqa: ASYNC251 - this is the stall
    at_once = stalls.stalled_since(began)
    await asyncio.sleep(0.03)
    later = stalls.stalled_since(began)
    after = stalls.stalled_since(perf_counter() - 0.005)
    stalls.stop()
    assert 0.18 <= at_once <= 0.21
    assert 0.18 <= later <= 0.30
    assert after <= 0.01
    assert max(delays) >= 0.18


async def test_of_a_stall_only_the_part_within_the_run_counts() -> None:
    stalls = Stalls(lambda _: None)
    stalls.start()
    await asyncio.sleep(0.03)
    time.sleep(0.15)  # noqa: ASYNC251
    began = perf_counter()
    time.sleep(0.05)  # noqa: ASYNC251
    await asyncio.sleep(0.03)
    seen = stalls.stalled_since(began)
    stalls.stop()
    assert 0.03 <= seen <= 0.12


async def test_after_its_end_nothing_ticks() -> None:
    delays: list[float] = []
    stalls = Stalls(delays.append)
    stalls.start()
    stalls.stop()
    stalls.stop()
    await asyncio.sleep(0.03)
    assert delays == []
    assert stalls.stalled_since(perf_counter() - 1) == 0.0
