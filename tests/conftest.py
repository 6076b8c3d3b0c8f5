"""Leaves tests out whose real server is not on this machine, or fails them where that is asked for.

Notes which failure reasons a session has produced; one of all tests must have produced every one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from agent.core import secrets
from tests.log_end import close_log
from tests.reasons_seen import ReasonsSeen
from tests.servers.catalogue import BY_NAME, missing
from tests.servers.kubernetes import Cluster, cluster

REQUIRED = os.environ.get("REACHD_REQUIRE_SERVERS") == "1"
"""Set where a test must not be left out, such as in CI."""


hypothesis.settings.register_profile("reachd", deadline=None)  # how long an example takes is the machine's affair
hypothesis.settings.load_profile("reachd")

SEEN = pytest.StashKey[ReasonsSeen]()
WHOLE = ("", "not slow")
"""Selections by marker that must produce every reason."""


@pytest.fixture(autouse=True)
def no_secret_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a new process: a secret of another test, or its beginning, is not taken out of what this one looks at."""
    monkeypatch.setattr(secrets, "_forms_by_origin", {})
    monkeypatch.setattr(secrets, "_uses", Counter())
    monkeypatch.setattr(secrets, "_by_beginning", {})
    monkeypatch.setattr(secrets, "_parts_of_urls", {})


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """An agent of one test does not write into the log of another's."""
    yield
    close_log()


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[Cluster]:
    """A cluster that the tests of a session share; one that changes the API server itself starts a `cluster()`."""
    with cluster() as running:
        yield running


def pytest_configure(config: pytest.Config) -> None:
    """Begins to note reasons before the first test."""
    seen = config.stash[SEEN] = ReasonsSeen()
    seen.watch()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a marker that names a program which the catalogue does not have."""
    for item in items:
        if unknown := sorted(set(_needed(item)) - set(BY_NAME)):
            raise pytest.UsageError(f"{item.nodeid}: the catalogue of servers has no {', '.join(unknown)}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes over what a process of pytest-xdist has noted."""
    node.config.stash[SEEN].merge(getattr(node, "workeroutput", {}).get("reasons", ((), ())))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a session of all tests that has not produced every reason of the closed list, with a socket behind it."""
    config = session.config
    seen = config.stash[SEEN]
    if hasattr(config, "workeroutput"):
        config.workeroutput["reasons"] = seen.plain()
        return
    reporter = config.pluginmanager.getplugin("terminalreporter")
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and config.option.markexpr in WHOLE
    if not whole or config.option.keyword or config.option.collectonly or session.testsfailed:
        return  # of a part of the tests nothing follows
    if reporter is None or reporter.stats.get("skipped"):
        return  # what was left out may have produced what is missing
    if missing_reasons := seen.missing():
        reporter.write_line(f"no test has produced: {', '.join(missing_reasons)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints the tables that tests have recorded."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Looks for the servers that the test's markers name."""
    if absent := missing(_needed(item)):
        reason = f"needs {', '.join(absent)}: `make servers` brings in what is missing"
        if REQUIRED:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def _needed(item: pytest.Item) -> list[str]:
    return [name for marker in item.iter_markers("servers") for name in marker.args]
