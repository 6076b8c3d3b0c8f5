"""The results of `reachd check` for people: sections by path, one line for each check, the next step below it."""

from collections.abc import Collection, Sequence
from itertools import groupby

from agent.commands.adhoc import ORIGIN
from agent.commands.terminal import Terminal
from agent.core.check import Check, CheckKey, UntestableRow
from agent.core.explanations import explain
from agent.core.outcome import Outcome
from agent.core.reasons import Reason
from agent.core.steps import steps_for
from agent.core.transitions import State
from agent.core.words import are, counted, milliseconds
from agent.engine.once import Result
from agent.probes._text import printable
from agent.profiles import row_of

_MAX_DETAIL = 500
_FEW = 3
"""Names that fit on a progress line."""


class CheckTable:
    """Shows progress while checks run, and the sections at the end."""

    def __init__(self, checks: Sequence[Check], terminal: Terminal) -> None:
        self._checks = checks
        self._terminal = terminal
        self._name_width = max((len(check.name) for check in checks), default=0)
        self._target_width = min(60, max((len(check.target) for check in checks), default=0))

    def progress(self, done: Collection[CheckKey]) -> None:
        """Says how many checks have ended, and for which others it waits once they are few."""
        pending = [check for check in self._checks if check.key not in done]
        text = f"{len(done)} of {counted(len(self._checks), 'check')} done …"
        if 0 < len(pending) <= _FEW:
            names = ", ".join(check.name for check in pending)
            text += f" waiting for {names}, up to {max(check.timeout for check in pending):.0f} s"
        self._terminal.progress(text)

    def waiting(self, results: Sequence[Result], seconds: float) -> None:
        """Says which results are not good enough yet, and for how many seconds more they are waited for."""
        names = [result.check.name for result in results]
        shown = ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")
        self._terminal.progress(f"waiting {seconds:.0f} s more for {shown} …")

    def write(self, results: Sequence[Result], skipped: Sequence[Check], untestable: Sequence[UntestableRow]) -> None:
        """Writes all sections and the summary."""
        for deployment, of_deployment in groupby(results, key=lambda result: result.check.deployment):
            for (source, destination), section in groupby(of_deployment, key=_path):
                self._terminal.line()
                self._terminal.line(self._terminal.bold(f"{deployment}: {source} → {destination}"))
                for result in section:
                    self._write_result(result)
        self._write_summary(results, skipped, untestable)

    def _write_result(self, result: Result) -> None:
        check, terminal = result.check, self._terminal
        name, target = check.name.ljust(self._name_width), check.target.ljust(self._target_width)
        terminal.line(f"  {terminal.mark(result.state)} {name}  {target}  {_verdict(result)}".rstrip())
        for text in _next_steps(result):
            terminal.line(terminal.dim(f"      {text}"))

    def _write_summary(
        self, results: Sequence[Result], skipped: Sequence[Check], untestable: Sequence[UntestableRow]
    ) -> None:
        counts = {state: sum(1 for result in results if result.state is state) for state in State}
        parts = [f"{count} {state}" for state, count in counts.items() if count or state is State.UP]
        self._terminal.line()
        self._terminal.line(self._terminal.bold(f"{counted(len(results), 'check')}: {', '.join(parts)}"))
        if skipped:
            names = ", ".join(check.name for check in skipped)
            self._terminal.line(f"Left out because they hold a connection on purpose; name them to run them: {names}")
        if untestable:
            count = len(untestable)
            self._terminal.line(f"Not testable from here: {count}; `reachd targets --config FILE` lists them and why")


def _path(result: Result) -> tuple[str, str]:
    return result.check.path.source, result.check.path.destination


def _verdict(result: Result) -> str:
    outcome = result.outcome
    if outcome is None:
        return f"not run: {', '.join(result.blocked_by)} {are(len(result.blocked_by))} down"
    detail = printable(outcome.detail, _MAX_DETAIL)
    if result.state is State.UP:
        return f"{milliseconds(outcome.duration)}  {detail}".rstrip()
    if outcome.reason is None:
        return f"no verdict: {detail}"
    return f"{outcome.reason} ({_blame(outcome)}): {detail or explain(outcome.reason).phrase}"


def _blame(outcome: Outcome) -> str:
    where = f", in phase {outcome.phase}" if outcome.phase else ""
    return f"blame: {outcome.reason.blame}{where}" if outcome.reason else ""


def _next_steps(result: Result) -> list[str]:
    check, outcome = result.check, result.outcome
    if outcome is None or result.state is State.UP:
        return []
    steps = [printable(outcome.advice, _MAX_DETAIL)] if outcome.advice else []
    row = row_of(check.system, check.name)
    if row is not None and (says := row.says(outcome)):
        steps.append(says)
    if outcome.reason is Reason.TLS_UNTRUSTED and check.origin == ORIGIN:
        steps.append("for a private authority, name the file with its certificate: --ca-file FILE")
    if outcome.reason is not None:
        first = steps_for(outcome.reason, check, outcome.detail, outcome.redirected)[0]
        steps += [explain(outcome.reason).phrase, f"try: {first}"]
    return steps
