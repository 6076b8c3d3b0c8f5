"""One check on the page: a line that can be opened."""

from agent.core.explanations import explain
from agent.core.outcome import Outcome, Verdict
from agent.core.ports import CheckEntry
from agent.core.reasons import PHASES, Blame
from agent.core.transitions import State
from agent.web.html import Content, Markup, tag
from agent.web.words import clock_time, milliseconds, span

MARKS = {State.UP: "●", State.DOWN: "✖", State.UNKNOWN: "?", State.BLOCKED: "■"}
"""A shape for each state, so that colour is never the only sign."""
STATE_WORDS = {State.UP: "up", State.DOWN: "down", State.UNKNOWN: "unknown", State.BLOCKED: "blocked"}
_BLAME_WORDS = {
    Blame.TARGET: "the target is to blame",
    Blame.PATH: "the path is to blame",
    Blame.AGENT: "the agent is to blame",
}
_HISTORY = 60
_BAR_HEIGHT = 20


def check_card(entry: CheckEntry, anchor: str, now: float) -> Markup:
    """The card, open when the check is down."""
    check, standing = entry.check, entry.standing
    state = standing.state
    return tag(
        "details",
        tag(
            "summary",
            tag("span", MARKS[state], class_=f"mark state-{state}", aria_hidden="true"),
            tag("span", STATE_WORDS[state], class_=f"word state-{state}"),
            tag("span", check.name, class_="name"),
            tag("span", f"{check.target}", class_="target"),
            tag("span", check.path.port, class_="port"),
            tag("span", _short(entry), class_="short"),
            _history(entry),
        ),
        tag(
            "div",
            tag("p", check.path.purpose, class_="purpose"),
            tag("p", since_words(entry, now), class_="since"),
            _blocked(entry),
            _explanation(entry),
            _phases(entry.last) if entry.last is not None else None,
            _last_failure(entry, now),
            tag("p", _schedule(entry), class_="muted"),
            class_="more",
        ),
        class_=f"check is-{state}",
        id=anchor,
        open=state is State.DOWN,
    )


def since_words(entry: CheckEntry, now: float) -> str:
    """Since when the check is in its state."""
    standing = entry.standing
    if not standing.since:
        return "not run yet" if entry.last is None else "first failure, being re-checked"
    prefix = "since" if standing.since_exact else "at least since"
    return f"{prefix} {clock_time(standing.since, now)}, {span(now - standing.since)}"


def why_words(entry: CheckEntry) -> str:
    """Why a check is not up, in a few words."""
    outcome = entry.last_failure
    if outcome is None or outcome.reason is None:
        return outcome.detail if outcome is not None else ""
    return f"{explain(outcome.reason).phrase} ({_BLAME_WORDS[outcome.reason.blame]})"


def _short(entry: CheckEntry) -> Content:
    standing, last = entry.standing, entry.last
    if standing.suspected:
        return tag("span", "failed once, re-checking", class_="rechecking")
    if standing.state is State.BLOCKED:
        return f"waits for {', '.join(standing.blocked_by)}"
    if standing.state is State.UP and last is not None:
        return milliseconds(last.duration)
    return why_words(entry) if last is not None else "not run yet"


def _blocked(entry: CheckEntry) -> Content:
    if entry.standing.state is not State.BLOCKED:
        return None
    links = [tag("a", name, href=f"#check-{entry.check.deployment}-{name}") for name in entry.standing.blocked_by]
    return tag("p", "Not run: it depends on ", [[link, " "] for link in links], "which is down.")


def _explanation(entry: CheckEntry) -> Content:
    outcome = entry.last
    if outcome is None:
        return None
    if outcome.verdict is Verdict.UP:
        return tag("p", outcome.detail, class_="detail") if outcome.detail else None
    lines: list[Content] = [tag("p", outcome.detail, class_="detail") if outcome.detail else None]
    if outcome.reason is not None:
        explanation = explain(outcome.reason)
        where = f" in the phase {outcome.phase}" if outcome.phase else ""
        lines += [
            tag("p", tag("code", outcome.reason.value), f"{where}; {_BLAME_WORDS[outcome.reason.blame]}."),
            tag("p", explanation.meaning),
            tag("p", "Try first:", class_="try"),
            tag("ol", [tag("li", step) for step in explanation.try_first]),
        ]
    if outcome.advice:
        lines.append(tag("p", outcome.advice, class_="advice"))
    return tag("div", lines, class_="explanation")


def _phases(outcome: Outcome) -> Markup:
    """The phases as bars on one time line, each with its number."""
    total = outcome.duration or 1e-9
    rows: list[Content] = []
    begin = 0.0
    for phase, seconds in zip(PHASES, outcome.phases, strict=True):
        if seconds is None:
            continue
        bar = Markup(
            f'<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect class="phase-{phase}" x="{100 * begin / total:.2f}" y="0" height="4" '
            f'width="{max(0.6, 100 * seconds / total):.2f}"></rect></svg>'
        )
        rows.append([tag("dt", phase.value), tag("dd", bar, tag("span", milliseconds(seconds)))])
        begin += seconds
    rows.append([tag("dt", "total", class_="total"), tag("dd", tag("span", milliseconds(outcome.duration)))])
    return tag("dl", rows, class_="phases")


def _history(entry: CheckEntry) -> Markup:
    """A strip of recent runs: height is duration, a failed run is full height and marked."""
    runs = entry.history()[-_HISTORY:]
    longest = max((run.duration for run in runs), default=0.0) or 1e-9
    bars = []
    for place, run in enumerate(runs, start=_HISTORY - len(runs)):
        up = run.verdict is Verdict.UP
        height = max(3.0, _BAR_HEIGHT * run.duration / longest) if up else float(_BAR_HEIGHT)
        kind = "up" if up else "rechecked" if run.rechecked else run.verdict.value
        bars.append(
            f'<rect class="run-{kind}" x="{place * 4}" y="{_BAR_HEIGHT - height:.1f}" '
            f'width="3" height="{height:.1f}"></rect>'
        )
    failed = sum(1 for run in runs if run.verdict is not Verdict.UP)
    label = f"last {len(runs)} runs, {failed} not up" if runs else "no runs yet"
    return Markup(
        f'<svg class="history" viewBox="0 0 {_HISTORY * 4} {_BAR_HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(bars)}</svg>"
    )


def _last_failure(entry: CheckEntry, now: float) -> Content:
    failure = entry.last_failure
    if failure is None or failure is entry.last:
        return None
    reason = failure.reason.value if failure.reason else "no verdict"
    return tag(
        "p",
        f"Last failure: {clock_time(failure.started, now)}, {reason}",
        f": {failure.detail}" if failure.detail else None,
        class_="muted",
    )


def _schedule(entry: CheckEntry) -> str:
    check = entry.check
    return (
        f"{check.kind} from {check.vantage} every {check.every:g} s, timeout {check.timeout:g} s; "
        f"{entry.runs} runs, {entry.failures} failed since the agent began"
    )
