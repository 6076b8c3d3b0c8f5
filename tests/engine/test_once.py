"""Every check once: in the order of their dependencies, and a failure only after a second look."""

import asyncio

import pytest

from agent.core.transitions import State
from agent.engine.limits import Limits
from agent.engine.once import Result, run_once
from agent.probes._network import Network
from tests.engine.support import check
from tests.engine.test_supervisor import web_server
from tests.probes.support import refusing, serving, silent

REFUSED = {"kind": "tcp", "address": "127.0.0.1:1"}


@pytest.fixture(autouse=True)
def _quick_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.engine.once.RECHECK_DELAY", 0.05)


async def results(*checks: object, limits: Limits | None = None) -> dict[str, Result]:
    found = run_once(checks, Network(), limits or Limits(500, 20))  # type: ignore[arg-type]
    return {result.check.name: result async for result in found}


async def test_dependencies_come_first_whatever_the_order() -> None:
    with refusing() as nothing:
        broken = check("broken", {"kind": "tcp", "address": nothing})
        behind = check("behind", REFUSED, depends_on=("broken",))
        far = check("far-behind", REFUSED, depends_on=("behind",))
        found = await results(far, behind, broken)
    assert {name: result.state for name, result in found.items()} == {
        "broken": State.DOWN,
        "behind": State.BLOCKED,
        "far-behind": State.BLOCKED,
    }
    assert found["far-behind"].blocked_by == ("behind",)
    assert found["far-behind"].outcome is None


async def test_what_is_not_among_the_checks_blocks_nothing() -> None:
    async with web_server() as server:
        found = await results(check("page", server.probe(), depends_on=("not-chosen",)))
    assert found["page"].state is State.UP


async def test_a_failure_is_looked_at_again() -> None:
    async with web_server() as server:
        server.status = 503
        work = asyncio.create_task(results(check("web", server.probe())))
        while server.requests < 1:
            await asyncio.sleep(0.001)
        server.status = 200
        found = await work
        assert found["web"].state is State.UP
        assert server.requests == 2


async def test_results_come_as_they_are_ready_and_limits_hold() -> None:
    async with serving(silent) as hung, web_server() as server:
        hanging = check("hung", {"kind": "http", "url": f"http://{hung.address}/"}, timeout=0.2, host="hung")
        quick = check("quick", server.probe(), host="quick")
        found = await results(hanging, quick, limits=Limits(2, 1))
    assert list(found) == ["quick", "hung"]
    assert found["hung"].outcome is not None
    assert found["hung"].outcome.reason == "response_timeout"


async def test_who_stops_listening_stops_the_checks() -> None:
    async with serving(silent) as hung, web_server() as server:
        hanging = check("hung", {"kind": "http", "url": f"http://{hung.address}/"}, timeout=30.0)
        running = run_once((hanging, check("quick", server.probe())), Network(), Limits(500, 20))
        assert (await anext(running)).check.name == "quick"
        await running.aclose()  # type: ignore[attr-defined]  # an async generator
        await asyncio.sleep(0)
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("check ")]
