"""What the status page says, from the top: what is broken, since when, whose fault it is; then every path."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from urllib.parse import urlencode

from agent.core.ports import CheckEntry, DemoSwitch
from agent.core.transitions import State
from agent.core.version import VERSION
from agent.web.card import MARKS, STATE_WORDS, check_card, since_words, why_words
from agent.web.html import Content, Markup, tag
from agent.web.parts import Parts

PAGE_SIZE = 200
_MOST_BROKEN = 20


class Filter(NamedTuple):
    """Which checks to show: of one deployment, in one state, with a text in name, target or path; empty is all."""

    deployment: str
    state: State | None
    text: str
    page: int

    def admits(self, entry: CheckEntry) -> bool:
        """Whether a check is to be shown."""
        check = entry.check
        if self.deployment and check.deployment != self.deployment:
            return False
        if self.state is not None and entry.standing.state is not self.state:
            return False
        text = self.text.lower()
        return not text or any(
            text in part.lower() for part in (check.name, check.target, check.path.source, check.path.destination)
        )

    def link(self, **changes: object) -> str:
        """The page's URL with some of the filter changed."""
        merged = {"deployment": self.deployment, "state": self.state or "", "search": self.text, "page": 1, **changes}
        query = {key: str(value) for key, value in merged.items() if value not in ("", 1)}
        return f"/?{urlencode(query)}" if query else "/"


def overview(parts: Parts, wanted: Filter, assets: Mapping[str, str], now: float) -> str:
    """The whole page."""
    entries = parts.board.entries()
    shown = [entry for entry in entries if wanted.admits(entry)]
    first = (wanted.page - 1) * PAGE_SIZE
    broken = [entry for entry in entries if entry.standing.state is State.DOWN]
    body = [
        tag("a", "Skip to the checks", class_="skip", href="#checks"),
        tag(
            "header",
            tag("p", tag("a", "reachd", href="/"), tag("span", f" {VERSION}", class_="version"), class_="brand"),
            _headline(entries, broken, parts, now),
            class_="top",
            id="top",
        ),
        tag(
            "main",
            _broken_section(broken, now),
            _demo_section(parts.demo_controls.switches()) if parts.demo_controls is not None else None,
            _toolbar(entries, wanted),
            tag(
                "div",
                [
                    _deployment(name, list(group), now)
                    for name, group in _by_deployment(shown[first : first + PAGE_SIZE])
                ],
                tag("p", "No check matches.", class_="empty") if not shown else None,
                id="checks",
                tabindex="-1",
            ),
            _pages(len(shown), wanted),
            _untestable_section(parts),
        ),
        tag(
            "footer",
            tag("a", "Metrics", href="/metrics"),
            tag("a", "API", href="/api/v1/checks"),
            tag("a", "Configuration", href="/config"),
            tag("span", "Times are UTC.", class_="muted"),
            tag("span", "", id="live", role="status", class_="muted"),
        ),
    ]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", _title(entries)),
        tag("link", rel="icon", href=assets["icon.svg"]),
        tag("link", rel="stylesheet", href=assets["style.css"]),
        tag("script", src=assets["script.js"], defer=True),
    ]
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', body), lang='en')}"


def _title(entries: Sequence[CheckEntry]) -> str:
    down = sum(1 for entry in entries if entry.standing.state is State.DOWN)
    return f"{down} down - reachd" if down else "All reachable - reachd"


def _headline(entries: Sequence[CheckEntry], broken: Sequence[CheckEntry], parts: Parts, now: float) -> Content:
    counts = {state: sum(1 for entry in entries if entry.standing.state is state) for state in State}
    if broken:
        state, words = State.DOWN, f"{len(broken)} of {len(entries)} connections are down"
    elif counts[State.UP]:
        state, words = State.UP, f"{counts[State.UP]} of {len(entries)} connections are up, none is down"
    else:
        state, words = State.UNKNOWN, "Nothing is known yet" if entries else "There is nothing to check"
    return [
        tag("h1", tag("span", MARKS[state], class_="mark", aria_hidden="true"), words, class_=f"state-{state}"),
        _self_line(counts, parts),
    ]


def _self_line(counts: Mapping[State, int], parts: Parts) -> Markup:
    """Whether the monitor itself is blind."""
    problems = [f"{name}: {text}" for name, text in {**parts.health.live(), **parts.health.ready()}.items() if text]
    if counts[State.UNKNOWN]:
        problems.append(f"{counts[State.UNKNOWN]} without a verdict")
    if counts[State.BLOCKED]:
        problems.append(f"{counts[State.BLOCKED]} not run, because what they depend on is down")
    words = f"The monitor: {'; '.join(problems)}." if problems else "The monitor sees everything that it watches."
    return tag("p", words, class_="self")


