"""Long answers are made in turns, so that probes keep their time."""

from asyncio import Lock, sleep
from collections.abc import AsyncGenerator, Iterable
from time import perf_counter
from typing import TypeVar

Item = TypeVar("Item")

_LONGEST_TURN = 0.001
"""Seconds of work after which other tasks get their turn."""


class Turns:
    """However many answers are being made, only one of them is worked at in any turn of the event loop."""

    def __init__(self) -> None:
        self._turn = Lock()

    async def batches(self, items: Iterable[Item]) -> AsyncGenerator[list[Item], None]:
        """The items, as many at once as can be made in one turn."""
        iterator = iter(items)
        more = True
        while more:
            async with self._turn:
                batch: list[Item] = []
                more = _fill(batch, iterator, perf_counter() + _LONGEST_TURN)
                await sleep(0)
            yield batch

    async def all(self, items: Iterable[Item]) -> list[Item]:
        """The items."""
        return [item async for batch in self.batches(items) for item in batch]


def _fill(batch: list[Item], items: Iterable[Item], deadline: float) -> bool:
    """Adds items until the deadline has passed. Returns whether there may be more."""
    for item in items:
        batch.append(item)
        if perf_counter() >= deadline:
            return True
    return False
