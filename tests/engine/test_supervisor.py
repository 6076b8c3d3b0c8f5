"""The engine on real sockets: plans become running checks, and their outcomes become states."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import chain, pairwise, repeat
from time import time
from weakref import ref

import pytest
from structlog.testing import capture_logs

from agent.core.schedule import Schedule
from agent.engine.limits import Limits
from agent.probes._network import Network
from tests.engine.support import Recorder, check, plan, supervisor
from tests.probes.support import refusing, serving


class WebServer:
    """Answers 200, or as told; can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.status = 200
        self.requests = 0
        self.hold: asyncio.Event | None = None
        self.pause = 0.0
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            if self.hold is not None:
                await self.hold.wait()
            status = self.status
            await asyncio.sleep(self.pause)
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def probe(self) -> dict[str, str]:
        return {"kind": "http", "url": f"http://127.0.0.1:{self.port}/"}


@asynccontextmanager
async def web_server() -> AsyncIterator[WebServer]:
    server = WebServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_check_runs_at_its_slots_without_drift() -> None:
    recorder = Recorder()
    async with web_server() as server, supervisor(recorder) as running:
        server.pause = 0.03  # one that slept between its runs would be that much later each time
        wanted = check("web", server.probe(), every=0.2)
        await running.reconcile(plan(wanted), Network())
        await until(lambda: len(recorder.outcomes.get("web", [])) >= 12)
    slots = Schedule(str(wanted.key), wanted.every)
    lateness = [(outcome.started - slots.offset) % wanted.every for outcome in recorder.outcomes["web"][1:]]
    assert recorder.states["web"] == ["up"]
    assert sum(late < 0.05 for late in lateness) > len(lateness) / 2, lateness  # the others: a busy machine


async def test_a_failure_is_confirmed_before_the_state_changes() -> None:
    recorder = Recorder()
    async with web_server() as server, supervisor(recorder) as running:
        await running.reconcile(plan(check("web", server.probe())), Network())
        await until(lambda: recorder.states.get("web") == ["up"])
        server.status = 503
        await until(lambda: recorder.states["web"] == ["up", "down"])
        failures = [outcome.reason for outcome in recorder.outcomes["web"] if outcome.reason]
        assert failures[:2] == ["server_error", "server_error"]
        assert True in recorder.suspicions["web"]
        server.status = 200
        await until(lambda: recorder.states["web"] == ["up", "down", "up"])


async def test_a_single_lost_run_is_no_state_change() -> None:
    recorder = Recorder()
    async with web_server() as server, supervisor(recorder) as running:
        await running.reconcile(plan(check("web", server.probe())), Network())
        await until(lambda: recorder.states.get("web") == ["up"])
        server.status = 503
        await until(lambda: recorder.suspicions["web"][-1])
        server.status = 200
        runs = len(recorder.outcomes["web"])
        await until(lambda: len(recorder.outcomes["web"]) > runs + 1)
    assert recorder.states["web"] == ["up"]


async def test_of_two_runs_that_say_different_things_a_third_decides_at_once() -> None:
    alive = "200 OK\r\nContent-Type: text/event-stream\r\n\r\n: alive\n\n"
    sign_in = "302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
    broken = "503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    answers = chain([alive, sign_in], repeat(broken))

    async def scripted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {next(answers)}".encode())

    recorder = Recorder()
    async with serving(scripted) as server, supervisor(recorder) as running:
        probe = {"kind": "sse", "url": f"http://{server.address}/", "expect": {"login_paths": ["/login"]}}
        await running.reconcile(plan(check("stream", probe, every=1.2, timeout=0.9)), Network())
        await until(lambda: recorder.states.get("stream") == ["up", "down"])
    runs = recorder.outcomes["stream"]
    assert [run.verdict for run in runs] == ["up", "unknown", "down", "down"]
    assert runs[3].started - runs[1].started < 1.1


async def test_dependents_of_a_check_that_is_down_are_blocked_and_run_again_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.core.schedule.STARTUP_SPREAD", 0.2)
    recorder = Recorder()
    async with web_server() as server, supervisor(recorder) as running:
        live = check("live", server.probe())
        page = check("page", server.probe(), depends_on=("live",), every=2.0)
        deep = check("deep", server.probe(), depends_on=("page",), every=2.0)
        await running.reconcile(plan(deep, page, live), Network())
        await until(lambda: all(recorder.states.get(name) == ["up"] for name in ("live", "page", "deep")), 15)
        await server.stop()
        await until(lambda: recorder.states["deep"] == ["up", "blocked"])
        assert recorder.states["live"] == ["up", "down"]
        assert recorder.states["page"] == ["up", "blocked"]
        await server.start()
        await until(lambda: recorder.states["deep"] == ["up", "blocked", "unknown", "up"])


async def test_a_blocked_check_names_what_is_down_however_far_behind_it_is() -> None:
    recorder = Recorder()
    async with web_server() as first, web_server() as second, supervisor(recorder) as running:
        first.status = second.status = 503
        one, other = check("one", first.probe()), check("other", second.probe())
        page = check("page", first.probe(), depends_on=("one", "other"), every=60.0, timeout=5.0)
        deep = check("deep", first.probe(), depends_on=("page", "one"), every=60.0, timeout=5.0)

        def deep_is_blocked_by(*names: str) -> bool:
            standing = recorder.standings.get("deep")
            return standing is not None and standing.blocked_by == names

        await running.reconcile(plan(one, other, page, deep), Network())
        await until(lambda: deep_is_blocked_by("one", "other"))
        first.status = 200
        await until(lambda: deep_is_blocked_by("other"))
        second.status = 200
        await until(lambda: recorder.states["deep"][-1] == "up")


