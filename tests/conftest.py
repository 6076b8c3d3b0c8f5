"""Leaves tests out whose real server is not on this machine, or fails them where that is asked for.

Notes what a whole session has proven, for the test that is then the last one.
"""

from __future__ import annotations

import os

import pytest

from tests.reasons_seen import ReasonsSeen
from tests.servers.catalogue import BY_NAME, missing

REQUIRED = os.environ.get("REACHD_REQUIRE_SERVERS") == "1"
"""Set where a test must not be left out, such as in CI."""


SEEN = pytest.StashKey[ReasonsSeen]()
LAST = "tests/test_reasons_are_proven.py"


def pytest_configure(config: pytest.Config) -> None:
    """Begins to note reasons before the first test."""
    seen = config.stash[SEEN] = ReasonsSeen()
    seen.watch()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a marker that names a program which the catalogue does not have; what sums up the session comes last."""
    items.sort(key=lambda item: item.nodeid.startswith(LAST))
    for item in items:
        if unknown := sorted(set(_needed(item)) - set(BY_NAME)):
            raise pytest.UsageError(f"{item.nodeid}: the catalogue of servers has no {', '.join(unknown)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Looks for the servers that the test's markers name."""
    if absent := missing(_needed(item)):
        reason = f"needs {', '.join(absent)}: `make servers` brings in what is missing"
        if REQUIRED:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def _needed(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("servers") for name in marker.args]
