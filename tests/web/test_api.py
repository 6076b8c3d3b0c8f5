"""The status as JSON and as events."""

import asyncio
import json
from time import time
from typing import Any

import pytest
from aiohttp import ClientResponse

from agent.core.reasons import Reason
from agent.web.api import _frames
from tests.web.support import Agent, Board, Faults, check, listening, outcome, untestable_row


async def test_all_checks() -> None:
    board = Board(check("server-live"), check("broker-client"), check("other", "test"), untestable=[untestable_row()])
    board.up("server-live")
    board.down("broker-client", Reason.CONNECT_REFUSED, "Connection refused")
    async with listening(Agent(board)) as session, session.get("/api/v1/checks") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        document = await answer.json()
    by_name = {row["check"]: row for row in document["checks"]}
    assert list(by_name) == ["server-live", "broker-client", "other"]
    assert by_name["server-live"]["state"] == "up"
    assert by_name["broker-client"]["state"] == "down"
    assert by_name["broker-client"]["since"] == pytest.approx(time(), abs=5)
    assert by_name["other"]["state"] == "unknown"
    assert by_name["other"]["since"] is None
    assert by_name["other"]["last"] is None
    (row,) = document["untestable"]
    assert row["check"] == "mesh-sync"
    assert row["why"] == "only MeshSync's own network namespace can tell"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["a", "b", "c"]),
        ("?deployment=prod", ["a", "b"]),
        ("?state=down", ["b"]),
        ("?state=nonsense", ["a", "b", "c"]),
        ("?deployment=nobody", []),
    ],
)
async def test_the_list_can_be_narrowed(query: str, names: list[str]) -> None:
    board = Board(check("a"), check("b"), check("c", "test"))
    board.down("b", Reason.DNS_TIMEOUT)
    async with listening(Agent(board)) as session, session.get(f"/api/v1/checks{query}") as answer:
        assert [row["check"] for row in (await answer.json())["checks"]] == names


async def test_one_check_in_full() -> None:
    board = Board(check("server-live", labels=(("team", "mesh"),), depends_on=("dns",)))
    board.ran("server-live", outcome(Reason.STATUS_UNEXPECTED, "the answer is 418", started=1000.0))
    board.up("server-live")
    async with listening(Agent(board)) as session, session.get("/api/v1/checks/prod/server-live") as answer:
        document = await answer.json()
    assert document["state"] == "up"
    assert document["labels"] == {"team": "mesh"}
    assert document["depends_on"] == ["dns"]
    assert document["runs"] == 2
    assert document["failures"] == 1
    assert document["last"]["verdict"] == "up"
    assert document["last"]["phases_seconds"] == {"resolve": 0.001, "connect": 0.002, "response": 0.003}
    failure = document["last_failure"]
    assert failure["started"] == 1000.0
    assert failure["reason"] == "status_unexpected"
    assert failure["detail"] == "the answer is 418"
    assert failure["explanation"]["try_first"]
    assert [run["verdict"] for run in document["history"]] == ["down", "up"]
    assert document["history"][0]["rechecked"] is True


async def test_why_a_check_is_down_is_not_what_a_run_without_a_verdict_says() -> None:
    board = Board(check("a"), check("b"), check("c"), check("d"))
    board.down("a", Reason.CONNECT_TIMEOUT)
    board.ran("a", outcome(Reason.OVERLOADED))
    board.ran("b", outcome(Reason.OVERLOADED), outcome(Reason.OVERLOADED))
    board.up("c")
    board.ran("c", outcome(Reason.CONNECT_REFUSED))
    board.down("d", Reason.CONNECT_REFUSED)
    board.blocked("d", by="a")
    async with listening(Agent(board)) as session:
        listed = (await (await session.get("/api/v1/checks")).json())["checks"]
        full = await (await session.get("/api/v1/checks/prod/a")).json()
    assert [(row["state"], row["reason"], row["blame"]) for row in listed] == [
        ("down", "connect_timeout", "path"),
        ("unknown", "overloaded", "agent"),
        ("up", None, None),
        ("blocked", None, None),
    ]
    assert full["last"]["reason"] == "overloaded"
    assert full["last_failure"]["reason"] == "connect_timeout"