async def test_a_block_begins_by_the_wall_clock_that_was_corrected_after_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.engine.clock.time", lambda: time() - 3600)
    recorder = Recorder()
    with refusing() as nowhere:
        down = check("down", {"kind": "tcp", "address": nowhere})
        behind = replace(down, name="behind", depends_on=("down",))
        async with supervisor(recorder) as running:
            await running.reconcile(plan(down, behind), Network())
            await until(lambda: "blocked" in recorder.states.get("behind", ()))
            assert recorder.standings.keys() == {"down", "behind"}
            assert all(abs(time() - standing.since) < 60 for standing in recorder.standings.values())


async def test_reconciling_keeps_what_is_unchanged_and_replaces_what_is_not() -> None:
    recorder = Recorder()
    network = Network()
    async with web_server() as server, supervisor(recorder) as running:
        kept, changed, gone = (check(name, server.probe()) for name in ("kept", "changed", "gone"))
        await running.reconcile(plan(kept, changed, gone), network)
        await until(lambda: all(recorder.states.get(name) == ["up"] for name in ("kept", "changed", "gone")))
        recorder.events.clear()
        await running.reconcile(plan(kept, replace(changed, timeout=0.1), check("new", server.probe())), network)
        assert sorted(recorder.events) == [("added", "new"), ("removed", "gone"), ("replaced", "changed")]
        runs = {name: len(recorder.outcomes[name]) for name in ("kept", "changed", "gone")}
        await until(lambda: len(recorder.outcomes["kept"]) > runs["kept"])
        await until(lambda: len(recorder.outcomes["changed"]) > runs["changed"])
        assert len(recorder.outcomes["gone"]) == runs["gone"]
        assert recorder.states["changed"] == ["up"]
        await running.reconcile(plan(), network)
        assert recorder.standings == {}
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("check ")]


async def test_reconciling_leaves_no_garbage_behind_that_is_then_kept_for_ever() -> None:
    frozen = []
    async with supervisor(Recorder()) as running:
        for number in range(4):
            probe = {"kind": "tcp", "address": f"127.0.0.1:{number + 1}"}
            await running.reconcile(plan(*[check(f"c{place}", probe, every=60.0) for place in range(300)]), Network())
            frozen.append(gc.get_freeze_count())
    assert frozen[-1] - frozen[1] < 300, frozen


async def test_a_small_change_keeps_no_garbage_of_others_for_ever() -> None:
    async with supervisor(Recorder()) as running:
        circle = WebServer()
        circle.itself = circle  # type: ignore[attr-defined]
        left = ref(circle)
        del circle
        await running.reconcile(plan(check("new", {"kind": "tcp", "address": "127.0.0.1:1"}, every=60.0)), Network())
        gc.collect()
    assert left() is None


async def test_a_check_never_overlaps_with_itself_and_counts_the_slots_it_missed() -> None:
    recorder = Recorder()
    async with web_server() as server, supervisor(recorder) as running:
        server.hold = asyncio.Event()
        await running.reconcile(plan(check("slow", server.probe(), every=0.1, timeout=0.55)), Network())
        await until(lambda: recorder.missed_slots >= 4)
        server.hold.set()
    outcomes = recorder.outcomes["slow"]
    for earlier, later in pairwise(outcomes):
        assert later.started >= earlier.started + earlier.duration


async def test_a_hung_host_holds_up_no_other() -> None:
    recorder = Recorder()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with web_server() as server, supervisor(recorder, Limits(500, 2)) as running:
            hung = [
                check(f"hung-{number}", {"kind": "http", "url": f"http://127.0.0.1:{port}/"}, host="hung", timeout=5.0)
                for number in range(10)
            ]
            await running.reconcile(plan(*hung, check("well", server.probe(), host="well")), Network())
            await until(lambda: len(recorder.outcomes.get("well", [])) >= 5)
    assert not any(name.startswith("hung") for name in recorder.outcomes)


async def test_a_crashing_probe_says_so_and_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    async with web_server() as server, supervisor(recorder) as running:
        broken = check("web", server.probe())
        monkeypatch.setattr("agent.probes.http.exchange", None)
        with capture_logs():  # on a terminal a traceback is drawn, which takes seconds
            await running.reconcile(plan(broken), Network())
            await until(lambda: len(recorder.outcomes.get("web", [])) >= 3)
        assert {outcome.reason for outcome in recorder.outcomes["web"]} == {"internal_error"}
        assert "up" not in recorder.states.get("web", [])
        assert "down" not in recorder.states.get("web", [])


async def test_a_run_under_way_when_its_dependency_fails_decides_nothing_and_is_repeated_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.core.schedule.STARTUP_SPREAD", 0.2)
    recorder = Recorder()
    async with web_server() as server, web_server() as slow, supervisor(recorder) as running:
        live = check("live", server.probe())
        long = check("long", slow.probe(), depends_on=("live",), every=60.0, timeout=50.0)
        await running.reconcile(plan(live, long), Network())
        await until(lambda: recorder.states.get("long") == ["up"], 15)
        slow.hold = asyncio.Event()
        await server.stop()
        await until(lambda: recorder.states["long"] == ["up", "blocked"])
        await server.start()
        await until(lambda: slow.requests == 2)  # it runs as soon as nothing blocks it
        await server.stop()
        await until(lambda: recorder.states["long"] == ["up", "blocked", "unknown", "blocked"])
        slow.hold.set()
        await until(lambda: len(recorder.outcomes["long"]) == 2)
        assert recorder.states["long"] == ["up", "blocked", "unknown", "blocked"]
        slow.hold = asyncio.Event()
        await server.start()
        await until(lambda: slow.requests == 3)
        slow.hold.set()
        await until(lambda: recorder.states["long"][-1] == "up")
