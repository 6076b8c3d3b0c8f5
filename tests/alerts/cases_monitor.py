"""The monitor itself: agents that are gone, blind, late or out of date."""

from collections.abc import Mapping

from tests.alerts.case import Batch, Case, Firing, Shape
from tests.alerts.series import labelled
from tests.alerts.watched import Watched

_BLIND, _DOWN = "ReachdMonitorBlind/critical/agent", "ReachdAgentDown/warning/agent"
_LATE, _DROPPING = "ReachdAgentLate/warning/agent", "ReachdAgentDropping/warning/agent"
_REJECTED, _SOURCE = "ReachdConfigRejected/warning/agent", "ReachdSourceStale/warning/agent"
_LEADER = "ReachdNoLeader/warning/agent"
_A, _B = {"job": "reachd", "instance": "agent-0"}, {"job": "reachd", "instance": "agent-1"}


def _agent(timeline: str = "1", by: Mapping[str, str] = _A) -> dict[str, str]:
    """What says that an agent is there."""
    return {labelled("reachd_build_info", version="1", **by): timeline}


def _fires(name: str, since: str, until: str = "", severity: str = "warning", **labels: str) -> Firing:
    return Firing({"alertname": name, "severity": severity, "component": "agent", **labels}, since, until)


def _blind(since: str, until: str = "", **labels: str) -> Firing:
    return _fires("ReachdMonitorBlind", since, until, "critical", **labels)


def _one(
    runs: str,
    check: str = "server-live",
    instance: str = "agent-0",
    deployment: str = "prod",
    vantage: str = "server",
) -> Watched:
    return Watched(runs, check=check, instance=instance, deployment=deployment, vantage=vantage, every=20)


_LEAVING = [_one("up 6m, gone", deployment="staging"), _one("up 6m, gone")]
_BLIND_CASES = [
    Case(
        "blind: the only agent of a deployment is gone",
        [_one("up 2m, gone")],
        _agent("1 2m, gone"),
        firing=[_blind("6m20s", deployment="prod")],
        of=_BLIND,
        shape=Shape.STALE,
    ),
    Case(
        "blind: it is back in time",
        [_one("up 2m, gone 4m, up")],
        _agent("1 2m, gone 4m, 1"),
        of=_BLIND,
        shape=Shape.SPARED,
    ),
    Case(
        "blind: one of two agents is gone",
        [_one("up 2m, gone"), _one("up", instance="agent-1")],
        {**_agent("1 2m, gone"), **_agent(by=_B)},
    ),
    Case("blind: the deployment was removed by configuration", [_one("up 2m, removed")], _agent()),
    Case("blind: there never was a check", series=_agent(), of=_BLIND, shape=Shape.NO_DATA),
    Case(
        "blind: Prometheus finds the only agent anew under another address",
        [_one("up 2m, gone"), _one("gone 3m, up", instance="agent-1")],
        {**_agent("1 2m, gone"), **_agent("gone 3m, 1", _B)},
    ),
    *(
        Case(
            f"blind: a deployment is taken out, and the agent anew under another address {when}",
            [*_LEAVING, _one(f"gone {until}, up", instance="agent-1")],
            {**_agent("1 6m, gone"), **_agent(f"gone {until}, 1", _B)},
        )
        for when, until in (("soon after", "6m20s"), ("before the old one ends", "5m"))
    ),
    *(
        Case(
            f"blind: an agent is gone, and {which}, watches a part of the same",
            [*_LEAVING, other],
            {**_agent("1 6m, gone"), **_agent(by=_B)},
            firing=[_blind("10m20s", deployment="staging")],
        )
        for which, other in (
            ("another, which was there before", _one("up", instance="agent-1")),
            ("a new one, from elsewhere", _one("gone 6m20s, up", instance="agent-1", vantage="client")),
        )
    ),
]
_BLIND_FOR_LONG = Case(
    "blind: an agent is gone, and another, which was there before, has another address much later",
    [
        *_LEAVING,
        _one("up 20m, gone", instance="agent-1"),
        _one("gone 20m, up", instance="agent-2"),
    ],
    {
        **_agent("1 6m, gone"),
        **_agent("1 20m, gone", _B),
        **_agent("gone 20m, 1", {**_B, "instance": "agent-2"}),
    },
    firing=[_blind("10m20s", deployment="staging")],
)
_INTERVAL = labelled("probe_interval_seconds", deployment="prod", check="server-live", **_A)
_NOW_OF_EAST = {
    _INTERVAL: "15 2m, gone",
    labelled("probe_interval_seconds", deployment="prod", check="server-live", cluster="east", **_A): "gone 2m, 15",
    labelled("reachd_build_info", version="1", **_A): "1 2m, gone",
    labelled("reachd_build_info", version="1", cluster="east", **_A): "gone 2m, 1",
    labelled("reachd_leading", lease="meshery/reachd", **_A): "1 2m, gone",
    labelled("reachd_leading", lease="meshery/reachd", cluster="east", **_A): "gone 2m, 1",
    labelled("reachd_source_last_success_timestamp_seconds", source="kubernetes", **_A): "now 2m, gone",
    labelled("reachd_source_last_success_timestamp_seconds", source="kubernetes", cluster="east", **_A): "gone 2m, now",
}
_LABELLED = Case("blind: Prometheus gives the only agent a label cluster", series=_NOW_OF_EAST, clustered=False)
_LOST = [_one("up 2m, unknown", check=f"c{number}") for number in range(9)]
_VERDICT_CASES = [
    Case(
        "blind: the agent has no verdict on any check, and is to blame",
        [_one("up 2m, unknown")],
        _agent(),
        firing=[_blind("5m20s", deployment="prod")],
        of=_BLIND,
        shape=Shape.FIRES,
    ),
    Case(
        "blind: the agent has no verdict, and once does not answer",
        [_one("up 2m, unknown 2m, unanswered 20s, unknown")],
        _agent("1 4m, gone 20s, 1"),
        firing=[_blind("5m20s", deployment="prod")],
    ),
    Case(
        "blind: until there is a verdict again",
        [_one("up 2m, unknown 6m, up")],
        _agent(),
        firing=[_blind("5m20s", "9m", deployment="prod")],
    ),
    Case("blind: nine of ten checks have no verdict", [*_LOST, _one("up", check="c9")], _agent()),
    Case("blind: no check has a verdict, and nobody is to blame", [_one("up 2m, mute")], _agent()),
    Case("blind: all checks are blocked by what they depend on", [_one("up 2m, blocked")], _agent()),
]


