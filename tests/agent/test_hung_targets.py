"""Two hundred targets that hang, each in its own way, hold up nobody: not each other, and not those that are well."""

import json
from asyncio import StreamReader, StreamWriter, sleep
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path

import pytest

from tests.agent.support import AgentProcess, agent_process, check, select
from tests.probes.dns_server import NameServer, name_server, records, silence
from tests.probes.support import Script, dripping, endless, serving, silent, unaccepting
from tests.servers.run import nginx

EVERY, TIMEOUT = 3.0, 1.0
LATE = 0.5
"""Seconds by which a run may begin or end late where others use the machine; `benchmarks.deadline` has the bars."""
EACH = 14
RUNS = 3

OWN_RESOLVER = """\
import sys
from agent.__main__ import main
from agent.probes import _network
from agent.probes._dns_query import Server
from agent.probes._resolve import Resolver

server = Server("127.0.0.1", int(sys.argv.pop(1)))
_network.Resolver = lambda: Resolver(servers=(server,))
sys.exit(main(sys.argv[1:]))
"""
"""An agent that asks a name server of ours; where it asks is not configurable."""


def settings_then_silence(reader: StreamReader, writer: StreamWriter) -> "object":
    """Script: greets as an HTTP/2 server does, and then says nothing any more."""
    writer.write(bytes(3) + b"\4" + bytes(5))
    return silent(reader, writer)


@asynccontextmanager
async def hung_targets(names: NameServer) -> AsyncIterator[dict[str, tuple[set[str], dict[str, object]]]]:
    """By name: the reasons that are right, and the probe."""
    async with AsyncExitStack() as stack:

        async def at(script: Script) -> str:
            return (await stack.enter_async_context(serving(script))).address

        quiet = await at(silent)
        drip = await at(dripping(b"HTTP/1.1 200 OK\r\nX-Drip: drop\r\n", 0.05))
        nothing_ends = await at(endless(b"X-More: and more\r\n", first=b"HTTP/1.1 200 OK\r\n"))
        body = await at(dripping(b"drop", 0.05, first=b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
        greeting = await at(settings_then_silence)  # type: ignore[arg-type]  # it hands on an awaitable
        hole = stack.enter_context(unaccepting())
        matching = {"body_matches": ["the end"]}
        timeout = {"response_timeout"}
        yield {
            "http-silent": (timeout, {"kind": "http", "url": f"http://{quiet}/"}),
            "http-dripping-head": (timeout, {"kind": "http", "url": f"http://{drip}/"}),
            "http-dripping-body": (timeout, {"kind": "http", "url": f"http://{body}/", "expect": matching}),
            "http-endless-head": (
                {"protocol_error", "response_too_large"},
                {"kind": "http", "url": f"http://{nothing_ends}/"},
            ),
            "tls-silent": ({"tls_timeout"}, {"kind": "tls", "address": quiet}),
            "websocket-silent": (timeout, {"kind": "websocket", "url": f"ws://{quiet}/"}),
            "sse-silent": (timeout, {"kind": "sse", "url": f"http://{quiet}/"}),
            "grpc-silent": (timeout, {"kind": "grpc", "address": quiet}),
            "grpc-greeting": (timeout, {"kind": "grpc", "address": greeting}),
            "nats-silent": (timeout, {"kind": "nats", "address": quiet}),
            "tcp-silent": (timeout, {"kind": "tcp", "address": quiet, "dialogue": [{"expect": "hello"}]}),
            "dns-silent": (
                {"dns_timeout"},
                {"kind": "dns", "name": "dead.example", "server": f"127.0.0.1:{names.server.port}"},
            ),
            "name-dead": ({"dns_timeout"}, {"kind": "http", "url": "http://dead-NUMBER.example/"}),
            "connect": ({"connect_timeout"}, {"kind": "tcp", "address": hole}),
        }


def histories(agent: AgentProcess, names: list[str]) -> dict[str, list[dict[str, object]]]:
    return {name: json.loads(agent.ask(f"/api/v1/checks/default/{name}")[1])["history"] for name in names}


@pytest.mark.slow
@pytest.mark.servers("nginx")
async def test_two_hundred_hung_targets_hold_up_nobody(tmp_path: Path) -> None:
    names = {"well.example": records("@ A 127.0.0.1"), "*": silence}
    async with name_server(names) as resolver, hung_targets(resolver) as targets:
        with nginx("server { listen 127.0.0.1:PORT; return 200 ok; }") as web:
            hung = [
                check(
                    f"{name}-{number}",
                    str(probe["kind"]),
                    every=f"{EVERY:g}s",
                    timeout=f"{TIMEOUT:g}s",
                    **json.loads(json.dumps(probe).replace("NUMBER", str(number))),
                )
                for name, (_, probe) in targets.items()
                for number in range(EACH)
            ]
            well = [check(f"well-{n}", "http", url=f"{web.url}/", every="1s") for n in range(8)]
            named = f"http://well.example:{web.port}/"
            well += [check(f"named-{n}", "http", url=named, every="1s") for n in range(4)]
            configuration = {"checks": hung + well, "limits": {"per_host": 500}, "log": {"level": "info"}}
            program = ("-c", OWN_RESOLVER, str(resolver.server.port))
            with agent_process(tmp_path, configuration, program=program) as agent:
                await sleep(EVERY * RUNS + TIMEOUT)  # what is measured is what happens in this time
                samples = agent.samples()
                hung_names = [str(entry["name"]) for entry in hung]
                found = histories(agent, hung_names)
                states = agent.states()
    assert len(hung) >= 190
    (punctual,) = select(samples, "reachd_schedule_delay_seconds_bucket", {"le": f"{LATE}"}).values()
    (started,) = select(samples, "reachd_schedule_delay_seconds_count", {}).values()
    assert punctual >= 0.99 * started, f"{started - punctual} of {started} runs began over {LATE} s late"
    assert select(samples, "reachd_slots_missed_total", {}) == {"": 0.0}
    runs = select(samples, "probe_runs_total", {})
    for entry in well:
        name = str(entry["name"])
        assert states[name] == "up", name
        assert runs[name] >= EVERY * RUNS - 1, f"{name} has run {runs[name]} times"
    for name in hung_names:
        reasons = targets[name.rpartition("-")[0]][0]
        assert states[name] == "down", name
        assert len(found[name]) >= RUNS
        assert {run["reason"] for run in found[name]} <= reasons, name
    longest = max(float(str(run["duration_seconds"])) for run in chain.from_iterable(found.values()))
    assert longest < TIMEOUT + LATE
