"""The results of `reachd check` for programs."""

import json
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agent.core.explanations import explain
from agent.core.transitions import State
from agent.engine.once import Result
from agent.probes._text import printable

_MAX_MESSAGE = 2000


def as_json(results: Sequence[Result]) -> str:
    """A list of checks with state, reason, blame, phases in seconds and what to try first."""
    return json.dumps({"checks": [_record(result) for result in results]}, indent=2)


def as_junit(results: Sequence[Result]) -> str:
    """JUnit XML: a check that is down or blocked is a failure, one without a verdict is skipped."""
    suite = Element("testsuite", name="reachd", tests=str(len(results)))
    suite.set("failures", str(sum(result.state in (State.DOWN, State.BLOCKED) for result in results)))
    suite.set("skipped", str(sum(result.state is State.UNKNOWN for result in results)))
    for result in results:
        outcome = result.outcome
        case = SubElement(suite, "testcase", classname=result.check.deployment, name=result.check.name)
        case.set("time", f"{outcome.duration if outcome else 0:.6f}")
        message = _message(result)
        if result.state in (State.DOWN, State.BLOCKED):
            kind = outcome.reason.value if outcome and outcome.reason else "blocked"
            SubElement(case, "failure", type=kind, message=message).text = printable(result.check.target, _MAX_MESSAGE)
        elif result.state is State.UNKNOWN:
            SubElement(case, "skipped", message=message)
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    # In ASCII, so that it is valid whatever encoding standard output has.
    text: bytes = tostring(suites, encoding="us-ascii", xml_declaration=True)
    return text.decode("ascii")


def _message(result: Result) -> str:
    outcome = result.outcome
    if outcome is None:
        return f"blocked by {', '.join(result.blocked_by)}"
    words = ": ".join(text for text in (outcome.reason or "", outcome.detail, outcome.advice) if text)
    return printable(words, _MAX_MESSAGE)  # XML has no way to write most control characters


def _record(result: Result) -> dict[str, object]:
    check, outcome = result.check, result.outcome
    record: dict[str, object] = {
        **check.series_labels,
        "target": check.target,
        "source": check.path.source,
        "destination": check.path.destination,
        "port": check.path.port,
        "purpose": check.path.purpose,
        "state": result.state.value,
        "blocked_by": list(result.blocked_by),
    }
    if outcome is not None:
        record |= {
            "duration_seconds": outcome.duration,
            "phases_seconds": {phase.value: seconds for phase, seconds in outcome.phase_seconds().items()},
            "detail": outcome.detail,
            "advice": outcome.advice,
        }
        if outcome.reason is not None:
            explanation = explain(outcome.reason)
            record |= {
                "reason": outcome.reason.value,
                "blame": outcome.reason.blame.value,
                "phase": outcome.phase.value if outcome.phase else "none",
                "meaning": explanation.meaning,
                "try_first": list(explanation.try_first),
            }
    return record
