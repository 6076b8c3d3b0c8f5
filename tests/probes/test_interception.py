"""Where something takes every connection, as a service mesh does, a connection alone is no verdict."""

from __future__ import annotations

import json

import pytest

from agent.core.outcome import Verdict
from tests.probes.namespaces import in_namespace
from tests.probes.support import assert_up, probe, saying, serving

SCRIPT = """
import asyncio, json, sys
from agent.probes import settings_of
from agent.probes._door import run_probe
from agent.probes._interception import Interception
from agent.probes._network import Network

async def serve(reader, writer):
    writer.write(b"hello")
    await writer.drain()

async def main(host, keys, looked_for):
    server = await asyncio.start_server(serve, "0.0.0.0", 4222)
    network = Network(interception=Interception(looked_for=looked_for))
    settings = settings_of("tcp").model_validate({"kind": "tcp", "address": f"{host}:4222", **keys})
    probe = settings.probe(network)
    outcomes = [await run_probe(probe, 5) for _ in range(2)]
    print(json.dumps([[o.verdict, o.reason, o.detail, o.advice, o.waited > 0] for o in outcomes]))
    server.close()

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3] == "True"))
"""
EVERYTHING, ONE_HOST = "local 0.0.0.0/0 dev lo", "local 10.7.0.9/32 dev lo"
"""Routes of a namespace: one in which every connection ends on this machine, and one that has a host of its own."""


def two_runs(route: str, keys: dict[str, object], *, looked_for: bool = True) -> list[list[object]]:
    """Two runs against 10.7.0.9:4222 from a network namespace of their own."""
    return in_namespace(f"ip route add {route}", SCRIPT, "10.7.0.9", json.dumps(keys), str(looked_for))


@pytest.mark.parametrize("keys", [{}, {"expect_closed": True}])
def test_where_every_connection_is_taken_one_more_says_nothing(keys: dict[str, object]) -> None:
    for verdict, reason, detail, advice, _ in two_runs(EVERYTHING, keys):
        assert (verdict, reason) == ("unknown", None)
        assert detail == (
            "something on this machine, such as a service mesh, accepts every connection, so the one to 10.7.0.9:4222 "
            "proves nothing"
        )
        assert "speaks the target's protocol" in str(advice)


@pytest.mark.parametrize(
    ("route", "keys", "looked_for"),
    [
        (ONE_HOST, {}, True),
        (EVERYTHING, {"dialogue": [{"expect": "hello"}]}, True),
        (EVERYTHING, {}, False),
    ],
)
def test_a_connection_counts_where_it_proves_something(route: str, keys: dict[str, object], looked_for: bool) -> None:
    assert [outcome[:2] for outcome in two_runs(route, keys, looked_for=looked_for)] == [["up", None]] * 2


def test_an_open_port_that_must_be_closed_is_still_found() -> None:
    assert [outcome[1] for outcome in two_runs(ONE_HOST, {"expect_closed": True})] == ["unexpectedly_open"] * 2


def test_what_is_asked_the_first_time_is_no_latency() -> None:
    assert [outcome[4] for outcome in two_runs(ONE_HOST, {})] == [True, False]


async def test_loopback_needs_no_proof() -> None:
    async with serving(saying(b"")) as server:
        outcome = await probe({"kind": "tcp", "address": server.address})
    assert_up(outcome)
    assert outcome.verdict is Verdict.UP
    assert outcome.waited == 0
