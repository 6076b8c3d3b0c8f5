"""Scrapes in this process, as Prometheus makes them."""

import asyncio
from collections.abc import Awaitable
from time import thread_time
from typing import TypeVar

from agent.metrics.exposition import Exposition

_ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

_Result = TypeVar("_Result")


async def scrape(exposition: Exposition, accept_encoding: str) -> int:
    """Bytes of one scrape, which ends when all of it is there."""
    _, body = exposition.render(_ACCEPT, accept_encoding)
    size = 0
    async for chunk in body:
        size += len(chunk)
    return size


async def with_longest_stall(work: Awaitable[_Result]) -> tuple[_Result, float]:
    """What came of the work, and for how many seconds at most nothing else had its turn meanwhile.

    They are seconds of CPU time: what else runs on the machine is not counted.
    """
    stop = asyncio.Event()
    watcher = asyncio.create_task(_longest_stall(stop))
    await asyncio.sleep(0)
    result = await work
    stop.set()
    return result, await watcher


async def _longest_stall(stop: asyncio.Event) -> float:
    longest = 0.0
    while not stop.is_set():
        before = thread_time()
        await asyncio.sleep(0)
        longest = max(longest, thread_time() - before)
    return longest
