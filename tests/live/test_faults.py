"""Each fault ends in exactly one notification group, at whom it concerns, and is resolved after its repair.

The demo's agents check every 3 s within 1 s, a fifth of what real ones do, so the rules are scaled by 5 and all faults
happen at the same time. One of them also happens unscaled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from agent.demo.faults import FAULTS
from tests.live.chain import Chain, chain
from tests.live.judgement import missing, to_be_told, told, wrong
from tests.live.scenes import (
    Scene,
    as_in_real_life,
    intermittent_target,
    killed_agent,
    rejected_configuration,
    simulated,
)
from tests.live.simulations import simulations
from tests.live.timeline import Timeline, table, timeline

ALERTS = {
    "broker-down": "ReachdBrokerDown",
    "ingress-drops-upgrades": "ReachdWebSocketDown",
    "provider-egress-dropped": "ReachdProviderDown",
    "certificate-expired": "ReachdCheckDown",
    "adapter-hung": "ReachdAdapterDown",
    "server-503": "ReachdCheckDown",
    "healthz-slow": "ReachdCheckDown",
    "meshsync-disconnected": "ReachdCheckDown",
    "broker-token-rotated": "ReachdBrokerDown",
    "session-expired": "ReachdCheckDown",
    "ingress-buffers-events": "ReachdCheckDown",
    "callback-drift": "ReachdCallbackDown",
    "cluster-unhealthy": "ReachdCheckDown",
    "load-balancer-gone": "ReachdBrokerDown",
    "server-exposed": "ReachdChecklistUnmet",
}
"""The alert that tells of each fault of the demo."""

SCALE = 5
STARTS_AT_ONCE = 2
WATCHED_WITHIN = 180.0
DELIVERED_WITHIN = 240.0
DELIVERED_UNSCALED_WITHIN = 400.0
RESOLVED_WITHIN = 540.0
"""Seconds; what matters is what arrives, and a loaded machine may take its time.

What failed now and then has spent of its budget of six hours, and is told of for half an hour after its repair: here,
six minutes.
"""


@pytest.mark.slow
@pytest.mark.servers("prometheus", "alertmanager")
@pytest.mark.timeout(900)
async def test_one_fault_ends_in_one_notification_group(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    (tmp_path / "unscaled").mkdir()
    async with asyncio.TaskGroup() as both:
        scaled = both.create_task(_all_scaled(tmp_path))
        unscaled = both.create_task(_one_unscaled(tmp_path / "unscaled"))
    record_property("table", table([*scaled.result(), unscaled.result()]))


async def _all_scaled(folder: Path) -> list[Timeline]:
    async with simulations(1 + len(FAULTS)) as (healthy, *broken), AsyncExitStack() as stack:
        scenes = await _watched(
            stack,
            simulated(folder, healthy, None),
            *(
                simulated(folder, meshery, fault, ALERTS[fault.name])
                for meshery, fault in zip(broken, FAULTS, strict=True)
            ),
            killed_agent(folder),
            rejected_configuration(folder),
            intermittent_target(folder),
        )
        running = await _chain(stack, SCALE, scenes, folder)
        times = await _break(running, scenes, DELIVERED_WITHIN)
        for scene in scenes:
            await scene.repair()
        await _until(lambda: _unresolved(running, scenes), RESOLVED_WITHIN)
        _assert_nothing_else(running, scenes)
        heartbeat = running.receiver.of("")
        assert told(heartbeat) == {("dead-mans-switch", "agent", "ReachdWatchdog")}
        assert len(heartbeat) >= 3
    return times


async def _one_unscaled(folder: Path) -> Timeline:
    fault = next(fault for fault in FAULTS if fault.name == "broker-down")
    async with simulations(1) as (meshery,), AsyncExitStack() as stack:
        scenes = await _watched(stack, simulated(folder, meshery, fault, ALERTS[fault.name], as_in_real_life))
        running = await _chain(stack, 1, scenes, folder)
        (times,) = await _break(running, scenes, DELIVERED_UNSCALED_WITHIN)
    return replace(times, name=f"{fault.name}, unscaled")


async def _watched(stack: AsyncExitStack, *starting: AbstractAsyncContextManager[Scene]) -> list[Scene]:
    """Starts scenes, a few at a time, and returns when their agents have found everything up."""
    turns = asyncio.Semaphore(STARTS_AT_ONCE)

    async def start(scene: AbstractAsyncContextManager[Scene]) -> Scene:
        async with turns:
            return await stack.enter_async_context(scene)

    async with asyncio.TaskGroup() as starts:
        tasks = [starts.create_task(start(scene)) for scene in starting]
    scenes = [task.result() for task in tasks]

    async def not_up() -> list[str]:
        found = await asyncio.gather(*(asyncio.to_thread(scene.not_up) for scene in scenes))
        return [f"{scene.cluster}: {checks}" for scene, checks in zip(scenes, found, strict=True) if checks]

    await _until(not_up, WATCHED_WITHIN)
    return scenes


async def _chain(stack: AsyncExitStack, scale: int, scenes: Sequence[Scene], folder: Path) -> Chain:
    """Returns when the rules know of every scene."""
    running = await stack.enter_async_context(chain(scale, {scene.cluster: scene.target for scene in scenes}, folder))

    async def unknown() -> list[str]:
        found = await running.query("count by (cluster) (check:probe_success:max)")
        return sorted({scene.cluster for scene in scenes} - {series["metric"]["cluster"] for series in found})

    await _until(unknown, WATCHED_WITHIN)
    return running


async def _break(running: Chain, scenes: Sequence[Scene], seconds: float) -> list[Timeline]:
    """Breaks all scenes, and returns when each has come to what it expects."""
    began = time.time()
    for scene in scenes:
        await scene.wreck()
    await _until(lambda: _missing(running, scenes), seconds)
    _assert_nothing_else(running, scenes)
    times = []
    for scene in scenes:
        if scene.expected:
            first = running.receiver.of(scene.cluster)[0]
            assert list(wrong(scene, scene.expected, first)) == []
            times.append(await timeline(running, scene, scene.expected, began, first.at))
    return times


async def _missing(running: Chain, scenes: Sequence[Scene]) -> list[str]:
    alerts = await running.alerts()
    return [
        words
        for scene in scenes
        for words in missing(scene, running.receiver.of(scene.cluster), alerts.get(scene.cluster, []))
    ]


async def _unresolved(running: Chain, scenes: Sequence[Scene]) -> list[str]:
    found, alerts = [], await running.alerts()
    for scene in scenes:
        statuses = [one.status for one in running.receiver.of(scene.cluster)]
        names = [alert["labels"]["alertname"] for alert in alerts.get(scene.cluster, [])]
        if names or statuses[-1:] not in ([], ["resolved"]):
            found.append(f"{scene.cluster}: {names} are left, {statuses} was delivered")
    return found


def _assert_nothing_else(running: Chain, scenes: Sequence[Scene]) -> None:
    delivered = {scene.cluster: told(running.receiver.of(scene.cluster)) for scene in scenes}
    assert delivered == {scene.cluster: to_be_told(scene) for scene in scenes}


async def _until(mistakes: Callable[[], Awaitable[list[str]]], seconds: float) -> None:
    """Waits until nothing is wrong any more. Raises AssertionError with what still is."""
    deadline = time.monotonic() + seconds
    while found := await mistakes():
        assert time.monotonic() < deadline, "\n".join([f"after {seconds:.0f} s:", *found])
        await asyncio.sleep(1)
