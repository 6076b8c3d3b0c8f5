"""When the garbage collector works: on young objects every second, on old ones once an hour, on all when memory grows.

By itself Python looks at the young objects whenever there are many more of them than before, as in a scrape. By then
all that 10,000 checks have kept of their last runs is young, and the event loop stands still for 80 ms; a full
collection takes 60 ms and would come every 20 seconds. What has become young within a second is looked at in 5 ms.
Runs leave no circles behind (reference counting frees all that they made). Most of what other parts leave dies young.
Not so the errors of libraries, circles that live as long as the pause before the next attempt: while a collector and an
API server are down, they may take hundreds of megabytes within an hour.
"""

import asyncio
import gc
from sys import getallocatedblocks

_MANY, _NEVER = 100_000, 1_000_000_000
"""Young objects that are not left until the next second, such as those of a reload; and what is left to the clock."""
_EVERY = 1.0
_YOUNG_BEFORE_FULL = 3600
_MOST_GROWTH = 300_000
"""Blocks of memory, some 30 MB, that may be more in use than at the last collection of old objects."""


async def collect_by_the_clock() -> None:
    """Takes garbage collection over from Python, until cancelled."""
    before = gc.get_threshold()
    gc.set_threshold(_MANY, _NEVER, _NEVER)
    try:
        while True:
            if await _collect_young():
                gc.unfreeze()  # what has settled may have become garbage; to look at 10,000 checks takes 200 ms
            gc.collect()
    finally:
        gc.set_threshold(*before)


async def _collect_young() -> bool:
    """Looks at the young objects until it is time to look at the others. Returns whether memory has grown much."""
    most = getallocatedblocks() + _MOST_GROWTH
    for _ in range(_YOUNG_BEFORE_FULL):
        await asyncio.sleep(_EVERY)
        gc.collect(0)
        if getallocatedblocks() > most:
            return True
    return False


def settle() -> None:
    """Notes that what lives now lives long: nothing looks at it again until memory has grown."""
    gc.freeze()
