"""Every check once: in the order of their dependencies, and a failure only after a second look."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.core.transitions import State
from agent.engine.limits import Limits
from agent.engine.once import Result, run_once
from agent.probes._network import Network
from tests.engine.support import check
from tests.engine.test_supervisor import web_server
from tests.probes.support import refusing, serving, silent

REFUSED = {"kind": "tcp", "address": "127.0.0.1:1"}


class ObservedLimits(Limits):
    """Counts the runs that have ended, and does something after each."""

    def __init__(self, after_run: Callable[[], object] = lambda: None) -> None:
        super().__init__(500, 20)
        self.runs = 0
        self._after_run = after_run

    def release(self, host: str) -> None:
        super().release(host)
        self.runs += 1
        self._after_run()


def with_token(probe: dict[str, str], token_file: Path) -> dict[str, Any]:
    return {**probe, "auth": {"authorization": {"credentials_file": str(token_file)}}}


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
        farther = check("farther", REFUSED, depends_on=("far-behind", "broken"))
        found = await results(farther, far, behind, broken)
    assert {name: result.state for name, result in found.items()} == {
        "broken": State.DOWN,
        "behind": State.BLOCKED,
        "far-behind": State.BLOCKED,
        "farther": State.BLOCKED,
    }
    assert {found[name].blocked_by for name in ("behind", "far-behind", "farther")} == {("broken",)}
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


async def test_only_what_failed_is_looked_at_again(tmp_path: Path) -> None:
    async with web_server() as server, web_server() as guarded:
        guarded.status = 401
        cases: dict[str, tuple[dict[str, Any], State, int]] = {
            "up": (server.probe(), State.UP, 1),
            "the target is to blame": (REFUSED, State.DOWN, 2),
            "the agent is to blame": (with_token(server.probe(), tmp_path / "missing"), State.UNKNOWN, 2),
            "a sign-in is wanted": ({**guarded.probe(), "kind": "websocket"}, State.UNKNOWN, 1),
        }
        for case, (probe, state, runs) in cases.items():
            limits = ObservedLimits()
            found = await results(check("once", probe, timeout=5.0), limits=limits)
            assert (found["once"].state, limits.runs) == (state, runs), case


async def test_a_moment_in_which_the_agent_could_not_tell_is_forgotten(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    async with web_server() as server:
        limits = ObservedLimits(lambda: token_file.write_text("s3cret-of-the-test"))
        found = await results(check("web", with_token(server.probe(), token_file), timeout=5.0), limits=limits)
        assert found["web"].state is State.UP
        assert server.requests == 1


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
