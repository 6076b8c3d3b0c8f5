"""`reachd check`: everything once, now, with a verdict and the next step in words for each line."""

import asyncio
import re
from argparse import Namespace
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from time import monotonic

import uvloop

from agent.commands.adhoc import adhoc_checks, is_url
from agent.commands.check_formats import as_json, as_junit
from agent.commands.check_table import CheckTable
from agent.commands.configuration import load_or_complain
from agent.commands.status import ExitStatus, complain
from agent.commands.streams import readers_may_leave
from agent.commands.terminal import Terminal
from agent.core.check import Check, CheckKey, UntestableRow
from agent.core.transitions import State
from agent.engine.limits import Limits
from agent.engine.once import Result, run_once
from agent.probes._network import Network
from agent.probes._settings import ProbeSettings
from agent.settings.model import Configuration
from agent.settings.plan import plan
from agent.settings.warnings import untested_deployments

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/:]+):\d{1,5}")
_WAIT_BETWEEN = 2.0
_LAST_MOMENT = 0.05
"""Seconds before the deadline at which the last round begins at the latest."""


@dataclass(frozen=True, slots=True)
class _Selection:
    """The checks to run, those that run only when they are named, and the rows that cannot be tested from here."""

    checks: tuple[Check, ...]
    skipped: tuple[Check, ...] = ()
    untestable: tuple[UntestableRow, ...] = ()


def execute(options: Namespace) -> ExitStatus:
    """Checks what the configuration and the arguments name."""
    configuration = load_or_complain(options.config) if options.config else Configuration()
    if configuration is None:
        return ExitStatus.USAGE
    try:
        selection = _select(configuration, options.names, options.ca_file)
        network = configuration.network()
    except ValueError as error:
        return complain("check", str(error))
    limits = Limits(configuration.limits.in_flight, configuration.limits.per_host)
    failing = frozenset({State.DOWN, State.BLOCKED, *((State.UNKNOWN,) if options.strict else ())})
    session = _Session(selection.checks, network, limits, failing)
    results = uvloop.run(session.until_up(options.wait, show_progress=options.output == "table"))
    terminal = Terminal()
    with readers_may_leave():
        if options.output == "table":
            CheckTable(selection.checks, terminal).write(results, selection.skipped, selection.untestable)
        elif options.output == "json":
            terminal.line(as_json(results, selection.skipped))
        else:
            terminal.line(as_junit(results, selection.skipped, failing))
    return session.status(results)


def _select(configuration: Configuration, names: Sequence[str], ca_file: Path | None) -> _Selection:
    """What to do with each check. Raises ValueError for a name that no check has, or when there is nothing to check."""
    whole = plan(configuration)
    urls = [name for name in names if is_url(name)]
    if ca_file is not None and not urls:
        raise ValueError("--ca-file is for URLs; a configuration names the file as tls: {ca_file: FILE}")
    named = set(names) - set(urls)
    known = {check.name for check in whole.checks} | {str(check.key) for check in whole.checks}
    if unknown := sorted(named - known):
        raise ValueError(f"no check is named {unknown[0]}; {_remedy(unknown[0], known)}")
    if names:
        chosen = tuple(check for check in whole.checks if check.name in named or str(check.key) in named)
        return _Selection((*chosen, *adhoc_checks(urls, ca_file)))
    if not whole.checks:
        why = list(untested_deployments(configuration, whole.checks)) or [
            "name a URL, or a configuration with --config"
        ]
        raise ValueError(f"nothing to check; {'; '.join(why)}")
    wanted = tuple(check for check in whole.checks if not _holds_connection(check))
    skipped = tuple(check for check in whole.checks if _holds_connection(check))
    if not wanted:
        shown = ", ".join(str(check.key) for check in skipped)
        raise ValueError(f"nothing to check: what holds a connection on purpose runs only when it is named: {shown}")
    return _Selection(wanted, skipped, whole.untestable)


def _holds_connection(check: Check) -> bool:
    return isinstance(check.settings, ProbeSettings) and check.settings.shortest_run() > 0


def _remedy(unknown: str, known: Iterable[str]) -> str:
    """What may have been meant by a name that no check has."""
    if _HOST_AND_PORT.fullmatch(unknown):
        return f"did you mean tcp://{unknown}?"
    near = get_close_matches(unknown.lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else "`reachd targets --config FILE` lists them"


class _Session:
    """Runs the chosen checks, again and again where that is asked for."""

    def __init__(self, checks: tuple[Check, ...], network: Network, limits: Limits, failing: Collection[State]) -> None:
        """`failing`: the states that a check must not end in."""
        self._checks = checks
        self._network = network
        self._limits = limits
        self._failing = failing

    async def until_up(self, wait: float, *, show_progress: bool) -> list[Result]:
        """The results of the first round in which all are up, or of the last one begun within `wait` seconds."""
        deadline = monotonic() + wait
        table = CheckTable(self._checks, Terminal()) if show_progress else None
        while True:
            results = await self._round(table)
            remaining = deadline - monotonic()
            if self.status(results) is ExitStatus.FINE or remaining <= _LAST_MOMENT:
                return results
            if table is not None:
                table.waiting([result for result in results if result.state in self._failing], remaining)
            await asyncio.sleep(min(_WAIT_BETWEEN, remaining - _LAST_MOMENT))

    def status(self, results: Sequence[Result]) -> ExitStatus:
        """DOWN when any result is a failure."""
        return ExitStatus.DOWN if any(result.state in self._failing for result in results) else ExitStatus.FINE

    async def _round(self, table: CheckTable | None) -> list[Result]:
        results: dict[CheckKey, Result] = {}
        if table is not None:
            table.progress(results)
        async for result in run_once(self._checks, self._network, self._limits):
            results[result.check.key] = result
            if table is not None:
                table.progress(results)
        return [results[check.key] for check in self._checks]
