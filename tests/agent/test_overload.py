"""An agent that is too slow, or has no means left, blames itself and never its targets."""

import asyncio
import time
from pathlib import Path

from tests.agent.support import agent_process, check, local_agent, select, wait_until
from tests.probes.support import serving, silent

FEW_DESCRIPTORS = """\
import resource
import sys
from agent.__main__ import main

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
sys.exit(main(sys.argv[1:]))
"""


async def test_a_timeout_while_the_agent_stood_still_says_nothing_of_the_target(tmp_path: Path) -> None:
    hang = False

    async def stalling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if hang:
            time.sleep(0.3)  # noqa: ASYNC251 - the whole event loop, agent and all, stands still
            await silent(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(stalling) as server:
        checks = [check("victim", "http", url=f"http://{server.address}/", every="500ms", timeout="400ms")]
        async with local_agent(tmp_path, {"checks": checks}) as agent:
            await agent.until_states(victim="up")
            hang = True
            await agent.until_states(victim="unknown")
            found = await agent.check("victim")
            samples = await agent.samples()
    assert found["last"]["reason"] == "overloaded"
    assert found["last"]["explanation"]["blame"] == "agent"
    assert found["last"]["detail"].startswith("the agent stood still for 0.")
    assert "got no CPU" in found["last"]["explanation"]["meaning"]
    assert "reachd_event_loop_delay_seconds" in found["last"]["explanation"]["try_first"][0]
    assert found["failures"] == 0
    assert select(samples, "probe_failures_total", {}) == {"victim": 0}
    assert select(samples, "probe_inconclusive_total", {})["victim"] >= 2
    assert select(samples, "probe_failure_reasons_total", {"reason": "overloaded"})["victim"] >= 2
    assert select(samples, "reachd_stalled_runs_total", {})[""] >= 2
    assert "victim" not in select(samples, "probe_success", {})
    slow = select(samples, "reachd_event_loop_delay_seconds_bucket", {"le": "0.25"})
    assert select(samples, "reachd_event_loop_delay_seconds_count", {})[""] > slow[""]


async def test_a_success_that_overlaps_a_stall_is_up_but_no_latency(tmp_path: Path) -> None:
    async def stalling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        time.sleep(0.05)  # noqa: ASYNC251
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(stalling) as server:
        checks = [check("victim", "http", url=f"http://{server.address}/", latency_objective="10ms")]
        async with local_agent(tmp_path, {"checks": checks}) as agent:
            await agent.until_states(victim="up")
            await agent.until_runs(3)
            samples = await agent.samples()
    assert select(samples, "probe_latency_seconds_count", {"kind": "http"}).get("", 0) == 0
    assert select(samples, "probe_slow_total", {})["victim"] == 0
    assert select(samples, "probe_success", {})["victim"] == 1
    assert select(samples, "probe_duration_seconds", {})["victim"] > 0.05


async def test_without_descriptors_the_agent_is_overloaded_and_nothing_is_down(tmp_path: Path) -> None:
    async with serving(silent) as server:
        checks = [
            check(f"held-{number}", "http", url=f"http://{server.address}/", every="2s", timeout="2s")
            for number in range(120)
        ]
        configuration = {"checks": checks, "limits": {"per_host": 500}}
        with agent_process(tmp_path, configuration, program=("-c", FEW_DESCRIPTORS)) as agent:

            def overloaded() -> dict[str, float]:
                return agent.values("probe_failure_reasons_total", reason="overloaded")

            await asyncio.to_thread(wait_until, lambda: len(overloaded()) > 20, 20)
            for _ in range(20):
                assert await asyncio.to_thread(agent.ask, "/healthz/live") == (200, "ok\n")
            samples = await asyncio.to_thread(agent.samples)
            ready, _ = await asyncio.to_thread(agent.ask, "/healthz/ready")
            states = await asyncio.to_thread(agent.states)
    reasons = {sample.labels["reason"] for sample in samples if sample.name == "probe_failure_reasons_total"}
    assert ready == 200
    assert reasons <= {"overloaded", "response_timeout"}
    failures = select(samples, "probe_failures_total", {})
    timeouts = select(samples, "probe_failure_reasons_total", {"reason": "response_timeout"})
    assert {name: count for name, count in failures.items() if count} == timeouts
    assert {states[name] for name in states if name not in timeouts} == {"unknown"}
    assert "Traceback" not in agent.log()
