"""When the garbage collector looks at everything: once an hour, instead of whenever many checks have run.

With 10,000 checks a full collection stops the event loop for 60 ms, and by itself Python makes one every 20 seconds.
Runs leave no circles behind (reference counting frees all that they made), and what other parts leave dies young, so
that the frequent collections of young objects, 5 ms each, find it.
"""

import asyncio
import gc

_YOUNG, _MIDDLE, _NEVER = 700, 10, 1_000_000_000
_FULL_EVERY = 3600.0


async def collect_hourly() -> None:
    """Takes full collections over from Python, until cancelled."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    try:
        while True:
            await asyncio.sleep(_FULL_EVERY)
            gc.collect()
    finally:
        gc.set_threshold(*before)


def settle() -> None:
    """Notes that what lives now lives long: no collection looks at it again."""
    gc.freeze()
