"""When the garbage collector works: on young objects every second, on everything once an hour.

By itself Python looks at the young objects whenever there are many more of them than before, as in a scrape. By then
all that 10,000 checks have kept of their last runs is young, and the event loop stands still for 80 ms; a full
collection takes 60 ms and would come every 20 seconds. What has become young within a second is looked at in 5 ms.
Runs leave no circles behind (reference counting frees all that they made), and what other parts leave dies young or can
wait for an hour.
"""

import asyncio
import gc

_MANY, _NEVER = 100_000, 1_000_000_000
"""Young objects that are not left until the next second, such as those of a reload; and what is left to the clock."""
_EVERY = 1.0
_YOUNG_BEFORE_FULL = 3600


async def collect_by_the_clock() -> None:
    """Takes garbage collection over from Python, until cancelled."""
    before = gc.get_threshold()
    gc.set_threshold(_MANY, _NEVER, _NEVER)
    try:
        while True:
            for _ in range(_YOUNG_BEFORE_FULL):
                await asyncio.sleep(_EVERY)
                gc.collect(0)
            gc.unfreeze()  # what has settled may have become garbage, or was garbage even then
            gc.collect()
    finally:
        gc.set_threshold(*before)


def settle() -> None:
    """Notes that what lives now lives long: only a full collection looks at it again."""
    gc.freeze()
