"""What a running agent knows of one check, for people: where it stands, why, since when, and what to try."""

from collections.abc import Sequence
from textwrap import fill

from agent.commands.terminal import Terminal
from agent.core.durations import duration
from agent.core.transitions import State
from agent.core.words import BLAMED, are, clock_time, counted, milliseconds, since
from agent.probes._json import JsonObject, child, children, number_of, text_of
from agent.probes._text import printable

WIDTH = 100
_BAR = 30
_LONGEST = 2000
_MOST = 2.0**36
"""More than any number that an agent gives: no clock shows it as a unix time before the year 4000."""
_STATE_OF_VERDICT = {"up": State.UP, "down": State.DOWN, "unknown": State.UNKNOWN}
_BLAMED = {blame.value: words for blame, words in BLAMED.items()}


def write_report(document: JsonObject, terminal: Terminal, now: float) -> None:
    """Writes a check as the API of an agent describes it; what is missing or odd there is left out.

    Raises ValueError, before anything is written, for a number that is not of this world.
    """
    _look_at_numbers(document)
    _write_head(document, terminal, now)
    last, failure = child(document, "last"), child(document, "last_failure")
    state = text_of(document, "state")
    no_verdict = state == State.DOWN and text_of(last, "verdict") == State.UNKNOWN
    told, other = (failure, last) if failure and no_verdict else (last, failure)
    if state == State.BLOCKED:  # of which no run tells
        told = {}
    if told and text_of(told, "verdict") != State.UP:
        _write_failure("", told, terminal)
    elif told:
        for key in ("detail", "meaning_here"):
            _write_paragraph(terminal, _text(told, key))
    if last:
        _write_phases(last, terminal, now)
    if other and other != told:
        which = "run" if other is last else "failure"
        at = clock_time(number_of(other, "started") or 0.0, now)
        _write_failure(f"Last {which}, {at}: ", other, terminal)
    _write_history(document, terminal, now)


def _look_at_numbers(document: JsonObject) -> None:
    last, failure, runs = child(document, "last"), child(document, "last_failure"), children(document, "history")
    for part in (document, last, failure, *runs, child(last, "phases_seconds")):
        for name in part:
            number = number_of(part, name)
            if number is not None and not 0 <= number < _MOST:
                raise ValueError(f"{printable(name)} is {number:g}")


def _write_head(document: JsonObject, terminal: Terminal, now: float) -> None:
    state = text_of(document, "state")
    mark = f"{terminal.mark(State(state))} " if state in set(State) else ""
    name = terminal.bold(f"{_text(document, 'deployment')}/{_text(document, 'check')}")
    terminal.line(f"{mark}{name} is {_text(document, 'state')}{_since(document, now)}")
    source, destination = _text(document, "source"), _text(document, "destination")
    terminal.line(f"  {_text(document, 'target')}")
    terminal.line(f"  {source} → {destination}, {_text(document, 'port')}: {_text(document, 'purpose')}")
    numbers = [number_of(document, key) or 0.0 for key in ("every_seconds", "timeout_seconds", "runs", "failures")]
    every, timeout, runs, failures = numbers
    place = f"{_text(document, 'kind')} from {_text(document, 'vantage')}"
    rhythm = f"every {duration(every)}, timeout {duration(timeout)}"
    record = f"{counted(int(runs), 'run')}, {failures:.0f} failed since the agent began"
    terminal.line(f"  {place}, {rhythm}; {record}; severity {_text(document, 'severity')}")
    blockers = document.get("blocked_by")
    if isinstance(blockers, list) and blockers:
        names = ", ".join(printable(str(name)) for name in blockers)
        terminal.line(f"  Not run: it depends on {names}, which {are(len(blockers))} down")
    if document.get("rechecking") is True:
        terminal.line("  It has failed once and is being re-checked")


def _since(document: JsonObject, now: float) -> str:
    began = number_of(document, "since")
    return f" {since(began, document.get('since_exact') is True, now)}" if began else ""


def _write_failure(beginning: str, outcome: JsonObject, terminal: Terminal) -> None:
    explanation, reason = child(outcome, "explanation"), _text(outcome, "reason")
    terminal.line()
    if reason:
        where = f" in the phase {phase}" if (phase := _text(outcome, "phase")) else ""
        blamed = _BLAMED.get(text_of(explanation, "blame"), "nobody")
        terminal.line(f"{beginning}{terminal.bold(reason)}{where}; to blame: {blamed}")
    else:
        terminal.line(f"{beginning}{terminal.bold('no verdict')}")
    said = (_text(outcome, "detail"), _text(outcome, "meaning_here"))
    for text in (*said, _text(explanation, "meaning"), _text(outcome, "advice")):
        _write_paragraph(terminal, text)
    steps = explanation.get("try_first")
    if isinstance(steps, list) and steps:
        write_steps([printable(str(step), _LONGEST) for step in steps], terminal)


def write_steps(steps: Sequence[str], terminal: Terminal) -> None:
    """Writes what to try, in the order in which to try it."""
    terminal.line("Try first:")
    for step in steps:
        terminal.line(
            fill(
                step,
                WIDTH,
                initial_indent="  - ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        )


def _write_paragraph(terminal: Terminal, text: str) -> None:
    if text:
        terminal.line(fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False))


def _write_phases(outcome: JsonObject, terminal: Terminal, now: float) -> None:
    total = number_of(outcome, "duration_seconds") or 0.0
    phases = {
        name: seconds for name in child(outcome, "phases_seconds") if (seconds := _phase(outcome, name)) is not None
    }
    peer = f" to {text}" if (text := _text(outcome, "peer")) else ""
    terminal.line()
    terminal.line(f"Last run, {clock_time(number_of(outcome, 'started') or 0.0, now)}{peer}: {milliseconds(total)}")
    for name, seconds in phases.items():
        bar = "#" * round(_BAR * min(1.0, seconds / total)) if total else ""
        terminal.line(f"  {printable(name):<9}{milliseconds(seconds):>9}  {bar}".rstrip())


def _phase(outcome: JsonObject, name: str) -> float | None:
    return number_of(child(outcome, "phases_seconds"), name)


def _write_history(document: JsonObject, terminal: Terminal, now: float) -> None:
    runs = children(document, "history")
    if not runs:
        return
    failed = sum(text_of(run, "verdict") != State.UP for run in runs)
    began = clock_time(number_of(runs[0], "started") or 0.0, now)
    terminal.line()
    last = "The last run" if len(runs) == 1 else f"The last {len(runs)} runs"
    terminal.line(f"{last}, since {began}, newest on the right; {failed} not up")
    marks = [terminal.mark(_STATE_OF_VERDICT.get(text_of(run, "verdict"), State.UNKNOWN)) for run in runs]
    terminal.line(f"  {''.join(marks)}")


def _text(document: JsonObject, key: str) -> str:
    return printable(text_of(document, key), _LONGEST)
