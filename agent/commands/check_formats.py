"""The results of `reachd check` for programs."""

import json
from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agent.core.check import Check
from agent.core.explanations import explain
from agent.core.steps import steps_for
from agent.core.transitions import State
from agent.engine.once import Result
from agent.probes._text import printable

_MAX_MESSAGE = 2000
_WHY_SKIPPED = "it holds a connection on purpose; name it to run it"


def as_json(results: Sequence[Result], skipped: Sequence[Check]) -> str:
    """A list of checks with state, reason, blame, phases in seconds and what to try first, and those not run."""
    document = {
        "checks": [_record(result) for result in results],
        "skipped": [{**_identity(check), "why": _WHY_SKIPPED} for check in skipped],
    }
    return json.dumps(document, indent=2)


def as_junit(results: Sequence[Result], skipped: Sequence[Check], failing: Collection[State]) -> str:
    """JUnit XML: a check in one of the states `failing` is a failure; another one without a verdict is skipped."""
    suite = Element("testsuite", name="reachd", tests=str(len(results) + len(skipped)))
    undecided = sum(result.state is State.UNKNOWN and result.state not in failing for result in results)
    suite.set("failures", str(sum(result.state in failing for result in results)))
    suite.set("skipped", str(undecided + len(skipped)))
    for result in results:
        outcome = result.outcome
        case = _case(suite, result.check, outcome.duration if outcome else 0.0)
        message = _message(result)
        if result.state in failing:
            kind = outcome.reason.value if outcome and outcome.reason else result.state.value
            SubElement(case, "failure", type=kind, message=message).text = printable(result.check.target, _MAX_MESSAGE)
        elif result.state is State.UNKNOWN:
            SubElement(case, "skipped", message=message)
    for check in skipped:
        SubElement(_case(suite, check, 0.0), "skipped", message=_WHY_SKIPPED)
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    # In ASCII, so that it is valid whatever encoding standard output has.
    text: bytes = tostring(suites, encoding="us-ascii", xml_declaration=True)
    return text.decode("ascii")


def _case(suite: Element, check: Check, seconds: float) -> Element:
    return SubElement(suite, "testcase", classname=check.deployment, name=check.name, time=f"{seconds:.6f}")


def _message(result: Result) -> str:
    outcome = result.outcome
    if outcome is None:
        return f"blocked by {', '.join(result.blocked_by)}"
    words = ": ".join(text for text in (outcome.reason or "", outcome.detail, outcome.advice) if text)
    return printable(words, _MAX_MESSAGE)  # XML has no way to write most control characters


def _identity(check: Check) -> dict[str, object]:
    return {
        **check.series_labels,
        "target": check.target,
        "source": check.path.source,
        "destination": check.path.destination,
        "port": check.path.port,
        "purpose": check.path.purpose,
    }


def _record(result: Result) -> dict[str, object]:
    outcome = result.outcome
    record: dict[str, object] = {
        **_identity(result.check),
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
                "try_first": steps_for(outcome.reason, result.check, outcome.detail, outcome.redirected),
            }
    return record
