"""The error budget of each check: the share of runs that may fail in thirty days, and how fast it is being spent.

Windows and factors are those of the SRE workbook. Sums are over all vantages; runs that say nothing do not count.
"""

from collections.abc import Iterator
from typing import NamedTuple

from alerts.down import of_severity, untold
from alerts.identity import CHECK_DASHBOARD, GAP, ID, SUBJECT, TARGET, increase
from alerts.rule import Alert, Group, Recording, Severity
from alerts.thresholds import FAILURES_AT_LEAST
from alerts.timing import Timing

_FAST_WINDOWS = ("5m", "30m", "1h", "2h")
_SLOW_WINDOWS = ("6h", "1d", "3d", "30d")
_EVERYWHERE_WINDOWS = ("5m", "30m", "1h")
"""Those over which the place is looked for that sees the fewest failures."""
_ALL_IN_VAIN = 0.9
"""Factors times the budget of a low objective exceed 1, which no share of failures can: then this is enough."""

SUMMARY = "Failures that are too short to be an outage use up the error budget."
"""The same of checks and of real traffic, as a notification about both has one."""


class Pace(NamedTuple):
    """Spending `factor` times what the objective allows, over `long` and still over `short`."""

    factor: float
    long: str
    short: str
    hold: str


FAST = (Pace(14.4, "1h", "5m", "2m"), Pace(6, "6h", "30m", "15m"))
SLOW = (Pace(3, "1d", "2h", "1h"), Pace(1, "3d", "6h", "3h"))


def groups(timing: Timing) -> Iterator[Group]:
    """The rules. The long windows average over hours that are recorded, so that no query reads a month of samples."""
    yield Group("reachd-budget", "1m", [*_fast_recordings(timing), *_alerts(timing)])
    yield Group("reachd-budget-slow", "5m", list(_slow_recordings(timing)))


def _fast_recordings(timing: Timing) -> Iterator[Recording]:
    latest = f'last_over_time(probe_slo_ratio{{check!=""}}[{timing(GAP)}])'
    yield Recording("check:probe_slo_ratio:min", f"min by ({ID}) ({latest})")
    for window in _FAST_WINDOWS:
        failures, runs = _rates(timing(window))
        yield Recording(f"check:probe_failures:ratio_rate{window}", f"{failures}\n/ ({runs} > 0)")
    for window in _EVERYWHERE_WINDOWS:
        failures, runs, silent = (
            f'rate(probe_{what}_total{{check!=""}}[{timing(window)}])' for what in ("failures", "runs", "inconclusive")
        )
        least = f"min by ({ID}) ({failures} / ({runs} - {silent} > 0))"
        yield Recording(f"check:probe_failures:min_ratio_rate{window}", least)


def _rates(window: str) -> tuple[str, str]:
    def rate(metric: str) -> str:
        return f'sum by ({ID}) (rate({metric}{{check!=""}}[{window}]))'

    return rate("probe_failures_total"), f"({rate('probe_runs_total')} - {rate('probe_inconclusive_total')})"


def _slow_recordings(timing: Timing) -> Iterator[Recording]:
    failures, runs = _rates(timing("1h"))
    yield Recording("check:probe_failures:rate1h", failures)
    yield Recording("check:probe_conclusive_runs:rate1h", runs)
    for window in _SLOW_WINDOWS:
        failed, ran = (
            f"sum_over_time(check:{what}:rate1h[{timing(window)}])"
            for what in ("probe_failures", "probe_conclusive_runs")
        )
        yield Recording(f"check:probe_failures:ratio_rate{window}", f"{failed}\n/ ({ran} > 0)")
    yield Recording(
        "check:probe_error_budget:ratio30d",
        f"1 - check:probe_failures:ratio_rate30d\n/ on ({ID}) (1 - check:probe_slo_ratio:min)",
    )


def _alerts(timing: Timing) -> Iterator[Alert]:
    for pace in FAST:
        yield _burn(timing, pace, Severity.CRITICAL, "page")
        yield _burn(timing, pace, Severity.WARNING, "ticket")
    for pace in SLOW:
        yield _burn(timing, pace, Severity.WARNING, "page|ticket")


def _share(timing: Timing, window: str) -> str:
    """The failed share as it was last recorded: slow windows are recorded as seldom as Prometheus looks back."""
    recorded = f"check:probe_failures:ratio_rate{window}"
    return f"last_over_time({recorded}[{timing('10m')}])" if window in _SLOW_WINDOWS else recorded


def _burn(timing: Timing, pace: Pace, severity: Severity, severities: str) -> Alert:
    limit = f"on ({ID}) clamp_max({pace.factor:g} * (1 - check:probe_slo_ratio:min), {_ALL_IN_VAIN})"
    failed = increase("probe_failures_total", timing(pace.long))
    page = severity is Severity.CRITICAL
    return Alert(
        "ReachdErrorBudgetBurn",
        severity,
        f"""\
{_share(timing, pace.long)} > {limit}
and on ({ID}) {_share(timing, pace.short)} > {limit}
and on ({ID}) {failed} >= {FAILURES_AT_LEAST}
{of_severity(severities)}
{untold(timing, pace.short, despite=_everywhere(timing, pace, limit) if page else "")}""",
        hold=pace.hold,
        # Of what fails for a minute or two every few minutes one page tells, not many.
        keep="10m" if page and pace is FAST[0] else "",
        summary=SUMMARY,
        description=(
            f"{SUBJECT}, failed in {{{{ $value | humanizePercentage }}}} of the runs of the last {pace.long}, "
            f"which is over {pace.factor:g} times what its objective allows.{TARGET}"
        ),
        dashboard=CHECK_DASHBOARD,
        labels={"long": pace.long, "short": pace.short},
    )


def _everywhere(timing: Timing, pace: Pace, limit: str) -> str:
    """Checks whose budget burns from each place by itself: then it is a page although one of the places is down."""
    failed = f'min by ({ID}) (increase(probe_failures_total{{check!=""}}[{timing("1h")}]))'
    return f"""\
check:probe_failures:min_ratio_rate{pace.short} > {limit}
    and on ({ID}) check:probe_failures:min_ratio_rate1h > {limit}
    and on ({ID}) {failed} >= {FAILURES_AT_LEAST}"""
