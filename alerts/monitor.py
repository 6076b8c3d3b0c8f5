"""The monitor itself: agents that are gone, blind, late or out of date, and proof that alerts arrive at all."""

from collections.abc import Iterator

from alerts.identity import CHECK, DEPLOYMENT_DASHBOARD, GAP
from alerts.rule import Alert, Dashboard, Group, Severity
from alerts.thresholds import BLIND_SHARE, MISSED_SHARE, SCHEDULE_DELAY_SECONDS
from alerts.timing import Timing

DASHBOARD = Dashboard("reachd-agent", ("cluster", "instance"))
_ALL_AGENTS = Dashboard("reachd-agent", ("cluster",))
_AGENT = "cluster, job, instance"
_NAME = "Agent {{ $labels.instance }}"
_COMPONENT = {"component": "agent"}


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    alerts = (_blind, _down, _late, _dropping, _rejected, _source_stale, _no_leader, _watchdog)
    yield Group("reachd-agents", "15s", [alert(timing) for alert in alerts])


def _blind(timing: Timing) -> Alert:
    here = "(cluster, deployment)"
    gap = timing(GAP)
    gone = f"""\
last_over_time(probe_interval_seconds{{check!=""}}[{timing("1h")}])
  unless on ({_AGENT}) last_over_time(reachd_build_info[{gap}])"""
    reported = f'last_over_time(probe_interval_seconds{{check!=""}}[{gap}])'
    # A check that has never had a verdict says nothing of the agent: it may lack credentials.
    spoke = f"on ({CHECK}) last_over_time(check:probe_success:max[{timing('1d')}])"
    silent, all_checks = (
        f"count by {here} (probe_state{{{selector}}} and {spoke})"
        for selector in ('check!="",state="unknown"', 'check!=""')
    )
    arms = (
        "absent(reachd_build_info)",
        f"(\n  count by {here} (\n  {gone}\n  )\n  unless on {here} {reported}\n)",
        f"{silent}\n  / {all_checks} > {BLIND_SHARE}",
    )
    return Alert(
        "ReachdMonitorBlind",
        Severity.CRITICAL,
        "\nor ".join(arms),
        hold="3m",
        keep="1m",
        summary="Nothing watches a deployment any more: no agent reports, or none of its checks has a verdict.",
        description=(
            "{{ if $labels.deployment }}Deployment {{ $labels.deployment }} is not watched.{{ else }}"
            "No agent of reachd is scraped.{{ end }} Until this is mended, silence means nothing."
        ),
        dashboard=DEPLOYMENT_DASHBOARD,
        labels=_COMPONENT,
    )


def _down(timing: Timing) -> Alert:
    known = f"on ({_AGENT}) last_over_time(reachd_build_info[{timing('1d')}])"
    return Alert(
        "ReachdAgentDown",
        Severity.WARNING,
        f"max by ({_AGENT}, node) (up) == 0\nand {known}",
        # Later than ReachdMonitorBlind, which suppresses it: where the only agent is gone, a page says so.
        hold="5m",
        summary="An agent is not answered by the address that it is scraped at.",
        description=f"{_NAME} does not answer to Prometheus.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _late(timing: Timing) -> Alert:
    window = timing("10m")
    delay = f"sum by ({_AGENT}, le) (rate(reachd_schedule_delay_seconds_bucket[{window}]))"
    missed = f"sum by ({_AGENT}) (increase(reachd_slots_missed_total[{window}]))"
    runs = f'sum by ({_AGENT}) (increase(probe_runs_total{{check!=""}}[{window}]))'
    return Alert(
        "ReachdAgentLate",
        Severity.WARNING,
        f"histogram_quantile(0.99, {delay}) > {SCHEDULE_DELAY_SECONDS:g}\nor {missed} > {MISSED_SHARE} * {runs}",
        hold="10m",
        summary="An agent starts its runs late or not at all, so it has too much to do or too little to do it with.",
        description=f"{_NAME} is late.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _dropping(timing: Timing) -> Alert:
    return Alert(
        "ReachdAgentDropping",
        Severity.WARNING,
        f"sum by ({_AGENT}, sink) (increase(reachd_sink_dropped_total[{timing('10m')}])) > 0",
        hold="10m",
        summary="An agent drops what it should hand on, because its receiver is slow or gone.",
        description=f"{_NAME} drops what is meant for {{{{ $labels.sink }}}}; metrics and alerts are not affected.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _rejected(timing: Timing) -> Alert:
    return Alert(
        "ReachdConfigRejected",
        Severity.WARNING,
        f"min by ({_AGENT}) (reachd_config_last_reload_successful) == 0",
        hold="5m",
        summary="An agent has rejected its new configuration and goes on with the old one.",
        description=f"{_NAME} does not use the configuration that is on disk.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _source_stale(timing: Timing) -> Alert:
    # `static` is the configuration itself, which is read once and cannot become stale.
    last = 'max by (cluster, source) (reachd_source_last_success_timestamp_seconds{source!="static"})'
    return Alert(
        "ReachdSourceStale",
        Severity.WARNING,
        f"time() - {last} > {timing.seconds('5m')}",
        hold="1m",
        summary="A source of checks or objects cannot be asked, so what is known from it is old.",
        description="{{ $labels.source }} was last asked with success {{ $value | humanizeDuration }} ago.",
        dashboard=_ALL_AGENTS,
        labels=_COMPONENT,
    )


def _no_leader(timing: Timing) -> Alert:
    return Alert(
        "ReachdNoLeader",
        Severity.WARNING,
        f"max by (cluster, lease) (last_over_time(reachd_leading[{timing(GAP)}])) == 0\n"
        "or sum by (cluster, lease) (reachd_leading) > 1",
        hold="2m",
        summary="Of the agents that elect an observer none leads, or several do.",
        description="{{ $value }} agents lead by the lease {{ $labels.lease }}; it has to be one.",
        dashboard=_ALL_AGENTS,
        labels=_COMPONENT,
    )


def _watchdog(timing: Timing) -> Alert:
    return Alert(
        "ReachdWatchdog",
        Severity.NONE,
        "vector(1)",
        hold="",
        summary="This alert always fires: when it stops to arrive, alerts do not arrive.",
        description="A dead man's switch outside of the cluster raises the alarm when it has not heard of this alert.",
        dashboard=Dashboard("reachd-overview"),
        labels=_COMPONENT,
    )
