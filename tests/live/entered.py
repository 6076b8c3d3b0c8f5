"""Programs that are started and ended while this event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def entered(program: AbstractContextManager[T]) -> AsyncIterator[T]:
    """What the context manager gives. It waits in a thread, for servers of this loop are asked meanwhile."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(stack.enter_context, program)
    finally:
        await asyncio.to_thread(stack.close)
