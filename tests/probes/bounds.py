"""Bounds that a probe keeps whatever its target does: time and memory."""

import tracemalloc
from asyncio import gather
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from agent.core.outcome import Outcome
from agent.core.reasons import Reason
from agent.probes._network import Network
from tests.probes.support import probe

OVERSHOOT = 0.6
"""Seconds by which a run may outlive its timeout where others use the machine; `benchmarks.deadline` has the bar."""

SHORT, PLENTY = 0.3, 3.0
"""Timeouts in seconds: of runs that are to end by it, and of those that are not, whatever else the machine does."""
_TIMEOUTS = (Reason.DNS_TIMEOUT, Reason.CONNECT_TIMEOUT, Reason.TLS_TIMEOUT, Reason.RESPONSE_TIMEOUT)

MEMORY = 5 * 1024 * 1024
"""Bytes by which a run may raise the memory in use, whatever its target sends."""


@contextmanager
def in_time(timeout: float) -> Iterator[None]:
    """What runs inside, however long it could take, ends soon after `timeout` seconds."""
    started = perf_counter()
    yield
    elapsed = perf_counter() - started
    assert elapsed < timeout + OVERSHOOT, f"it took {elapsed:.3f} s of {timeout} s"


def enough_for(reason: Reason | None, words: str = "") -> float:
    """The timeout for a run that is to end for `reason`, of which a detail with `words` tells."""
    return SHORT if reason in _TIMEOUTS or f"within {SHORT} s" in words else PLENTY


async def probe_in_time(
    settings: Mapping[str, object], timeout: float = SHORT, network: Network | None = None
) -> Outcome:
    """Runs a probe against a target that takes longer than `timeout`; it must end soon after."""
    with in_time(timeout):
        return await probe(settings, timeout=timeout, network=network)


async def two_hundred_in_time(*targets: Mapping[str, object], network: Network | None = None) -> list[Outcome]:
    """Two hundred runs at once, shared by targets that answer too late: each must end soon after its second is over."""
    runs = (probe(targets[number % len(targets)], timeout=1.0, network=network) for number in range(200))
    outcomes = await gather(*runs)
    longest = max(outcome.duration for outcome in outcomes)
    assert longest < 1.0 + OVERSHOOT, f"a run took {longest:.3f} s of 1 s"
    return outcomes


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
