"""The monitor itself: agents that are gone, blind, late or out of date, and proof that alerts arrive at all."""

from collections.abc import Iterator

from agent.core.reasons import Blame, Reason
from alerts.identity import CHECK, DEPLOYMENT_DASHBOARD, GAP
from alerts.rule import Alert, Dashboard, Group, Recording, Severity
from alerts.thresholds import ANSWERED_SHARE, BLIND_SHARE, CHANGES_OF_STATE, MISSED_SHARE, SCHEDULE_DELAY_SECONDS
from alerts.timing import Timing

DASHBOARD = Dashboard("reachd-agent", ("cluster", "instance"))
_ALL_AGENTS = Dashboard("reachd-agent", ("cluster",))
_AGENT = "cluster, job, instance"
_NAME = "Agent {{ $labels.instance }}"
_COMPONENT = {"component": "agent"}
_SAME = "cluster, job, deployment, vantage"
"""What an agent has in common with the one that follows it under another address."""
_WATCHING = "agent:probe_watching_timestamp_seconds:max"
"""When each agent was last seen to watch a deployment from a vantage."""
_FOLLOWED = "agent:probe_watching_timestamp_seconds:followed"
"""When an agent was last seen to watch that another one has followed, by what it watched."""


def groups(timing: Timing) -> Iterator[Group]:
    """The rules."""
    alerts = (_blind, _down, _late, _dropping, _rejected, _source_stale, _no_leader, _watchdog)
    yield Group("reachd-agents", "15s", [_watching(), _followed(timing), *(alert(timing) for alert in alerts)])


def _watching() -> Recording:
    # Few series, so that rules can look back for a day.
    seen = 'timestamp(probe_interval_seconds{check!=""})'
    return Recording(_WATCHING, f"max by ({_AGENT}, deployment, vantage) ({seen})")


def _unless_there(timing: Timing) -> str:
    """The clause that drops agents that are scraped, those that had no label `cluster` before and have one now, too."""
    there = f"last_over_time(reachd_build_info[{timing(GAP)}])"
    return f"unless on ({_AGENT}) {there}\n    unless on ({_AGENT}) max by (job, instance) ({there})"


def _followed(timing: Timing) -> Recording:
    """Agents that ended a few minutes ago and that another one has followed.

    A pod that restarts with a new configuration has another address. It begins to watch, about when the old one ends,
    some of the same from the same vantage. An agent that has long been there beside the old one has not followed it,
    nor has one that begins much later.
    """
    here = f"last_over_time({_WATCHING}[{timing(GAP)}])"
    ended = f"last_over_time({_WATCHING}[{timing('10m')}])\n  unless on ({_AGENT}) {here}"
    began = f"max by ({_SAME}) (min_over_time({_WATCHING}[{timing('1d')}]) and {here})"
    return Recording(_FOLLOWED, f"(\n  {ended}\n)\n< on ({_SAME}) group_left () {began} + {timing.seconds('5m')}")


def _unless_followed(timing: Timing) -> str:
    """The clause that drops agents that another one has followed: what it does not watch was taken out on purpose."""
    day = timing("1d")
    return f"""\
unless on ({_AGENT}) (
      last_over_time({_WATCHING}[{day}])
      == on ({_AGENT}, deployment, vantage) last_over_time({_FOLLOWED}[{day}])
    )"""


def _unless_blind(timing: Timing) -> str:
    """The clause that drops agents that watched what nobody watches any more: of them the page about that tells."""
    blind = 'ALERTS{alertname="ReachdMonitorBlind",alertstate="firing"}'
    return f"""\
unless on ({_AGENT}) (
  last_over_time({_WATCHING}[{timing("1d")}])
  and on (cluster, deployment) {blind}
)"""


