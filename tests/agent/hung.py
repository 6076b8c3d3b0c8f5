"""Some two hundred targets that hang, each in its own way, watched by one agent beside targets that are well."""

import json
from asyncio import StreamReader, StreamWriter, sleep
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from prometheus_client.samples import Sample

from tests.agent.support import AgentProcess, agent_process, check, select
from tests.probes.dns_server import NameServer, name_server, records, silence
from tests.probes.support import Script, dripping, endless, serving, silent, unaccepting
from tests.servers.run import nginx

EVERY, TIMEOUT = 3.0, 1.0
EACH = 14
RUNS = 3

OWN_RESOLVER = """\
import sys
from agent.__main__ import main
from agent.probes import _network
from agent.probes._endpoint import Endpoint
from agent.probes._resolve import Resolver

server = Endpoint("127.0.0.1", int(sys.argv.pop(1)))
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


class Watched(NamedTuple):
    """What an agent told after `RUNS` runs of each hung check."""

    hung: dict[str, set[str]]
    """Checks whose target hangs, with the reasons that are right."""
    well: list[str]
    """Checks beside them whose target is well; some of them go by name."""
    states: dict[str, str]
    histories: dict[str, list[dict[str, object]]]
    """The runs of each hung check."""
    samples: list[Sample]

    def longest(self) -> float:
        """Seconds that the longest run of a hung check took."""
        return max(float(str(run["duration_seconds"])) for runs in self.histories.values() for run in runs)

    def begun(self, within: str) -> tuple[float, float]:
        """The number of runs that began within so many seconds of their slot, and of all runs."""
        (punctual,) = select(self.samples, "reachd_schedule_delay_seconds_bucket", {"le": within}).values()
        (all_runs,) = select(self.samples, "reachd_schedule_delay_seconds_count", {}).values()
        return punctual, all_runs


async def watch_hung_targets(folder: Path) -> Watched:
    """Runs an agent for as long as `RUNS` runs take; its configuration and log are in `folder`."""
    names = {"well.example": records("@ A 127.0.0.1"), "*": silence}
    async with name_server(names) as resolver, hung_targets(resolver) as targets:
        with nginx("server { listen 127.0.0.1:PORT; return 200 ok; }") as web:
            reasons = {f"{name}-{number}": right for name, (right, _) in targets.items() for number in range(EACH)}
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
            urls = {f"well-{n}": f"{web.url}/" for n in range(8)}
            urls |= {f"named-{n}": f"http://well.example:{web.port}/" for n in range(4)}
            well = [check(name, "http", url=url, every="1s") for name, url in urls.items()]
            configuration = {"checks": hung + well, "limits": {"per_host": 500}, "log": {"level": "info"}}
            program = ("-c", OWN_RESOLVER, str(resolver.server.port))
            with agent_process(folder, configuration, program=program) as agent:
                await sleep(EVERY * RUNS + TIMEOUT)  # what is measured is what happens in this time
                samples = agent.samples()
                return Watched(reasons, list(urls), agent.states(), histories(agent, list(reasons)), samples)


def histories(agent: AgentProcess, names: list[str]) -> dict[str, list[dict[str, object]]]:
    return {name: json.loads(agent.ask(f"/api/v1/checks/default/{name}")[1])["history"] for name in names}
