"""The whole page, from the top: what is broken, since when, whose fault it is; then every path."""

from collections.abc import Iterator, Mapping, Sequence

from agent.core.ports import CheckEntry, DemoSwitch
from agent.core.reasons import Reason
from agent.core.transitions import State
from agent.core.version import VERSION
from agent.web.board import PAGE_SIZE, board, untestable
from agent.web.card import link_to
from agent.web.figures import MARKS
from agent.web.html import Content, Markup, start_tag, tag
from agent.web.parts import Parts
from agent.web.selection import Selection, Tally
from agent.web.words import BLAMED, clock_time, counted, finding, since_words, span

_MOST_BROKEN = 20
_STATES = (State.DOWN, State.BLOCKED, State.UNKNOWN, State.UP)


def overview(
    parts: Parts, tally: Tally, selection: Selection, selected: Sequence[CheckEntry], assets: Mapping[str, str]
) -> Iterator[str]:
    """The page, piece by piece. `selected`: the checks to show, of which one page's worth is taken."""
    now = tally.now
    first = (selection.page - 1) * PAGE_SIZE
    yield "<!doctype html>\n"
    yield start_tag("html", lang="en")
    yield tag("head", _head(tally, assets))
    yield start_tag("body")
    yield tag("a", "Skip to the checks", class_="skip", href="#checks")
    yield _top(parts, tally)
    yield start_tag("main")
    yield _broken(tally)
    if parts.demo_controls is not None:
        yield _demo(parts.demo_controls.switches())
    yield _filter(tally, selection)
    yield from board(selected[first : first + PAGE_SIZE], now)
    yield _pages(len(selected), selection)
    yield tag("div", untestable(parts.board.plan().untestable), id="left-out")
    yield "</main>"
    yield tag(
        "footer",
        tag("a", "Metrics", href="/metrics"),
        tag("a", "API", href="/api/v1/checks"),
        tag("a", "Configuration", href="/config"),
        tag("span", f"reachd {VERSION}"),
    )
    yield "</body></html>\n"


def _head(tally: Tally, assets: Mapping[str, str]) -> Content:
    down = tally.states[State.DOWN]
    return [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{down} down · reachd" if down else "reachd"),
        tag("link", rel="icon", href=assets["broken.svg" if down else "icon.svg"]),
        tag("link", rel="stylesheet", href=assets["style.css"]),
        tag("script", src=assets["script.js"], defer=True),
    ]


def _top(parts: Parts, tally: Tally) -> Markup:
    now = tally.now
    return tag(
        "header",
        tag(
            "p",
            tag("a", "reachd", href="/", class_="brand"),
            tag("span", tag("span", "", id="live", role="status"), f"As of {clock_time(now, now)}", class_="as-of"),
            class_="bar",
        ),
        _headline(tally),
        _monitor(parts, tally),
        id="top",
    )


def _headline(tally: Tally) -> Content:
    down, up, total = tally.states[State.DOWN], tally.states[State.UP], tally.total
    if down:
        state, words = State.DOWN, f"{down} of {counted(total, 'connection')} {'is' if down == 1 else 'are'} down"
    elif up:
        state = State.UP
        words = (
            f"All {total} connections are up" if up == total else f"{up} of {total} connections are up, none is down"
        )
    else:
        state, words = State.UNKNOWN, "Nothing is known yet" if total else "There is nothing to check"
    return [
        tag("h1", MARKS[state], tag("span", words), class_=f"{state}", aria_live="polite"),
        tag("p", _blame_line(tally), class_="lead") if down else None,
    ]


def _blame_line(tally: Tally) -> str:
    """Since when, and whose fault."""
    earliest = min(tally.broken, key=lambda entry: entry.standing.since)
    since = since_words(earliest, tally.now)
    blames = tally.blames()
    if len(tally.broken) == 1:
        return f"{earliest.check.name}, {since}. To blame: {BLAMED[blames[0][0]]}." if blames else f"{since}."
    fault = ", ".join([f"{BLAMED[blame]} ({count})" for blame, count in blames])
    return f"The first {since}. To blame: {fault}."


def _monitor(parts: Parts, tally: Tally) -> Markup:
    """Whether the monitor itself is blind."""
    problems = [f"{name}: {text}" for name, text in {**parts.health.live(), **parts.health.ready()}.items() if text]
    if tally.blind:
        problems.append(f"{counted(tally.blind, 'check')} failed for reasons of its own")
    if tally.overdue:
        problems.append(f"{counted(tally.overdue, 'check')} not run for more than three intervals")
    if problems:
        return tag("p", f"The monitor itself is partly blind: {'; '.join(problems)}.", class_="monitor blind")
    seconds = tally.now - tally.last_run
    last = (
        "no run yet" if not tally.last_run else f"last run {span(seconds)} ago" if seconds >= 1 else "last run just now"
    )
    return tag("p", f"The monitor itself works: {last}.", class_="monitor")


