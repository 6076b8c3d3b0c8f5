"""The top of the page: what is broken, since when, whose fault it is, and whether the monitor itself is blind."""

from collections.abc import Sequence

from agent.core.ports import CheckEntry, Note
from agent.core.transitions import State
from agent.core.words import BLAMED, are, clock_time, counted, finding, since_words, span, telling
from agent.web.card import link_to
from agent.web.figures import MARKS
from agent.web.html import Content, Markup, tag
from agent.web.parts import Parts
from agent.web.selection import Selection, Tally

_MOST_FINDINGS = 10
_MOST_NAMES = 12
_DOWN = Selection(state=State.DOWN)


def top(parts: Parts, tally: Tally) -> Markup:
    """The page's head line, and the line about the monitor."""
    return tag(
        "header",
        tag(
            "p",
            tag("a", "reachd", href="/", class_="brand"),
            tag(
                "span",
                tag("span", "", id="live", role="status"),
                f"As of {clock_time(tally.now, tally.now)}",
                class_="as-of",
            ),
            class_="bar",
        ),
        _headline(tally),
        _monitor(parts, tally),
        [_note(note, tally.now) for note in parts.health.notes().values()],
        id="top",
    )


def _headline(tally: Tally) -> Content:
    state = tally.state
    return [
        tag("h1", MARKS[state], tag("span", _verdict(tally)), class_=state, aria_live="polite"),
        tag("p", _since_and_blame(tally), class_="lead") if state is State.DOWN else None,
    ]


def _verdict(tally: Tally) -> str:
    down, up, total = tally.states[State.DOWN], tally.states[State.UP], counted(tally.total, "connection")
    if down:
        return f"{down} of {total} {are(down)} down"
    if tally.untold:
        return f"{tally.untold} of {total} cannot be told"
    if not tally.total:
        return "There is nothing to check"
    if tally.awaited:
        return f"{up} up, {tally.awaited} not known yet" if up else "Nothing is known yet"
    if tally.mute:
        gives = "gives" if tally.mute == 1 else "give"
        return f"{up} of {total} {are(up)} up, {tally.mute} {gives} no verdict"
    return "The only connection is up" if up == 1 else f"All {total} are up"


def _since_and_blame(tally: Tally) -> str:
    earliest = min(tally.broken, key=lambda entry: entry.standing.since)
    who = earliest.check.name if len(tally.broken) == 1 else "The first"
    blames = tally.blames()
    if len(blames) == 1:
        fault = BLAMED[blames[0][0]]
    else:
        fault = ", ".join([f"{BLAMED[blame]} ({count})" for blame, count in blames]) or "unknown"
    return f"{who} {since_words(earliest, tally.now)}. To blame: {fault}."


def _monitor(parts: Parts, tally: Tally) -> Markup:
    """Whether the monitor itself is blind."""
    problems = [f"{name}: {text}" for name, text in {**parts.health.live(), **parts.health.ready()}.items() if text]
    if tally.blind:
        problems.append(f"{counted(tally.blind, 'check')} without a verdict for the agent's own reasons")
    if tally.overdue:
        problems.append(f"{counted(tally.overdue, 'check')} not run for more than three intervals")
    if problems:
        return tag("p", f"The monitor itself is partly blind: {'; '.join(problems)}.", class_="monitor blind")
    if not tally.last_run:
        return tag("p", "The monitor itself works: no run has ended yet.", class_="monitor")
    seconds = tally.now - tally.last_run
    last = f"{span(seconds)} ago" if seconds >= 1 else "just now"
    return tag("p", f"The monitor itself works: last run {last}.", class_="monitor")


def _note(note: Note, now: float) -> Markup:
    """What is wrong with the agent and does not make it blind, such as a configuration that it does not take."""
    since = f"Since {clock_time(note.since, now)} ({span(now - note.since)})"
    return tag("p", f"{since} {note.text}", class_="monitor blind note")


def broken(tally: Tally) -> Markup:
    """What is broken now, by what was found; empty when nothing is, so that the page keeps its place for it."""
    groups: dict[str, list[CheckEntry]] = {}
    for entry in sorted(tally.broken, key=lambda entry: entry.standing.since):
        groups.setdefault(finding(entry), []).append(entry)
    if not groups:
        return tag("section", id="broken")
    left_out = len(groups) - _MOST_FINDINGS
    return tag(
        "section",
        tag("h2", "Broken now", id="broken-title"),
        tag("ul", [_group(words, entries, tally) for words, entries in list(groups.items())[:_MOST_FINDINGS]]),
        tag("p", tag("a", f"and {left_out} more findings", href=_DOWN.link())) if left_out > 0 else None,
        aria_labelledby="broken-title",
        id="broken",
    )


def _group(words: str, entries: Sequence[CheckEntry], tally: Tally) -> Markup:
    first = entries[0]
    told = telling(first)
    reason = told.reason if told is not None else None
    fault = f"To blame: {BLAMED[reason.blame]}, " if reason is not None else "Down "
    left_out = len(entries) - _MOST_NAMES
    link = _DOWN.link(search=reason.value if reason is not None else "")
    return tag(
        "li",
        MARKS[State.DOWN],
        tag(
            "div",
            tag(
                "p",
                tag("span", f"{words[:1].upper()}{words[1:]}.", class_="why"),
                f" {fault}{since_words(first, tally.now)}.",
            ),
            tag("p", [_name(entry, entries, tally) for entry in entries[:_MOST_NAMES]], class_="names"),
            tag("p", tag("a", f"and {left_out} more", href=link)) if left_out > 0 else None,
        ),
    )


def _name(entry: CheckEntry, group: Sequence[CheckEntry], tally: Tally) -> Markup:
    """A link to the check, with its path where there is room."""
    check = entry.check
    path = f" {check.path.source} → {check.path.destination}, {check.path.port}" if len(group) < 3 else ""
    name = str(check.key) if len(tally.deployments) > 1 else check.name
    return tag("span", link_to(check.key, name, paged=tally.paged), path)
