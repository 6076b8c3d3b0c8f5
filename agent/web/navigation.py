"""Choosing what to see: by state, by deployment, by a text, and page by page."""

from agent.core.transitions import State
from agent.core.words import counted
from agent.web.figures import MARKS
from agent.web.html import Content, Markup, tag
from agent.web.selection import LONGEST_SEARCH, Selection, Tally, last_page

_STATES = (State.DOWN, State.BLOCKED, State.UNKNOWN, State.UP)
_MOST_DEPLOYMENTS = 50


def choices(tally: Tally, selection: Selection) -> Markup:
    """The states with their counts, the deployments, and the search."""
    states = [
        _choice(selection.link(state=""), selection.state is None, f"all {tally.total}"),
        *[_state_choice(state, tally.states[state], selection) for state in _STATES],
    ]
    names = list(tally.deployments)[:_MOST_DEPLOYMENTS]
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


def _state_choice(state: State, count: int, selection: Selection) -> Markup:
    words: Content = [MARKS[state], f"{state.value} {count}"]
    return _choice(selection.link(state=state), selection.state is state, words, state if count else "none")


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
            maxlength=str(LONGEST_SEARCH),
            autocomplete="off",
        ),
        method="get",
        action="/",
        role="search",
    )


def pages(count: int, selection: Selection) -> Markup:
    """The way to other pages, where there are several. `selection` is within `count`."""
    page, last = selection.page, last_page(count)
    if last == 1:
        return tag("nav", id="pages")
    return tag(
        "nav",
        tag("a", "Previous", href=selection.link(page=page - 1)) if page > 1 else None,
        tag("span", f"page {page} of {last}, {counted(count, 'check')}"),
        tag("a", "Next", href=selection.link(page=page + 1)) if page < last else None,
        aria_label="Pages",
        id="pages",
    )