def _broken(tally: Tally) -> Markup:
    """What is broken now; empty when nothing is, so that the page keeps its place for it."""
    broken = sorted(tally.broken, key=lambda entry: entry.standing.since)
    if not broken:
        return tag("section", id="broken")
    more = len(broken) - _MOST_BROKEN
    return tag(
        "section",
        tag("h2", "Broken now", id="broken-title"),
        tag("ul", [_broken_item(entry, tally.now) for entry in broken[:_MOST_BROKEN]]),
        tag("p", tag("a", f"and {more} more", href="/?state=down")) if more > 0 else None,
        aria_labelledby="broken-title",
        id="broken",
    )


def _broken_item(entry: CheckEntry, now: float) -> Markup:
    check, reason = entry.check, _reason(entry)
    fault = f"To blame: {BLAMED[reason.blame]}, " if reason is not None else "Down "
    return tag(
        "li",
        MARKS[State.DOWN],
        tag(
            "div",
            tag("p", link_to(check.key, check.name), f" {_path(entry)}"),
            tag("p", tag("span", f"{_sentence(finding(entry))}.", class_="why"), f" {fault}{since_words(entry, now)}."),
        ),
    )


def _path(entry: CheckEntry) -> str:
    path = entry.check.path
    return f"{path.source} → {path.destination}, {path.port}"


def _reason(entry: CheckEntry) -> Reason | None:
    return entry.last.reason if entry.last is not None else None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _demo(switches: Sequence[DemoSwitch]) -> Markup:
    on = sum([1 for switch in switches if switch.on])
    return tag(
        "details",
        tag("summary", tag("h2", "Break something"), tag("span", f"{on} of {counted(len(switches), 'fault')} on")),
        tag("p", "A simulation on this machine. Switch a fault on, and see below what is found.", class_="muted"),
        tag("ul", [tag("li", _switch(switch)) for switch in switches]),
        id="demo",
        open=True,
    )


def _switch(switch: DemoSwitch) -> Markup:
    return tag(
        "form",
        tag("input", type="hidden", name="on", value="false" if switch.on else "true"),
        tag(
            "button",
            tag("span", class_="knob", aria_hidden="true"),
            tag("span", switch.title, class_="title"),
            tag("span", switch.description, class_="symptom") if switch.on else None,
            type="submit",
            role="switch",
            aria_checked="true" if switch.on else "false",
            title=switch.description,
            id=f"fault:{switch.name}",
        ),
        method="post",
        action=f"/api/v1/demo/{switch.name}",
    )


def _filter(tally: Tally, selection: Selection) -> Markup:
    states = [
        _choice(selection.link(state=""), selection.state is None, f"all {tally.total}"),
        *[
            _choice(
                selection.link(state=state),
                selection.state is state,
                [MARKS[state], f"{state.value} {tally.states[state]}"],
                class_=f"{state}" if tally.states[state] else "none",
            )
            for state in _STATES
        ],
    ]
    names = list(tally.deployments)
    deployments = [
        _choice(selection.link(deployment=""), not selection.deployment, "every deployment"),
        *[_choice(selection.link(deployment=name), selection.deployment == name, name) for name in names],
    ]
    return tag(
        "nav",
        tag("p", states, class_="choices"),
        tag("p", deployments, class_="choices") if len(names) > 1 else None,
        _search(selection),
        aria_label="Filter",
        id="filter",
    )


def _choice(href: str, chosen: bool, words: Content, class_: str | None = None) -> Markup:
    return tag("a", words, href=href, class_=class_, aria_current="true" if chosen else None)


def _search(selection: Selection) -> Markup:
    kept = {"state": selection.state, "deployment": selection.deployment}
    return tag(
        "form",
        [tag("input", type="hidden", name=name, value=value) for name, value in kept.items() if value],
        tag("label", "Search", for_="search"),
        tag(
            "input",
            type="search",
            id="search",
            name="search",
            value=selection.search,
            placeholder="name, target, path or reason",
            maxlength="200",
            autocomplete="off",
        ),
        method="get",
        action="/",
        role="search",
    )


def _pages(count: int, selection: Selection) -> Markup:
    page, last = selection.page, max(1, -(-count // PAGE_SIZE))
    if last == 1 and page == 1:
        return tag("nav", id="pages")
    return tag(
        "nav",
        tag("a", "Previous", href=selection.link(page=min(page - 1, last))) if page > 1 else None,
        tag("span", f"page {page} of {last}, {counted(count, 'check')}"),
        tag("a", "Next", href=selection.link(page=page + 1)) if page < last else None,
        aria_label="Pages",
        id="pages",
    )