def _up(timeline: str, by: Mapping[str, str] = _A) -> dict[str, str]:
    return {labelled("up", node="n1", **by): timeline}


def _counted(metric: str, timeline: str, **labels: str) -> dict[str, str]:
    return {labelled(metric, **_A, **labels): timeline}


def _delays(slow: str, runs: str = "+100") -> dict[str, str]:
    """Runs each half minute, of which some start within one second and all others within ten."""
    return {
        **_counted("reachd_schedule_delay_seconds_bucket", slow, le="1"),
        **_counted("reachd_schedule_delay_seconds_bucket", runs, le="10"),
        **_counted("reachd_schedule_delay_seconds_bucket", runs, le="+Inf"),
    }


def _missed(timeline: str, runs: str = "+100") -> dict[str, str]:
    return _counted("reachd_slots_missed_total", timeline) | _counted("probe_runs_total", runs, check="c")


def _watches(deployment: str, timeline: str, by: Mapping[str, str] = _A) -> dict[str, str]:
    """An agent that is there and answers as long as it watches the deployment, and is asked on."""
    interval = labelled("probe_interval_seconds", deployment=deployment, check="server-live", vantage="server", **by)
    return {interval: timeline, **_agent(timeline, by), **_up(timeline.replace("gone", "0"), by)}


_AT_SEVEN = _fires("ReachdAgentDown", "7m", node="n1", **_A)
_IS_LATE = _fires("ReachdAgentLate", "10m30s", **_A)
_DROPS = _fires("ReachdAgentDropping", "12m", sink="traces", **_A)
_LEASE = {"lease": "meshery/reachd"}
_SUCCESS = "reachd_source_last_success_timestamp_seconds"
_SEEN_BY_A = {labelled(_SUCCESS, source="kubernetes/nodes", **_A): "now 2m, gone"}

