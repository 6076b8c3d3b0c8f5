"""The status as JSON, and as a stream of events."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from aiohttp import web

from agent.core.check import CheckKey
from agent.core.ports import StatusBoard
from agent.web.answers import JSON_HEADERS, json_answer, stream
from agent.web.documents import all_checks, in_full, state_change
from agent.web.parts import Parts
from agent.web.selection import Selection
from agent.web.turns import Turns

_HEARTBEAT = 10.0
"""Seconds after which a silent stream sends a comment, so that proxies and readers see that it lives."""
_MOST_STREAMS = 100
_EVENT_STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def add_routes(app: web.Application, parts: Parts, turns: Turns) -> None:
    """Adds the endpoints below /api/v1."""
    streams: set[asyncio.Task[object]] = set()

    async def checks(request: web.Request) -> web.StreamResponse:
        selection = Selection.parse(request.query)
        rows = [row for row in parts.board.plan().untestable if selection.deployment in ("", row.deployment)]
        return await stream(request, JSON_HEADERS, _encoded(turns, all_checks(parts.board.entries(), selection, rows)))

    async def check(request: web.Request) -> web.Response:
        key = CheckKey(request.match_info["deployment"], request.match_info["check"])
        entry = parts.board.entry(key)
        if entry is None:
            return json_answer({"error": f"there is no check {key}"}, status=404)
        return json_answer(in_full(entry))

    async def events(request: web.Request) -> web.StreamResponse:
        if len(streams) >= _MOST_STREAMS:
            return json_answer({"error": f"{_MOST_STREAMS} streams are open already"}, status=503)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler always runs in a task
        streams.add(task)
        task.add_done_callback(streams.discard)
        response = web.StreamResponse(headers=_EVENT_STREAM)
        await response.prepare(request)
        async with aclosing(_frames(parts.board)) as frames:
            async for frame in frames:
                await response.write(frame)
        return response

    async def end_streams(_: web.Application) -> None:
        for task in tuple(streams):
            task.cancel()

    app.router.add_get("/api/v1/checks", checks)
    app.router.add_get("/api/v1/checks/{deployment}/{check}", check)
    app.router.add_get("/api/v1/events", events, allow_head=False)
    app.on_shutdown.append(end_streams)


async def _encoded(turns: Turns, pieces: Iterator[str]) -> AsyncGenerator[bytes, None]:
    async for batch in turns.batches(pieces):
        yield "".join(batch).encode()


async def _frames(board: StatusBoard) -> AsyncGenerator[bytes, None]:
    """Server-sent events of state changes, with comments while nothing changes."""
    changes = board.events()
    waiting = asyncio.ensure_future(anext(changes, None))
    try:
        await asyncio.sleep(0)  # the subscription begins before its reader hears that it has
        yield b"retry: 2000\n: connected\n\n"
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=_HEARTBEAT)
            if not done:
                yield b": alive\n\n"
                continue
            change = waiting.result()
            if change is None:
                return
            yield f"event: state\ndata: {json.dumps(state_change(change))}\n\n".encode()
            waiting = asyncio.ensure_future(anext(changes, None))
    finally:
        waiting.cancel()
