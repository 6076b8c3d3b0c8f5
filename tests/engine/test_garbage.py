"""Nothing that a run made is left to the garbage collector."""

import gc
from asyncio import create_task, gather, sleep

import pytest

from agent.engine.garbage import collect_hourly
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


async def test_full_collections_are_taken_over_and_given_back() -> None:
    before = gc.get_threshold()
    task = create_task(collect_hourly())
    await sleep(0)
    assert gc.get_threshold()[2] > 10**6
    task.cancel()
    await gather(task, return_exceptions=True)
    assert gc.get_threshold() == before
