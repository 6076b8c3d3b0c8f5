"""The whole page, from what is broken to what cannot be tested."""

from collections.abc import Iterator, Mapping, Sequence

from agent.core.ports import CheckEntry, DemoSwitch
from agent.core.transitions import State
from agent.core.version import VERSION
from agent.core.words import counted
from agent.web.board import board, untestable
from agent.web.headline import broken, top
from agent.web.html import Content, Markup, start_tag, tag
from agent.web.navigation import choices, pages
from agent.web.parts import Parts
from agent.web.selection import PAGE_SIZE, Selection, Tally

_ICONS = {State.UP: "icon.svg", State.DOWN: "broken.svg", State.UNKNOWN: "unknown.svg"}


def overview(
    parts: Parts, tally: Tally, selection: Selection, selected: Sequence[CheckEntry], assets: Mapping[str, str]
) -> Iterator[str]:
    """The page, piece by piece. `selected`: the checks to show, of which one page's worth is taken."""
    selection = selection.within(len(selected))
    first = (selection.page - 1) * PAGE_SIZE
    yield "<!doctype html>\n"
    yield start_tag("html", lang="en")
    yield tag("head", _head(tally, assets))
    yield start_tag("body")
    yield tag("a", "Skip to the checks", class_="skip", href="#checks")
    yield top(parts, tally)
    yield start_tag("main")
    yield broken(tally)
    if parts.demo_controls is not None:
        yield _demo(parts.demo_controls.switches())
    yield choices(tally, selection)
    yield from board(selected[first : first + PAGE_SIZE], tally.now, paged=tally.paged)
    yield pages(len(selected), selection)
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
    return [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", _title(tally)),
        tag("link", rel="icon", href=assets[_ICONS[tally.state]]),
        tag("link", rel="stylesheet", href=assets["style.css"]),
        tag("script", src=assets["script.js"], defer=True),
    ]


def _title(tally: Tally) -> str:
    if down := tally.states[State.DOWN]:
        return f"{down} down · reachd"
    return f"{tally.untold} unknown · reachd" if tally.untold else "reachd"


def _demo(switches: Sequence[DemoSwitch]) -> Markup:
    on = sum([1 for switch in switches if switch.on])
    return tag(
        "details",
        tag("summary", tag("h2", "Break something"), tag("span", f"{on} of {counted(len(switches), 'fault')} on")),
        tag("p", "A simulation on this machine. Switch a fault on, and see what is found.", class_="muted"),
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
