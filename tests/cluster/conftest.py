"""What holds for every test of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster.support import until


@pytest.fixture(autouse=True)
async def no_socket_is_left() -> AsyncIterator[None]:
    """Waits until all connections are closed: TLS takes a moment for it, while the event loop has to run."""
    before = _sockets()
    yield
    await until(lambda: _sockets() <= before)


def _sockets() -> int:
    """How many sockets this process has open."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found
