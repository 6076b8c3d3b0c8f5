"""All rules at once: one fault is told once, and what disturbs the monitor itself changes nothing."""

from collections.abc import Sequence
from dataclasses import replace

from tests.alerts.case import Batch, Case, Firing, Labels, told
from tests.alerts.series import labelled
from tests.alerts.watched import Watched

_FILES = ["reachd-checks", "reachd-broker", "reachd-kubernetes", "reachd-agent", "reachd-traffic"]


def _agents(*timelines: str) -> dict[str, str]:
    """That agents are there, and answer."""
    series = {}
    for number, timeline in enumerate(timelines):
        target = {"job": "reachd", "instance": f"agent-{number}"}
        series[labelled("reachd_build_info", version="1", **target)] = timeline
        series[labelled("up", **target)] = timeline.replace("gone", "0")
    return series


def _by_agents(*runs: str) -> Sequence[Watched]:
    """One check as several agents make it, one on each node."""
    return [Watched(run, vantage="node", instance=f"agent-{number}") for number, run in enumerate(runs)]


_ONE = _agents("1")
_DOWN = told("ReachdCheckDown", "critical", Watched(""), "4m")
_BROKER = Watched("up 2m, down", "broker-client", "broker", "nats")
_BLIND: Labels = {"alertname": "ReachdMonitorBlind", "severity": "critical", "component": "agent"}
_HALF = Watched("up 2m, miss/up")
_OUTAGE, _ERRORS = Watched("up 2m, down 10m, up"), Watched("up 2m, down:500 10m, up")

_CASES = [
    Case(
        "weakness 1: a probe that fails every second run",
        [_HALF],
        _ONE,
        firing=[
            told("ReachdErrorBudgetBurn", "critical", _HALF, "5m", long="1h", short="5m"),
            told("ReachdErrorBudgetBurn", "critical", _HALF, "18m", long="6h", short="30m"),
        ],
    ),
    Case(
        "weakness 3: the Broker is down, and whoever exports its metrics answers or not",
        [_BROKER],
        {
            **_ONE,
            labelled("up", job="nats", instance="broker:7777"): "1 10m, 0 5m, gone",
        },
        firing=[told("ReachdBrokerDown", "critical", _BROKER, "4m")],
    ),
    Case(
        "weakness 5: a refused connection is one alert",
        [_OUTAGE],
        _ONE,
        firing=[replace(_DOWN, until="17m")],
    ),
    Case("an outage with answers 500 is one alert", [_ERRORS], _ONE, firing=[replace(_DOWN, until="17m")]),
    Case(
        "an outage seen from some places is one alert",
        _by_agents("up 2m, down 10m, up", "up", "up"),
        _agents("1", "1", "1"),
        firing=[told("ReachdPartlyDown", "warning", Watched(""), "7m", "17m")],
    ),
    Case(
        "two agents of three restart during an outage",
        _by_agents("up 2m, down", "up 2m, down 30s, restart 1m, down", "up 2m, down 1m, restart 1m, down"),
        _agents("1", "1 150s, gone 1m, 1", "1 3m, gone 1m, 1"),
        firing=[_DOWN],
    ),
    Case(
        "the only agent restarts during an outage",
        [Watched("up 2m, down 30s, restart 1m, down")],
        _agents("1 150s, gone 1m, 1"),
        firing=[_DOWN],
    ),
    Case(
        "an agent moves to another node during an outage",
        _by_agents("up 2m, down 1m, gone", "gone 3m, down"),
        _agents("1 3m, gone", "gone 3m, 1") | {labelled("up", job="reachd", instance="agent-0"): "1 3m, gone"},
        firing=[_DOWN],
    ),
    Case(
        "the reason changes during an outage",
        [Watched("up 2m, down:connect_refused 1m, down:dns_timeout 1m, down:503")],
        _ONE,
        firing=[_DOWN],
    ),
    Case(
        "the severity of a check is changed during an outage",
        [Watched("up 2m, down", severity="ticket")],
        _ONE,
        firing=[told("ReachdCheckDown", "warning", Watched(""), "4m")],
    ),
    Case(
        "blackbox_exporter's probes, which have no label check, are not ours",
        series={
            **_ONE,
            labelled("probe_success", job="blackbox", instance="https://a.example"): "0",
            labelled("probe_duration_seconds", job="blackbox", instance="https://a.example"): "9",
            labelled("probe_ssl_earliest_cert_expiry", job="blackbox", instance="https://a.example"): "-1",
            labelled("probe_http_status_code", job="blackbox", instance="https://a.example"): "500",
        },
    ),
    Case(
        "one cluster without a label of its own",
        [Watched("up 2m, down")],
        _ONE,
        firing=[_DOWN],
        clustered=False,
    ),
    Case("all is well", [Watched("up"), Watched("up", "broker-client", "broker", "nats")], _ONE),
    Case("a blip now and then", [Watched("up 2m, blip 15s, up 10m, blip 15s, up")], _ONE),
]

_AFTERWARDS = [
    Case(
        f"hours after an outage of ten minutes, {title}",
        [Watched(f"up 10m, {word} 10m, up", slo=0.999)],
        firing=[told("ReachdCheckDown", "critical", Watched(""), "12m", "25m")],
    )
    for title, word in (("refused", "down"), ("answered 500", "down:500"))
]

_VANISHING = Case(
    "weakness 2: the series of an alert that fires vanish, and the monitor's own alert takes over",
    [Watched("up 2m, down 4m, gone", every=20)],
    _agents("1 6m, gone"),
    firing=[
        replace(_DOWN, until="12m20s"),
        Firing({**_BLIND, "deployment": "prod"}, "10m20s"),
    ],
)
_NOBODY = Case("no agent is scraped at all", firing=[Firing(_BLIND, "3m")], clustered=False)

BATCHES = [
    Batch("together", _FILES, "20m", _CASES, slow=True),
    Batch("vanishing", _FILES, "14m", [_VANISHING], step=20),
    Batch("nobody", _FILES, "4m", [_NOBODY]),
    Batch("afterwards", ["reachd-checks"], "70m", _AFTERWARDS, step=60, slow=True),
    Batch(
        "long-afterwards",
        ["reachd-checks"],
        "11h",
        [
            replace(it, name=f"half a day{it.name[5:]}", watched=[Watched(it.watched[0].runs, every=60)])
            for it in _AFTERWARDS
        ],
        step=60,
        slow=True,
    ),
]