def _broken_section(broken: Sequence[CheckEntry], now: float) -> Content:
    if not broken:
        return None
    return tag(
        "section",
        tag("h2", "Broken now", id="broken-title"),
        tag(
            "ul",
            [
                tag(
                    "li",
                    tag("a", f"{entry.check.deployment} / {entry.check.name}", href=f"#{anchor(entry)}"),
                    tag("span", why_words(entry), class_="why"),
                    tag("span", since_words(entry, now), class_="muted"),
                )
                for entry in broken[:_MOST_BROKEN]
            ],
        ),
        tag("p", tag("a", f"All {len(broken)}", href="/?state=down")) if len(broken) > _MOST_BROKEN else None,
        class_="broken",
        aria_labelledby="broken-title",
        id="broken",
    )


def anchor(entry: CheckEntry) -> str:
    """The id of a check's card."""
    return f"check-{entry.check.deployment}-{entry.check.name}"


def _demo_section(switches: Sequence[DemoSwitch]) -> Markup:
    return tag(
        "section",
        tag("h2", "Break something", id="demo-title"),
        tag("p", "This is a simulation on loopback. Switch a fault on and watch what is found.", class_="muted"),
        tag(
            "ul",
            [
                tag(
                    "li",
                    tag(
                        "form",
                        tag("input", type="hidden", name="on", value="false" if switch.on else "true"),
                        tag(
                            "button",
                            tag("span", switch.title, class_="switch-title"),
                            tag("span", "on" if switch.on else "off", class_="switch-state"),
                            type="submit",
                            aria_pressed="true" if switch.on else "false",
                            title=switch.description,
                        ),
                        method="post",
                        action=f"/api/v1/demo/{switch.name}",
                    ),
                )
                for switch in switches
            ],
        ),
        class_="demo",
        aria_labelledby="demo-title",
        id="demo",
    )


def _toolbar(entries: Sequence[CheckEntry], wanted: Filter) -> Markup:
    deployments = list(dict.fromkeys(entry.check.deployment for entry in entries))
    states = [
        tag("a", "all", href=wanted.link(state=""), aria_current="true" if wanted.state is None else None),
        *[
            tag(
                "a",
                tag("span", MARKS[state], class_=f"mark state-{state}", aria_hidden="true"),
                f"{STATE_WORDS[state]} {sum(1 for entry in entries if entry.standing.state is state)}",
                href=wanted.link(state=state),
                aria_current="true" if wanted.state is state else None,
            )
            for state in State
        ],
    ]
    choice = [
        tag("a", name, href=wanted.link(deployment=name), aria_current="true" if wanted.deployment == name else None)
        for name in deployments
    ]
    return tag(
        "nav",
        tag("div", states, class_="choices"),
        tag("div", tag("a", "every deployment", href=wanted.link(deployment="")), choice, class_="choices")
        if len(deployments) > 1
        else None,
        tag(
            "form",
            tag("input", type="hidden", name="state", value=wanted.state or "") if wanted.state else None,
            tag("input", type="hidden", name="deployment", value=wanted.deployment) if wanted.deployment else None,
            tag("label", "Search", for_="search"),
            tag(
                "input",
                type="search",
                id="search",
                name="search",
                value=wanted.text,
                placeholder="name, target or path",
            ),
            method="get",
            action="/",
            role="search",
        ),
        aria_label="Filter",
        id="filter",
    )


def _by_deployment(entries: Sequence[CheckEntry]) -> Iterator[tuple[str, Iterator[CheckEntry]]]:
    return groupby(entries, key=lambda entry: entry.check.deployment)


def _deployment(name: str, entries: Sequence[CheckEntry], now: float) -> Markup:
    paths = groupby(entries, key=lambda entry: (entry.check.path.source, entry.check.path.destination))
    return tag(
        "section",
        tag("h2", name),
        [
            tag(
                "section",
                tag("h3", source, tag("span", " → ", class_="arrow"), destination),
                [check_card(entry, anchor(entry), now) for entry in group],
                class_="path",
            )
            for (source, destination), group in paths
        ],
        class_="deployment",
    )


def _pages(count: int, wanted: Filter) -> Content:
    last = (count + PAGE_SIZE - 1) // PAGE_SIZE
    if last <= 1:
        return None
    return tag(
        "nav",
        tag("a", "Previous", href=wanted.link(page=wanted.page - 1)) if wanted.page > 1 else None,
        tag("span", f"page {wanted.page} of {last}"),
        tag("a", "Next", href=wanted.link(page=wanted.page + 1)) if wanted.page < last else None,
        class_="pages",
        aria_label="Pages",
    )


def _untestable_section(parts: Parts) -> Content:
    rows = parts.board.plan().untestable
    if not rows:
        return None
    return tag(
        "details",
        tag("summary", f"Not testable from here: {len(rows)}"),
        tag(
            "div",
            tag(
                "table",
                tag(
                    "thead", tag("tr", [tag("th", text, scope="col") for text in ("Connection", "Port", "For", "Why")])
                ),
                tag(
                    "tbody",
                    [
                        tag(
                            "tr",
                            tag("th", f"{row.path.source} → {row.path.destination}", scope="row"),
                            tag("td", row.path.port),
                            tag("td", row.path.purpose),
                            tag("td", row.why),
                        )
                        for row in rows
                    ],
                ),
            ),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label="Connections that are not testable from here",
        ),
        class_="untestable",
        id="untestable",
    )
