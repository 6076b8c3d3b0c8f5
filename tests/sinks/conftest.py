"""Logging as it was before each test."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    root, agent = logging.getLogger(), logging.getLogger("agent")
    handlers, levels = list(root.handlers), (root.level, agent.level)
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    agent.setLevel(levels[1])
    structlog.reset_defaults()
