"""Bounds that a probe keeps whatever its target does: time and memory."""

import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from agent.core.outcome import Outcome
from tests.probes.support import probe

OVERSHOOT = 0.1
"""Seconds by which a run may outlive its timeout."""

MEMORY = 5 * 1024 * 1024
"""Bytes by which a run may raise the memory in use, whatever its target sends."""


async def probe_in_time(settings: Mapping[str, object], timeout: float = 0.3) -> Outcome:
    """Runs a probe against a target that takes longer than `timeout`; it must end soon after."""
    started = perf_counter()
    outcome = await probe(settings, timeout=timeout)
    elapsed = perf_counter() - started
    assert elapsed < timeout + OVERSHOOT, f"the run took {elapsed:.3f} s of {timeout} s"
    return outcome


@contextmanager
def little_memory() -> Iterator[None]:
    """What runs inside allocates less than `MEMORY` at any moment."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEMORY, f"{peak} bytes were in use"