_BLIND_AGENT_CASES = [
    Case(
        "agent: not answered, and nobody watches its deployment, which is told",
        series=_watches("prod", "1 2m, gone"),
        firing=[_blind("6m20s", deployment="prod")],
    ),
    Case(
        "agent: not answered, and nobody watches another deployment than its own",
        series={
            **_watches("staging", "1 2m, gone"),
            **_watches("prod", "1 2m, gone", _B),
            **_watches("prod", "1", {**_B, "instance": "agent-2"}),
        },
        firing=[_blind("6m20s", deployment="staging"), _fires("ReachdAgentDown", "7m", node="n1", **_B)],
    ),
    Case(
        "agent: nobody watches its deployment, which is told, and it was the one that led",
        series={
            **_watches("prod", "1 2m, gone"),
            labelled("reachd_leading", **_LEASE, **_A): "1 2m, gone",
            **_watches("staging", "1", _B),
        },
        firing=[_blind("6m20s", deployment="prod")],
    ),
    Case(
        "late: the agent has no verdict on any check, which is told",
        [_one("up 2m, unknown")],
        {**_agent(), **_delays("+98")},
        firing=[_blind("5m20s", deployment="prod")],
    ),
]
_AGENT_CASES = [
    Case(
        "agent: not answered for five minutes",
        series={**_agent("1 2m, gone"), **_up("1 2m, 0")},
        firing=[_AT_SEVEN],
        of=_DOWN,
        shape=Shape.FIRES,
    ),
    Case(
        "agent: answers once in two minutes, as one that is slow or ends again and again",
        series={**_agent("gone*3/1"), **_up("0*3/1")},
        firing=[_fires("ReachdAgentDown", "9m", node="n1", **_A)],
    ),
    Case("agent: answers every second time", series={**_agent("1/gone"), **_up("1/0")}),
    Case(
        "agent: answers once in two minutes, until it is taken from the targets",
        series={**_agent("gone*3/1 8m, gone"), **_up("0*3/1 8m, gone")},
    ),
    Case(
        "agent: answered at five minutes",
        series={**_agent("1 2m, gone 5m, 1"), **_up("1 2m, 0 5m, 1")},
        of=_DOWN,
        shape=Shape.SPARED,
    ),
    Case("agent: another program is not answered", series=_up("0")),
    Case("agent: not scraped at all", series=_agent("1 2m, gone"), of=_DOWN, shape=Shape.NO_DATA),
    Case(
        "agent: taken from the targets while pending",
        series={**_agent("1 2m, gone"), **_up("1 2m, 0 2m, gone")},
        of=_DOWN,
        shape=Shape.STALE,
    ),
    Case(
        "agent: two runs in a hundred start late", series=_delays("+98"), firing=[_IS_LATE], of=_LATE, shape=Shape.FIRES
    ),
    Case("agent: two slots in a hundred are missed", series=_missed("+2"), firing=[_IS_LATE]),
    Case("agent: one run in two hundred starts late", series=_delays("+100/+99"), of=_LATE, shape=Shape.SPARED),
    Case("agent: one slot in a hundred is missed", series=_missed("+1")),
    Case("agent: one moment in which slots are missed", series=_missed("+0 2m, +50 30s, +0")),
    Case("agent: nothing to start", series=_agent(), of=_LATE, shape=Shape.NO_DATA),
    Case("agent: late, and gone", series=_delays("+98 1m, gone", "+100 1m, gone"), of=_LATE, shape=Shape.STALE),
    Case(
        "agent: drops traces for ten minutes",
        series=_counted("reachd_sink_dropped_total", "+0 2m, +1", sink="traces"),
        firing=[_DROPS],
        of=_DROPPING,
        shape=Shape.FIRES,
    ),
    Case(
        "agent: drops traces once",
        series=_counted("reachd_sink_dropped_total", "+0 2m, +9 30s, +0", sink="traces"),
        of=_DROPPING,
        shape=Shape.SPARED,
    ),
    Case("agent: no sink", series=_agent(), of=_DROPPING, shape=Shape.NO_DATA),
    Case(
        "agent: drops traces, and gone",
        series=_counted("reachd_sink_dropped_total", "+0 2m, +1 30s, gone", sink="traces"),
        of=_DROPPING,
        shape=Shape.STALE,
    ),
    Case(
        "agent: rejects its configuration",
        series=_counted("reachd_config_last_reload_successful", "1 2m, 0"),
        firing=[_fires("ReachdConfigRejected", "7m", **_A)],
        of=_REJECTED,
        shape=Shape.FIRES,
    ),
    Case(
        "agent: rejects its configuration, and once does not answer",
        series=_counted("reachd_config_last_reload_successful", "1 2m, 0 2m, gone 30s, 0"),
        firing=[_fires("ReachdConfigRejected", "7m", **_A)],
    ),
    Case(
        "agent: takes it after five minutes",
        series=_counted("reachd_config_last_reload_successful", "1 2m, 0 5m, 1"),
        of=_REJECTED,
        shape=Shape.SPARED,
    ),
    Case("agent: no configuration is known", series=_agent(), of=_REJECTED, shape=Shape.NO_DATA),
    Case(
        "agent: rejects its configuration, and gone",
        series=_counted("reachd_config_last_reload_successful", "1 2m, 0 2m, gone"),
        of=_REJECTED,
        shape=Shape.STALE,
    ),
    Case(
        "source: not asked with success for five minutes",
        series=_counted("reachd_source_last_success_timestamp_seconds", "now 2m, same", source="kubernetes"),
        firing=[_fires("ReachdSourceStale", "8m", source="kubernetes", **_A)],
        of=_SOURCE,
        shape=Shape.FIRES,
    ),
    Case(
        "source: its agent once does not answer",
        series=_counted(_SUCCESS, "now 2m, same 10m, gone 30s, same", source="kubernetes"),
        firing=[_fires("ReachdSourceStale", "8m", source="kubernetes", **_A)],
    ),
    Case(
        "source: asked just in time",
        series=_counted("reachd_source_last_success_timestamp_seconds", "now 2m, same 5m30s, now", source="kubernetes"),
        of=_SOURCE,
        shape=Shape.SPARED,
    ),
    Case(
        "source: files, which are read when they change",
        series=_counted("reachd_source_last_success_timestamp_seconds", "0", source="files"),
    ),
    Case(
        "source: the configuration itself",
        series=_counted("reachd_source_last_success_timestamp_seconds", "-9999", source="static"),
    ),
    Case("source: none", series=_agent(), of=_SOURCE, shape=Shape.NO_DATA),
    Case(
        "source: its agent is gone, and others remain",
        series={**_SEEN_BY_A, **_agent("1 2m, gone"), **_agent(by=_B)},
        firing=[_fires("ReachdSourceStale", "8m", source="kubernetes/nodes", **_A)],
    ),
    Case(
        "source: its agent is gone, and another one takes over",
        series={
            **_SEEN_BY_A,
            **_agent("1 2m, gone"),
            **_agent("gone 4m, 1", _B),
            labelled(_SUCCESS, source="kubernetes/nodes", **_B): "gone 4m, now",
        },
    ),
    Case(
        "source: its agent was elected, and is gone",
        series={
            **_SEEN_BY_A,
            **_agent("1 2m, gone"),
            **_agent(by=_B),
            labelled("reachd_leading", **_LEASE, **_A): "1 2m, gone",
        },
        firing=[_fires("ReachdNoLeader", "8m30s", **_LEASE)],
    ),
    Case(
        "source: gone by configuration",
        series={**_agent(), **_counted(_SUCCESS, "now 2m, same 5m, gone", source="kubernetes")},
        of=_SOURCE,
        shape=Shape.STALE,
    ),
    Case(
        "leader: none",
        series={labelled("reachd_leading", **_LEASE, **_A): "1 2m, 0", labelled("reachd_leading", **_LEASE, **_B): "0"},
        firing=[_fires("ReachdNoLeader", "4m", **_LEASE)],
        of=_LEADER,
        shape=Shape.FIRES,
    ),
    Case(
        "leader: two",
        series={labelled("reachd_leading", **_LEASE, **_A): "1", labelled("reachd_leading", **_LEASE, **_B): "0 2m, 1"},
        firing=[_fires("ReachdNoLeader", "4m", **_LEASE)],
    ),
    Case(
        "leader: another one within two minutes",
        series={
            labelled("reachd_leading", **_LEASE, **_A): "1 2m, gone",
            labelled("reachd_leading", **_LEASE, **_B): "0 4m, 1",
        },
        of=_LEADER,
        shape=Shape.SPARED,
    ),
    Case(
        "leader: the one that led is gone, and only agents that do not elect remain",
        series={labelled("reachd_leading", **_LEASE, **_A): "1 2m, gone", **_agent(by=_B)},
        firing=[_fires("ReachdNoLeader", "8m30s", **_LEASE)],
    ),
    Case(
        "leader: one, scraped by two jobs",
        series={labelled("reachd_leading", **_LEASE, **{**_A, "job": job}): "1" for job in ("reachd", "pods")},
    ),
    Case("leader: nobody elects", series=_agent(), of=_LEADER, shape=Shape.NO_DATA),
    Case(
        "leader: the last agent is gone",
        series={labelled("reachd_leading", **_LEASE, **_A): "0 30s, gone"},
        of=_LEADER,
        shape=Shape.STALE,
    ),
]

_FILES = ["reachd-checks", "reachd-agent"]
_METRICS = [
    "probe_success",
    "probe_state",
    "probe_interval_seconds",
    "probe_target_info",
    "probe_failure_reasons_total",
]
_SOURCES = [
    Case(
        "source: files, not read for half an hour",
        series=_counted("reachd_source_last_success_timestamp_seconds", "0", source="files"),
        firing=[_fires("ReachdSourceStale", "32m", source="files", **_A)],
    )
]
BATCHES = [
    Batch("sources", ["reachd-agent"], "33m", [Case("sources: an agent", series=_agent()), *_SOURCES], step=60),
    Batch("blind-for-long", _FILES, "30m", [_BLIND_FOR_LONG], step=20, metrics=_METRICS),
    Batch("agents", ["reachd-agent"], "13m", [*_AGENT_CASES, Case("agents: there is one", series=_agent())]),
    Batch(
        "blind",
        _FILES,
        "13m",
        [*_BLIND_CASES, _LABELLED, *_VERDICT_CASES, *_BLIND_AGENT_CASES],
        step=20,
        metrics=_METRICS,
    ),
]
