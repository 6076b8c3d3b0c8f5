"""Nothing that a run made is left to the garbage collector."""

import gc
from asyncio import create_task, gather, sleep, timeout
from collections.abc import Callable
from weakref import ref

import pytest

from agent.engine.garbage import collect_by_the_clock, settle
from agent.probes import settings_of
from agent.probes._door import run_probe
from agent.probes._network import Network
from tests.probes.support import Script, answering, refusing, serving, silent


@pytest.mark.parametrize(
    "script",
    [
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        answering(b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
        silent,
    ],
    ids=["up", "down", "cut", "silent"],
)
async def test_runs_leave_no_circles(script: Script) -> None:
    async with serving(script) as server:
        settings = settings_of("http").model_validate({"kind": "http", "url": f"http://{server.address}/"})
        probe = settings.probe(Network())
        await run_probe(probe, 0.05)
        left = await _left_behind(lambda: run_probe(probe, 0.05))
    assert left == {}


async def test_a_refused_connection_leaves_no_circles() -> None:
    with refusing() as address:
        probe = settings_of("tcp").model_validate({"kind": "tcp", "address": address}).probe(Network())
        await run_probe(probe, 0.05)
        left = await _left_behind(lambda: run_probe(probe, 0.05))
    assert left == {}


async def _left_behind(run: object) -> dict[str, int]:
    """Objects of ours in circles after ten runs, by type; the test's own servers leave some of asyncio's."""
    assert callable(run)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            await run()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        ours = [type(it) for it in gc.garbage if type(it).__module__.startswith(("agent.", "httptools"))]
        return {kind.__name__: ours.count(kind) for kind in set(ours)}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


class Circle:
    """Garbage that reference counting does not free."""

    def __init__(self) -> None:
        self.itself = self


async def test_young_garbage_goes_soon_and_old_objects_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.engine.garbage._EVERY", 0.01)
    before = gc.get_threshold()
    old = Circle()
    gc.collect(0)
    generations: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        generations.append(info["generation"])

    gc.callbacks.append(note)
    task = create_task(collect_by_the_clock())
    try:
        await sleep(0)
        young, old_one = ref(Circle()), ref(old)
        del old
        kept = [[place] for place in range(20_000)]  # enough for several collections by Python itself
        async with timeout(5):
            while young() is not None or len(generations) < 40:
                await sleep(0.01)
        assert set(generations) == {0}
        assert old_one() is not None
        assert len(kept) == 20_000
    finally:
        gc.callbacks.remove(note)
        task.cancel()
        await gather(task, return_exceptions=True)
    assert gc.get_threshold() == before


async def test_old_objects_are_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.engine.garbage._EVERY", 0.01)
    monkeypatch.setattr("agent.engine.garbage._YOUNG_BEFORE_FULL", 3)
    old = Circle()
    gc.collect(0)
    old_one = ref(old)
    del old
    task = create_task(collect_by_the_clock())
    try:
        async with timeout(5):
            while old_one() is not None:
                await sleep(0.01)
    finally:
        task.cancel()
        await gather(task, return_exceptions=True)


@pytest.mark.parametrize("grow_old", [lambda: gc.collect(0), settle], ids=["old", "settled"])
async def test_everything_is_looked_at_before_garbage_takes_much_memory(
    grow_old: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engine.garbage._EVERY", 0.01)
    monkeypatch.setattr("agent.engine.garbage._MOST_GROWTH", 20_000)
    old = Circle()
    grow_old()
    old_one = ref(old)
    del old
    task = create_task(collect_by_the_clock())
    try:
        await sleep(0)
        grown = [str(number) for number in range(100_000)]
        async with timeout(5):
            while old_one() is not None:
                await sleep(0.01)
        assert len(grown) == 100_000
    finally:
        task.cancel()
        await gather(task, return_exceptions=True)
