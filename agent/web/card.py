"""One check on the page: a line that can be opened."""

from urllib.parse import quote

from agent.core.check import CheckKey
from agent.core.explanations import explain
from agent.core.outcome import Outcome, Verdict
from agent.core.ports import CheckEntry
from agent.core.steps import steps_for
from agent.core.transitions import State
from agent.core.words import BLAMED, are, clock_time, finding, milliseconds, phrase, since_words, span, telling
from agent.probes.tcp import TcpSettings
from agent.web.figures import MARKS, RECHECK, history_strip, phase_bars
from agent.web.html import Content, Markup, breakable, tag
from agent.web.meaning import meaning_here
from agent.web.selection import Selection


def link_to(key: CheckKey, text: Content, *, paged: bool) -> Markup:
    """A link to a check's card, which opens it. `paged`: there are more checks than one page shows."""
    page = Selection(deployment=key.deployment, search=key.check).link() if paged else "/"
    return tag("a", text, href=f"{page}#{quote(str(key))}")


def check_card(entry: CheckEntry, now: float, *, is_open: bool, paged: bool) -> Markup:
    """The card."""
    check, standing, last = entry.check, entry.standing, entry.last
    state = standing.state
    return tag(
        "details",
        tag(
            "summary",
            tag("span", MARKS[state], state.value, class_=f"state {state}"),
            tag(
                "span",
                tag("span", check.name, class_="name"),
                " ",
                tag("span", check.path.port, class_="port"),
                tag("span", check.path.purpose, class_="purpose"),
                class_="what",
            ),
            tag("span", _finding(entry), class_="finding"),
            tag("span", _age(entry, now), class_="age", title=since_words(entry, now)),
            tag(
                "span",
                history_strip(entry.history()),
                tag("span", milliseconds(last.duration) if last is not None else "", class_="took"),
                class_="runs",
            ),
        ),
        # A link to what is hidden in a closed card opens the card, in every browser and without a script.
        tag("div", _findings(entry, now, paged), _facts(entry, now), class_="more", id=str(check.key)),
        class_=f"check is-{state}",
        id=f"card:{check.key}",
        open=is_open,
    )


def _finding(entry: CheckEntry) -> Content:
    """The middle of the line: what is probed, or why it is not up."""
    if entry.standing.suspected:
        once = "no verdict once" if entry.standing.state is State.DOWN else "failed once"
        return [tag("span", RECHECK, f" {once}, looking again", class_="recheck"), tag("span", finding(entry))]
    if entry.standing.state is State.UP:
        return [tag("span", breakable(entry.check.target), class_="target"), _closed(entry)]
    return [tag("span", finding(entry), class_="why"), _blame(telling(entry))]


def _closed(entry: CheckEntry) -> Content:
    """That a port is closed, where that is what it must be: "up" alone would say the opposite."""
    settings = entry.check.settings
    if not (isinstance(settings, TcpSettings) and settings.expect_closed):
        return None
    return tag("span", "closed, as expected", class_="closed")


def _blame(outcome: Outcome | None) -> Content:
    if outcome is None or outcome.reason is None:
        return None
    return tag("span", f"to blame: {BLAMED[outcome.reason.blame]}", class_="blame")


def _age(entry: CheckEntry, now: float) -> str:
    standing = entry.standing
    if not standing.since:
        return ""
    return f"{'' if standing.since_exact else '≥ '}{span(now - standing.since, units=1)}"


def _findings(entry: CheckEntry, now: float, paged: bool) -> Markup:
    """The left side of an open card: what was found, what it means, and what to do."""
    check, told = entry.check, telling(entry)
    explained = told is not None and told.verdict is not Verdict.UP
    return tag(
        "div",
        tag("p", _standing(entry, now), class_="since"),
        _blocked(entry, paged),
        tag("p", told.detail, class_="detail") if told is not None and told.detail else None,
        _meaning(entry),
        _explanation(entry, told) if explained and told is not None else None,
        _last_failure(entry, now),
        tag("p", "Probes ", tag("code", check.target), class_="target"),
        class_="findings",
    )


def _standing(entry: CheckEntry, now: float) -> str:
    since = since_words(entry, now)
    return f"{entry.standing.state.value.capitalize()} {since}." if entry.standing.since else f"{since.capitalize()}."


def _blocked(entry: CheckEntry, paged: bool) -> Content:
    if entry.standing.state is not State.BLOCKED:
        return None
    deployment = entry.check.deployment
    names = entry.standing.blocked_by
    links = [[link_to(CheckKey(deployment, name), name, paged=paged), ", "] for name in names]
    return tag("p", "Not run: it depends on ", links, f"which {are(len(names))} down.", class_="blocked-by")


def _meaning(entry: CheckEntry) -> Content:
    """What the answer that tells means for this connection; it comes before what its reason means everywhere."""
    told = telling(entry)
    if told is None or not (text := meaning_here(entry.check, told)):
        return None
    return tag("p", text, class_="here")


def _explanation(entry: CheckEntry, outcome: Outcome) -> Content:
    check, reason = entry.check, outcome.reason
    lines: list[Content] = []
    if reason is not None:
        where = f" in the phase {outcome.phase}" if outcome.phase else ""
        steps = steps_for(reason, check, outcome.detail, outcome.redirected)
        lines = [
            tag("p", tag("code", reason.value), f"{where}; to blame: {BLAMED[reason.blame]}.", class_="reason"),
            tag("p", explain(reason).meaning),
            tag("p", "Try first", class_="try"),
            tag("ol", [tag("li", step) for step in steps]),
        ]
    if outcome.advice:
        lines.append(tag("p", outcome.advice, class_="advice"))
    return lines


def _last_failure(entry: CheckEntry, now: float) -> Content:
    failure = entry.last_failure
    if failure is None or failure is telling(entry):
        return None
    detail = f" ({failure.detail})" if failure.detail and failure.reason is not None else ""
    which = "Last run" if failure is entry.last else "Last failure"
    return tag("p", f"{which} {clock_time(failure.started, now)}: {phrase(failure)}{detail}", class_="muted")


def _facts(entry: CheckEntry, now: float) -> Markup:
    """The right side of an open card: phases as bars, and how the check is made."""
    check, last = entry.check, entry.last
    facts = {
        "Last run": f"{clock_time(last.started, now)}" if last is not None else "none yet",
        "Answered": last.peer if last is not None else "",
        "Runs": f"{entry.runs}, {entry.failures} failed",
        "Schedule": f"every {check.every:g} s, timeout {check.timeout:g} s",
        "Probe": f"{check.kind}, from {check.vantage}",
        "Severity": check.severity.value,
        "Depends on": ", ".join(check.depends_on),
        **dict(check.labels),
    }
    return tag(
        "div",
        phase_bars(last) if last is not None else None,
        tag("dl", [[tag("dt", name), tag("dd", value)] for name, value in facts.items() if value], class_="facts"),
        class_="measured",
    )
