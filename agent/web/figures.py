"""The small pictures of the page: a shape for each state, the strip of recent runs, the phases as bars."""

from collections.abc import Sequence

from agent.core.outcome import Outcome, Verdict
from agent.core.ports import HistoryItem
from agent.core.reasons import PHASES
from agent.core.transitions import State
from agent.core.words import counted, milliseconds
from agent.web.html import Content, Markup, tag

_RUNS = 60
_STEP, _WIDTH, _HEIGHT = 4, 3, 24


def _shape(content: str) -> Markup:
    return Markup(f'<svg class="mark" viewBox="0 0 16 16" aria-hidden="true">{content}</svg>')


MARKS = {
    State.UP: _shape('<circle cx="8" cy="8" r="5.5"></circle>'),
    State.DOWN: _shape(
        '<path d="M3.2 1 8 5.8 12.8 1 15 3.2 10.2 8 15 12.8 12.8 15 8 10.2 3.2 15 1 12.8 5.8 8 1 3.2z"></path>'
    ),
    State.UNKNOWN: _shape(
        '<path fill-rule="evenodd" d="M8 1.5 14.5 8 8 14.5 1.5 8zm0 3.1L4.6 8 8 11.4 11.4 8z"></path>'
    ),
    State.BLOCKED: _shape('<path d="M3 2.5h3.6v11H3zm6.4 0H13v11H9.4z"></path>'),
}
"""Four outlines that differ, so that colour is never the only sign."""
RECHECK = _shape('<path d="M8 2a6 6 0 0 1 4.9 2.5V2H15v6H9V6h2.6A4 4 0 1 0 12 8h2A6 6 0 1 1 8 2z"></path>')


def history_strip(runs: Sequence[HistoryItem]) -> Markup:
    """Recent runs, the newest at the right: as high as they took long, and of full height where they were not up.

    A run of usual length fills a third of the height, so that one very long run does not flatten the others.
    """
    runs = runs[-_RUNS:]
    usual = sorted([run.duration for run in runs])[len(runs) // 2] if runs else 0.0
    scale = _HEIGHT / 3 / usual if usual else 0.0
    outlines: dict[str, list[str]] = {}
    for place, run in enumerate(runs, start=_RUNS - len(runs)):
        up = run.verdict is Verdict.UP
        kind = "up" if up else "recheck" if run.rechecked else run.verdict.value
        height = min(_HEIGHT - 5, max(2, round(scale * run.duration))) if up else _HEIGHT
        outline = f"M{place * _STEP} {_HEIGHT}v-{height}h{_WIDTH}v{height}z"
        outlines.setdefault(kind, []).append(outline)
    paths = "".join([f'<path class="run-{kind}" d="{"".join(parts)}"></path>' for kind, parts in outlines.items()])
    not_up = sum([1 for run in runs if run.verdict is not Verdict.UP])
    label = f"last {counted(len(runs), 'run')}, {not_up} not up" if runs else "no runs yet"
    return Markup(
        f'<svg class="history" viewBox="0 0 {_RUNS * _STEP} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}">{paths}</svg>'
    )


def phase_bars(outcome: Outcome) -> Markup:
    """The phases on one time line, each with its number."""
    total = outcome.duration or 1e-9
    rows: list[Content] = []
    begin = 0.0
    for phase, seconds in zip(PHASES, outcome.phases, strict=True):
        if seconds is None:
            continue
        width = max(0.8, 100 * seconds / total)
        bar = Markup(
            f'<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect '
            f'class="phase-{phase}" x="{min(100 * begin / total, 100 - width):.2f}" height="4" width="{width:.2f}">'
            "</rect></svg>"
        )
        ended = outcome.phase is phase
        rows.append(
            [
                tag("dt", phase.value),
                tag("dd", bar, tag("span", milliseconds(seconds)))
                if not ended
                else tag("dd", bar, tag("span", milliseconds(seconds)), class_="ended"),
            ]
        )
        begin += seconds
    rows.append([tag("dt", "total"), tag("dd", tag("span", milliseconds(outcome.duration)), class_="total")])
    return tag("dl", rows, class_="phases")
