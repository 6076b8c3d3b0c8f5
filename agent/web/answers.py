"""Answers as they are sent: small ones in JSON, and long ones to readers that may be slow."""

import json
from asyncio import Future, ensure_future, shield, timeout
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import TypeVar

from aiohttp import web

JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
_LONGEST_ANSWER = 60.0
"""Seconds that a reader may take."""
_under_way: set[object] = set()
Value = TypeVar("Value")


def json_answer(document: Mapping[str, object], status: int = 200) -> web.Response:
    """A small answer in JSON."""
    return web.Response(body=json.dumps(document).encode() + b"\n", status=status, headers=JSON_HEADERS)


async def stream(
    request: web.Request, headers: Mapping[str, str], chunks: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Sends the chunks as they come; cuts off a reader that takes too long."""
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async with aclosing(chunks), timeout(_LONGEST_ANSWER):
            if request.method != "HEAD":
                async for chunk in chunks:
                    await response.write(chunk)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    return response


async def to_the_end(work: Awaitable[Value]) -> Value:
    """What comes of work that must not stop half-way when the caller hangs up."""
    task = ensure_future(work)
    _under_way.add(task)
    task.add_done_callback(_ended)
    return await shield(task)


def _ended(task: Future[Value]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # nobody may be left to hear of it