async def test_what_an_answer_means_here() -> None:
    board = Board(check("server-live"), check("own", system="custom"))
    board.ran("server-live", outcome(Reason.CONNECT_REFUSED))
    board.up("server-live")
    board.down("own", Reason.CONNECT_REFUSED)
    async with listening(Agent(board)) as session:
        known = await (await session.get("/api/v1/checks/prod/server-live")).json()
        own = await (await session.get("/api/v1/checks/prod/own")).json()
    assert known["last"]["meaning_here"].startswith("The Server answers.")
    assert "nothing listens on 8080 yet" in known["last_failure"]["meaning_here"]
    assert own["last"]["meaning_here"] == ""


@pytest.mark.parametrize("path", ["/api/v1/checks/prod/nothing", "/api/v1/checks/%3Cb%3E/x", "/api/v1/checks/a/%00"])
async def test_a_check_that_is_not_there(path: str) -> None:
    async with listening(Agent(Board(check()))) as session, session.get(path) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/json"
        assert "error" in await answer.json()


async def _events(answer: ClientResponse, wanted: int) -> list[dict[str, Any]]:
    """The data of the next state changes."""
    found: list[dict[str, Any]] = []
    event = ""
    async with asyncio.timeout(30):
        while len(found) < wanted:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: ") and event == "state":
                found.append(json.loads(line.removeprefix("data: ")))
    return found


async def test_state_changes_arrive_as_events() -> None:
    board = Board(check("server-live"))
    async with listening(Agent(board)) as session, session.get("/api/v1/events") as answer:
        assert answer.content_type == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        await answer.content.readline()
        board.up("server-live")
        board.down("server-live", Reason.CONNECT_TIMEOUT)
        first, second = await _events(answer, 2)
    assert (first["deployment"], first["check"]) == ("prod", "server-live")
    assert (first["before"], first["after"], first["reason"]) == ("unknown", "up", None)
    assert (second["before"], second["after"], second["reason"]) == ("up", "down", "connect_timeout")


async def test_a_reader_that_leaves_is_forgotten() -> None:
    board = Board(check("server-live"))
    async with listening(Agent(board)) as session:
        async with session.get("/api/v1/events") as answer:
            await answer.content.readline()
            assert board.readers == 1
            answer.close()
        async with asyncio.timeout(30):
            while board.readers:
                await asyncio.sleep(0.01)


async def test_the_switches_of_the_demo() -> None:
    faults = Faults()
    async with listening(Agent(Board(), faults=faults)) as session:
        async with session.post("/api/v1/demo/broker-down", json={"on": True}) as answer:
            assert answer.status == 200
        async with session.get("/api/v1/demo") as answer:
            listed = {row["name"]: row["on"] for row in (await answer.json())["faults"]}
        assert listed == {"broker-down": True, "server-503": False}
        form = {"on": "false"}
        async with session.post("/api/v1/demo/broker-down", data=form, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert not faults.on


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("nothing", '{"on": true}', 404),
        ("broker-down", '{"on": "yes"}', 400),
        ("broker-down", "[]", 400),
        ("broker-down", "{", 400),
        ("broker-down", "\xff", 400),
        ("broker-down", "[" * 50_000, 400),
    ],
)
async def test_a_switch_that_makes_no_sense(name: str, body: str, status: int) -> None:
    faults = Faults()
    headers = {"Content-Type": "application/json"}
    async with (
        listening(Agent(Board(), faults=faults)) as session,
        session.post(f"/api/v1/demo/{name}", data=body.encode("latin-1"), headers=headers) as answer,
    ):
        assert answer.status == status
    assert not faults.on


async def test_without_a_demo_there_are_no_switches() -> None:
    async with (
        listening(Agent(Board())) as session,
        session.post("/api/v1/demo/broker-down", json={"on": True}) as answer,
    ):
        assert answer.status == 404


async def test_a_reader_that_leaves_at_the_first_frame_is_forgotten() -> None:
    board = Board(check("server-live"))
    frames = _frames(board)
    await anext(frames)
    assert board.readers == 1
    await frames.aclose()
    async with asyncio.timeout(30):
        while board.readers:
            await asyncio.sleep(0.01)
