"""Every path and its checks, grouped by deployment."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from agent.core.check import UntestableRow
from agent.core.ports import CheckEntry
from agent.core.transitions import State
from agent.web.card import check_card
from agent.web.html import Content, Markup, start_tag, tag

_MOST_OPEN = 3
"""With more failures than this, cards stay closed, so that the reader sees all of them at a glance."""
_MOST_UNTESTABLE = 500


def board(entries: Sequence[CheckEntry], now: float, *, paged: bool) -> Iterator[str]:
    """The cards of `entries`, piece by piece."""
    failed = sum([1 for entry in entries if entry.standing.state is State.DOWN])
    yield start_tag("div", id="checks", tabindex="-1")
    for deployment, of_deployment in groupby(entries, key=lambda entry: entry.check.deployment):
        yield start_tag("section", class_="deployment")
        yield tag("h2", deployment)
        for (source, destination), of_path in _by_path(of_deployment).items():
            yield start_tag("section", class_="path")
            yield tag("h3", tag("span", source), " ", tag("span", "→ ", destination, class_="to"))
            yield start_tag("div", class_="rows")
            for entry in of_path:
                is_open = entry.standing.state is State.DOWN and failed <= _MOST_OPEN
                yield check_card(entry, now, is_open=is_open, paged=paged)
            yield "</div></section>"
        yield "</section>"
    if not entries:
        yield tag("p", "No check matches.", class_="empty")
    yield "</div>"


def _by_path(entries: Iterator[CheckEntry]) -> dict[tuple[str, str], list[CheckEntry]]:
    """The checks of each path, in the order of its first check."""
    groups: dict[tuple[str, str], list[CheckEntry]] = {}
    for entry in entries:
        path = entry.check.path
        groups.setdefault((path.source, path.destination), []).append(entry)
    return groups


def untestable(rows: Sequence[UntestableRow]) -> Content:
    """The connections that cannot be tested from here, and why."""
    if not rows:
        return None
    left_out = len(rows) - _MOST_UNTESTABLE
    return tag(
        "details",
        tag("summary", f"Not testable from here: {len(rows)}"),
        tag("ul", [_untestable_row(row) for row in rows[:_MOST_UNTESTABLE]]),
        tag("p", f"and {left_out} more; the API has all of them", class_="muted") if left_out > 0 else None,
        class_="untestable",
        id="untestable",
    )


def _untestable_row(row: UntestableRow) -> Markup:
    return tag(
        "li",
        tag("span", f"{row.path.source} → {row.path.destination}", class_="name"),
        " ",
        tag("span", row.path.port, class_="port"),
        tag("span", row.path.purpose, class_="purpose"),
        tag("span", row.why, class_="why"),
    )
