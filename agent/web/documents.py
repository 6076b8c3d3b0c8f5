"""Checks, runs and state changes as JSON."""

import json
from collections.abc import Iterator, Sequence
from math import isfinite

from agent.core.check import UntestableRow
from agent.core.explanations import explain
from agent.core.outcome import Outcome
from agent.core.ports import CheckEntry, StatusEvent
from agent.core.reasons import Reason
from agent.core.steps import steps_for
from agent.core.transitions import State
from agent.core.words import telling
from agent.web.meaning import meaning_here
from agent.web.selection import Selection

Document = dict[str, object]


def all_checks(
    entries: Sequence[CheckEntry], selection: Selection, untestable: Sequence[UntestableRow]
) -> Iterator[str]:
    """The text of one document, in a piece for each check: those selected in short, and what cannot be tested."""
    yield '{"checks": ['
    separator = "\n"
    for entry in entries:
        if selection.admits(entry):
            yield separator + json.dumps(in_short(entry))
            separator = ",\n"
        else:
            yield ""
    yield '\n], "untestable": ['
    separator = "\n"
    for row in untestable:
        yield separator + json.dumps(_untestable(row))
        separator = ",\n"
    yield "\n]}\n"


def in_short(entry: CheckEntry) -> Document:
    """A check, where it stands, and its last run."""
    check, standing, reason = entry.check, entry.standing, _reason(entry)
    return {
        **check.series_labels,
        "target": check.target,
        "source": check.path.source,
        "destination": check.path.destination,
        "port": check.path.port,
        "purpose": check.path.purpose,
        "severity": check.severity.value,
        "state": standing.state.value,
        "since": standing.since or None,
        "since_exact": standing.since_exact,
        "rechecking": standing.suspected,
        "blocked_by": list(standing.blocked_by),
        "reason": reason and reason.value,
        "blame": reason and reason.blame.value,
        "runs": entry.runs,
        "failures": entry.failures,
        "last": _outcome(entry, entry.last),
    }


def _reason(entry: CheckEntry) -> Reason | None:
    """Why a check is down or unknown."""
    told = telling(entry) if entry.standing.state in (State.DOWN, State.UNKNOWN) else None
    return told.reason if told is not None else None


def in_full(entry: CheckEntry) -> Document:
    """A check with how it is made, its last failure, and its recent runs, oldest first."""
    check = entry.check
    failure = entry.last_down if entry.standing.state is State.DOWN else entry.last_failure
    return {
        **in_short(entry),
        "every_seconds": check.every,
        "timeout_seconds": check.timeout,
        "slo": check.slo,
        "latency_objective_seconds": check.latency_objective,
        "depends_on": list(check.depends_on),
        "labels": dict(check.labels),
        "last": _with_meaning(entry, entry.last),
        "last_failure": _with_meaning(entry, failure),
        "history": [
            {
                "started": run.started,
                "duration_seconds": round(run.duration, 6),
                "verdict": run.verdict.value,
                "reason": run.reason and run.reason.value,
                "rechecked": run.rechecked,
            }
            for run in entry.history()
        ],
    }


def state_change(event: StatusEvent) -> Document:
    """A change of state."""
    return {
        "deployment": event.key.deployment,
        "check": event.key.check,
        "at": event.at,
        "before": event.before.value,
        "after": event.after.value,
        "reason": event.reason and event.reason.value,
    }


def _outcome(entry: CheckEntry, outcome: Outcome | None) -> Document | None:
    if outcome is None:
        return None
    return {
        "verdict": outcome.verdict.value,
        "started": outcome.started,
        "duration_seconds": round(outcome.duration, 6),
        "phases_seconds": {phase.value: round(seconds, 6) for phase, seconds in outcome.phase_seconds().items()},
        "phase": outcome.phase and outcome.phase.value,
        "reason": outcome.reason and outcome.reason.value,
        "explanation": _explanation(entry, outcome),
        "detail": outcome.detail,
        "advice": outcome.advice,
        "peer": outcome.peer,
        "measures": [
            {
                "metric": measure.metric.name,
                "labels": dict(zip([label.name for label in measure.metric.labels], measure.labels, strict=True)),
                # What a target sent may be no number, which JSON cannot say.
                "value": measure.value if isfinite(measure.value) else None,
            }
            for measure in outcome.measures
        ],
    }


def _with_meaning(entry: CheckEntry, outcome: Outcome | None) -> Document | None:
    document = _outcome(entry, outcome)
    if document is None or outcome is None:
        return None
    return {**document, "meaning_here": meaning_here(entry.check, outcome)}


def _explanation(entry: CheckEntry, outcome: Outcome) -> Document | None:
    if outcome.reason is None:
        return None
    check, explanation = entry.check, explain(outcome.reason)
    return {
        "blame": outcome.reason.blame.value,
        "phrase": explanation.phrase,
        "meaning": explanation.meaning,
        "try_first": steps_for(outcome.reason, check, outcome.detail, outcome.redirected),
    }


def _untestable(row: UntestableRow) -> Document:
    return {
        "deployment": row.deployment,
        "check": row.name,
        "component": row.component,
        "vantage": row.vantage,
        "target": row.target,
        "source": row.path.source,
        "destination": row.path.destination,
        "port": row.path.port,
        "purpose": row.path.purpose,
        "why": row.why,
    }
