"""Checks of which nobody can say how they are: they change too often, say nothing, or are not run."""

from collections.abc import Iterator

from alerts.down import of_severity, unblocked
from alerts.identity import CHECK, CHECK_DASHBOARD, DEPLOYMENT_DASHBOARD, GAP, ID, ONE, SUBJECT, TARGET, each, increase
from alerts.rule import Alert, Group, Severity
from alerts.thresholds import CHANGES_OF_STATE, FAILURES_AT_LEAST, INTERMITTENT_SHARE, MISSED_INTERVALS
from alerts.timing import Timing


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    yield Group("reachd-verdicts", "30s", [_flapping(timing), *_unknown(timing), _stale(), _vanished(timing)])


def _reasons(timing: Timing) -> str:
    """A piece of a description: why runs did not succeed of late."""
    increase = f"increase(probe_failure_reasons_total{{CHECK}}[{timing('1h')}])"
    return each(f"topk(3, sum by (reason) ({increase}) > 0)", " Reason of late: {{ .Labels.reason }}.", "reason")


def _flapping(timing: Timing) -> Alert:
    quarter = timing("15m")

    failed, runs = increase("probe_failures_total", quarter), increase("probe_runs_total", quarter)
    # A page about the budget says the same. It also ends sooner, and must not leave a ticket behind.
    burning = 'alertname="ReachdErrorBudgetBurn",severity="critical",alertstate="firing"'
    paged = f"max_over_time(ALERTS{{{burning}}}[{quarter}])"
    return Alert(
        "ReachdFlapping",
        Severity.WARNING,
        f"""\
{failed} >= {FAILURES_AT_LEAST}
and (
  max by ({ID}) (changes(probe_state_since_timestamp_seconds{{check!=""}}[{quarter}])) >= {CHANGES_OF_STATE}
  or (
    {failed} > {INTERMITTENT_SHARE} * {runs}
    unless max by ({ID}) (max_over_time(probe_state{{check!="",state="down"}}[{quarter}]))
  )
)
{of_severity("page|ticket")}
{unblocked(timing, "15m")}
unless on ({CHECK}) {paged}""",
        hold="5m",
        keep="15m",
        summary="A check keeps failing and succeeding, and is never down for long.",
        description=f"{SUBJECT}, fails again and again.{TARGET}{_reasons(timing)}",
        dashboard=CHECK_DASHBOARD,
    )


def _unknown(timing: Timing) -> Iterator[Alert]:
    gap = timing(GAP)
    silent = f"""\
max by ({ID}) (last_over_time(probe_state{{check!="",state="unknown"}}[{gap}]))
unless on ({CHECK}) probe_state{{check!="",state!="unknown"}}"""
    # By counters, from the agent's start on: a day of samples of every check would be a costly question.
    lost = f"""\
on ({CHECK}) (
  last_over_time(probe_runs_total{{check!=""}}[{gap}]) - last_over_time(probe_inconclusive_total[{gap}]) > 0
  {of_severity("page|ticket")}
)"""
    description = f"{SUBJECT}, has no verdict from anywhere.{TARGET}{_reasons(timing)}"
    for severity, clause, summary in (
        (Severity.WARNING, f"and {lost}", "A check has lost its verdict: nobody knows whether the target is up."),
        (Severity.INFO, f"unless {lost}", "A check gets no verdict, and may need credentials to get one."),
    ):
        yield Alert(
            "ReachdUnknown",
            severity,
            f"{silent}\n{clause}",
            hold="15m",
            summary=summary,
            description=description,
            dashboard=CHECK_DASHBOARD,
        )


def _stale() -> Alert:
    # How old it was when it was scraped: a check may be run far more often than Prometheus looks.
    last = 'probe_last_run_timestamp_seconds{check!=""}'
    return Alert(
        "ReachdStale",
        Severity.WARNING,
        f"""\
max by ({ID}) (
  timestamp({last}) - {last} > {MISSED_INTERVALS} * probe_interval_seconds
  unless {ONE} probe_state{{state="blocked"}}
)""",
        hold="1m",
        keep="30s",  # over one scrape that fails
        summary="A check is not run, so what is known of it is old.",
        description=f"{SUBJECT}, ran last {{{{ $value | humanizeDuration }}}} ago.{TARGET}",
        dashboard=CHECK_DASHBOARD,
    )


def _vanished(timing: Timing) -> Alert:
    hour, gap = timing("1h"), timing(GAP)
    loaded = "max by (cluster) (reachd_config_last_reload_success_timestamp_seconds)"
    return Alert(
        "ReachdVanished",
        Severity.WARNING,
        f"""\
count by ({ID}) (last_over_time(probe_interval_seconds{{check!=""}}[{hour}]))
unless on ({CHECK}) last_over_time(probe_interval_seconds[{gap}])
and on (cluster, deployment) last_over_time(probe_interval_seconds[{gap}])
unless on (cluster) time() - {loaded} < {timing.seconds("1h")}""",
        hold="5m",
        summary="A check is gone though no configuration was loaded that leaves it out.",
        description=f"{SUBJECT}, is not made any more. This alert ends an hour after the check did.",
        dashboard=DEPLOYMENT_DASHBOARD,
    )