def _blind(timing: Timing) -> Alert:
    here = "(cluster, deployment)"
    gap = timing(GAP)
    gone = f"""\
last_over_time({_WATCHING}[{timing("1d")}])
    {_unless_there(timing)}
    {_unless_followed(timing)}"""
    # Only where the agent itself is to blame: a check may lack credentials, or have nothing to say by its nature.
    agent_to_blame = "|".join(reason.value for reason in Reason if reason.blame is Blame.AGENT)
    blamed = f'increase(probe_failure_reasons_total{{check!="",reason=~"{agent_to_blame}"}}[{timing("30m")}]) > 0'
    one = f"on ({CHECK}, vantage, job, instance)"
    silent = f"""\
count by {here} (
  last_over_time(probe_state{{check!="",state="unknown"}}[{gap}])
  unless {one} probe_state{{state!="unknown"}}
  and {one} {blamed}
)"""
    arms = (
        "absent(reachd_build_info)",
        f"(\n  count by {here} (\n    {gone}\n  )\n  unless on {here} last_over_time({_WATCHING}[{gap}])\n)",
        f'{silent}\n  / count by {here} (last_over_time(probe_interval_seconds{{check!=""}}[{gap}])) > {BLIND_SHARE}',
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
    # One that answers once in a while is seen too seldom for what it watches to be judged.
    window = f"up[{timing('15m')}]"
    seldom = f"avg_over_time({window}) < {ANSWERED_SHARE} and changes({window}) >= {CHANGES_OF_STATE} and up"
    return Alert(
        "ReachdAgentDown",
        Severity.WARNING,
        f"""\
(
  max by ({_AGENT}, node) (up) == 0
  or max by ({_AGENT}, node) ({seldom})
)
and {known}
{_unless_blind(timing)}""",
        # Later than ReachdMonitorBlind: where the only agent is gone, a page says so.
        hold="5m",
        summary="An agent is not answered by the address that it is scraped at.",
        description=f"{_NAME} does not answer to Prometheus, or only now and then.",
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
        f"""\
(
  histogram_quantile(0.99, {delay}) > {SCHEDULE_DELAY_SECONDS:g}
  or {missed} > {MISSED_SHARE} * {runs}
)
{_unless_blind(timing)}""",
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
        f"min by ({_AGENT}) (last_over_time(reachd_config_last_reload_successful[{timing(GAP)}])) == 0",
        hold="5m",
        summary="An agent has rejected its new configuration and goes on with the old one.",
        description=f"{_NAME} does not use the configuration that is on disk.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _source_stale(timing: Timing) -> Alert:
    # `static` is the configuration, which is read once. What cannot be watched is asked every ten minutes or sooner.
    success, cluster = "reachd_source_last_success_timestamp_seconds", 'source=~"kubernetes.*"'
    age = f"time() - max by ({_AGENT}, source) ({success}"
    # What watches the cluster may be gone while other agents remain. Of one that is elected ReachdNoLeader tells.
    last = f"max by ({_AGENT}, source) (last_over_time({success}{{{cluster}}}[{timing('1d')}]))"
    gone = f"""\
time() - topk by (cluster, source) (1, {last}) > {timing.seconds("5m")}
    unless on (cluster, source) last_over_time({success}[{timing(GAP)}])
    {_unless_there(timing)}
    unless on (cluster) last_over_time(reachd_leading[{timing("1d")}])"""
    arms = (
        f'{age}{{source!~"static|dns|files"}}) > {timing.seconds("5m")}',
        f'{age}{{source=~"dns|files"}}) > {timing.seconds("30m")}',
        gone,
    )
    return Alert(
        "ReachdSourceStale",
        Severity.WARNING,
        "\nor ".join(arms),
        hold="1m",
        keep="30s",  # over one scrape that fails
        summary="A source of checks or objects cannot be asked, so what is known from it is old.",
        description=f"{_NAME} last had an answer of {{{{ $labels.source }}}} {{{{ $value | humanizeDuration }}}} ago.",
        dashboard=DASHBOARD,
        labels=_COMPONENT,
    )


def _no_leader(timing: Timing) -> Alert:
    now = f"last_over_time(reachd_leading[{timing(GAP)}])"
    led = f"""\
max by (cluster, lease) (
      max_over_time(reachd_leading[{timing("1d")}]) == 1
      {_unless_blind(timing)}
    )"""
    # All that elect are gone, while other agents may remain; but not where they only have a label `cluster` by now.
    # Two jobs may scrape the same agent.
    leaders = "sum by (cluster, lease) (max by (cluster, lease, instance) (reachd_leading))"
    # That nobody watches a deployment is told before.
    lately = f"last_over_time(reachd_leading[{timing('5m')}])"
    renamed = f"max by (lease) ({now})"
    gone = f"0 * ({led})\n    unless on (cluster, lease) {lately}\n    unless on (cluster, lease) {renamed}"
    return Alert(
        "ReachdNoLeader",
        Severity.WARNING,
        f"max by (cluster, lease) ({now}) == 0\nor {leaders} > 1\nor {gone}",
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
