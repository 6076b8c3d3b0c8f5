"""What the person on call reads: annotations in full, at least one alert of each kind of description."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_plus

import pytest

from alerts.pack import alerts
from tests.alerts.all_cases import BATCHES
from tests.alerts.case import Batch, Case, told
from tests.alerts.promtool import scene, unit_tests
from tests.alerts.series import labelled
from tests.alerts.watched import Watched

_RUNBOOKS, _GRAFANA = "https://runbooks.example.com/reachd", "https://grafana.example.com/d"
_SUMMARIES = {(alert.name, alert.severity.value): alert.summary for alert in alerts()}

_TWO = Watched("up 2m, down:dns_timeout 1m, down:503")
_NODE = {
    labelled("kube_node_status_condition", node="n1", condition="Ready", status=status): timeline
    for status, timeline in (("true", "1 2m, 0"), ("false", "0"), ("unknown", "0 2m, 1"))
}
_LAST = {"namespace": "meshery", "pod": "meshery-0", "container": "meshery", "reason": "OOMKilled"}
_ALERTS = {case.name: (batch, case) for batch in BATCHES for case in batch.cases}


def _also(title: str, name: str, **series: str) -> tuple[str, tuple[Batch, Case]]:
    """A case that is there already, with series that only descriptions look at."""
    batch, case = _ALERTS[name]
    added = {labelled(metric, **_LAST): timeline for metric, timeline in series.items()}
    return title, (batch, replace(case, name=title, series={**case.series, **added}))


def _checks(name: str, *watched: Watched, fires: str, since: str) -> tuple[str, tuple[Batch, Case]]:
    firing = [told(fires, "warning" if fires == "ReachdPartlyDown" else "critical", watched[0], since)]
    return name, (Batch("annotations", ["reachd-checks"], since, []), Case(name, watched, firing=firing))


_ALERTS |= dict(
    [
        _checks(
            "two vantages",
            _TWO,
            Watched("up 3m, down", vantage="client", instance="agent-1"),
            fires="ReachdCheckDown",
            since="5m",
        ),
        _checks(
            "one vantage of two",
            _TWO,
            Watched("up", vantage="client", instance="agent-1"),
            fires="ReachdPartlyDown",
            since="7m",
        ),
        _also("out of memory", "pod: restarted twice", kube_pod_container_status_last_terminated_reason="1"),
    ]
)
_ALERTS["lost node"] = (
    _ALERTS["node: no node"][0],
    replace(_ALERTS["node: not Ready for three minutes"][1], name="lost node", series=_NODE),
)

_SUBJECT = "server-live, component server of deployment prod"
_TARGET = " Liveness, at http://server-live.example:8080/."
_CHECK = "reachd-check?var-cluster={cluster}&var-deployment=prod&var-check=server-live"
_DEPLOYMENT = "reachd-deployment?var-cluster={cluster}&var-deployment=prod"
_BROKER = "reachd-broker?var-cluster={cluster}&var-deployment=prod"
_CERTIFICATES = "reachd-certificates?var-cluster={cluster}&var-deployment=prod"
_NODES = "reachd-kubernetes?var-cluster={cluster}&var-node=n1"
_PODS = "reachd-kubernetes?var-cluster={cluster}&var-namespace=meshery"
_AGENT = "reachd-agent?var-cluster={cluster}&var-instance=agent-0"
_AGENTS = "reachd-agent?var-cluster={cluster}"


class Read(NamedTuple):
    """What is read of an alert by the name of its case, and the dashboard that its link opens."""

    case: str
    alert: str
    description: str
    dashboard: str


_READ = [
    Read(
        "two vantages",
        "ReachdCheckDown",
        f"{_SUBJECT}, was down for at least two minutes.{_TARGET} Now down for 2 of the agents."
        " From vantage client: connect_refused in phase connect, to blame: target."
        " From vantage server: server_error in phase response, to blame: target."
        " HTTP status 503. Since 1970-01-01 00:02:00 +0000 UTC.",
        _CHECK,
    ),
    Read(
        "one vantage of two",
        "ReachdPartlyDown",
        f"{_SUBJECT}, was down from some places for at least five minutes.{_TARGET}"
        " Now down for 1 of the agents. Now up for 1 of the agents."
        " From vantage server: server_error in phase response, to blame: target."
        " Since 1970-01-01 00:02:00 +0000 UTC.",
        _CHECK,
    ),
    Read(
        "flapping: each run fails, each re-check succeeds",
        "ReachdFlapping",
        f"{_SUBJECT}, fails again and again.{_TARGET} Reason of late: connect_refused.",
        _CHECK,
    ),
    Read(
        "unknown: no verdict for a quarter of an hour",
        "ReachdUnknown",
        f"{_SUBJECT}, has no verdict from anywhere.{_TARGET} Reason of late: overloaded.",
        _CHECK,
    ),
    Read(
        "stale: not run for over three intervals", "ReachdStale", f"{_SUBJECT}, ran last 2m 15s ago.{_TARGET}", _CHECK
    ),
    Read(
        "vanished: gone for five minutes",
        "ReachdVanished",
        f"{_SUBJECT}, is not made any more. This alert ends an hour after the check did.",
        _DEPLOYMENT,
    ),
    Read(
        "slow: most runs take longer than the objective",
        "ReachdSlow",
        f"{_SUBJECT}, is slow. The objective is 500ms.{_TARGET}",
        _CHECK,
    ),
    Read(
        "errors: 500 again and again",
        "ReachdHttpErrors",
        f"{_SUBJECT}, was answered 500 in 38.3% of its runs of the last ten minutes.{_TARGET}",
        _CHECK,
    ),
    Read(
        "certificate: the Broker's own, by what it announces",
        "ReachdCertificateExpiry",
        "broker-monitor, component broker of deployment prod: "
        "the first certificate of the chain to expire does so in 23h 0m 0s.",
        _CERTIFICATES,
    ),
    Read(
        "certificate: expired",
        "ReachdCertificateExpiry",
        "ui-tls, component ui of deployment prod: the first certificate of the chain to expire has expired.",
        _CERTIFICATES,
    ),
    Read(
        "burn in six hours, page: one run in eleven fails",
        "ReachdErrorBudgetBurn",
        f"{_SUBJECT}, failed in 8.327% of the runs of the last 6h, "
        f"which is over 6 times what its objective allows.{_TARGET}",
        _CHECK,
    ),
    Read(
        "traffic: burns the budget, 15 % of requests fail",
        "ReachdErrorBudgetBurn",
        "Service meshery/meshery failed 15.84% of the requests of the last hour.",
        _PODS,
    ),
    Read(
        "broker: MeshSync is not connected for three minutes",
        "ReachdBrokerClientMissing",
        "The Broker of deployment prod has no client called meshsync.",
        _BROKER,
    ),
    Read(
        "broker: a slow consumer is cut off",
        "ReachdBrokerSlowConsumers",
        "The Broker of deployment prod has cut off 1 clients in the last quarter of an hour.",
        _BROKER,
    ),
    Read(
        "broker: two starts within an hour",
        "ReachdBrokerRestarted",
        "The Broker of deployment prod has started 2 times in the last hour.",
        _BROKER,
    ),
    Read(
        "broker: close to a limit",
        "ReachdBrokerNearLimit",
        "The Broker of deployment prod is short of connections.",
        _BROKER,
    ),
    Read("broker: shuts down", "ReachdBrokerShuttingDown", "The Broker of deployment prod is shutting down.", _BROKER),
    Read("lost node", "ReachdNodeNotReady", "Node n1 is not Ready. Its condition Ready is unknown.", _NODES),
    Read(
        "pressure: short of memory for five minutes",
        "ReachdNodePressure",
        "Node n1 has the condition MemoryPressure.",
        _NODES,
    ),
    Read("node near its limit: 91 %", "ReachdNearLimit", "Node n1 uses 91% of the memory for pods.", _NODES),
    Read(
        "near its limit: 91 %",
        "ReachdNearLimit",
        "Container meshery of pod meshery/meshery-0 uses 91% of its limit of memory.",
        _PODS,
    ),
    Read(
        "out of memory",
        "ReachdPodRestarting",
        "Container meshery of pod meshery/meshery-0 has restarted 2 times in the last quarter of an hour."
        " It ended before with OOMKilled.",
        _PODS,
    ),
    Read(
        "pod: crash loop",
        "ReachdPodNotRunning",
        "Pod meshery/meshery-0 has not been running for ten minutes. Container meshery waits: CrashLoopBackOff.",
        _PODS,
    ),
    Read(
        "workload: one of two pods for ten minutes",
        "ReachdWorkloadUnavailable",
        "meshery/meshery has 1 pods too few.",
        _PODS,
    ),
    Read(
        "unusual: more than one and a half times, and far out",
        "ReachdAbnormalUsage",
        "Container meshery of pod meshery/meshery-0 uses unusually much memory.",
        _PODS,
    ),
    Read(
        "blind: the agent has no verdict on any check, and is to blame",
        "ReachdMonitorBlind",
        "Deployment prod is not watched. Until this is mended, silence means nothing.",
        _DEPLOYMENT,
    ),
    Read(
        "no agent is scraped at all",
        "ReachdMonitorBlind",
        "No agent of reachd is scraped. Until this is mended, silence means nothing.",
        "reachd-deployment?var-cluster=&var-deployment=",
    ),
    Read(
        "agent: not answered for five minutes",
        "ReachdAgentDown",
        "Agent agent-0 does not answer to Prometheus, or only now and then.",
        _AGENT,
    ),
    Read("agent: two slots in a hundred are missed", "ReachdAgentLate", "Agent agent-0 is late.", _AGENT),
    Read(
        "agent: drops traces for ten minutes",
        "ReachdAgentDropping",
        "Agent agent-0 drops what is meant for traces; metrics and alerts are not affected.",
        _AGENT,
    ),
    Read(
        "agent: rejects its configuration",
        "ReachdConfigRejected",
        "Agent agent-0 does not use the configuration that is on disk.",
        _AGENT,
    ),
    Read(
        "source: not asked with success for five minutes",
        "ReachdSourceStale",
        "Agent agent-0 last had an answer of kubernetes 6m 30s ago.",
        _AGENT,
    ),
    Read(
        "leader: none",
        "ReachdNoLeader",
        "0 agents lead by the lease meshery/reachd; it has to be one.",
        _AGENTS,
    ),
    Read(
        "traffic: 6 % of requests are answered 502",
        "ReachdTrafficErrors",
        "Service meshery/meshery answers 502 to 6% of requests.",
        _PODS,
    ),
    Read(
        "traffic: one request in ten is slower than the objective",
        "ReachdTrafficSlow",
        "Service meshery/meshery takes 750ms for one request in twenty.",
        _PODS,
    ),
    Read(
        "traffic: stops", "ReachdTrafficStopped", "Service meshery/meshery has had no request for ten minutes.", _PODS
    ),
]


@pytest.mark.slow
@pytest.mark.servers("promtool")
@pytest.mark.parametrize("read", _READ, ids=[f"{read.alert}-{number}" for number, read in enumerate(_READ)])
def test_annotations_say_what_is_wrong_where(read: Read, tmp_path: Path) -> None:
    batch, case = _ALERTS[read.case]
    firing = next(it for it in case.firing if it.labels["alertname"] == read.alert)
    cluster = case.cluster or ""
    labels = {name: value for name, value in firing.labels.items() if name != "alertname"}
    annotations = {
        "summary": _SUMMARIES[read.alert, labels["severity"]],
        "description": read.description,
        "runbook_url": f"{_RUNBOOKS}/{read.alert}.md",
        "dashboard_url": f"{_GRAFANA}/{read.dashboard.format(cluster=quote_plus(cluster))}",
    }
    expected = {"exp_labels": {**labels, **({"cluster": cluster} if cluster else {})}, "exp_annotations": annotations}
    question = {"eval_time": firing.since, "alertname": read.alert, "exp_alerts": [expected]}
    here = replace(batch, until=firing.since)
    said = unit_tests("promtool", here, tmp_path, [{**scene(here, [case]), "alert_rule_test": [question]}])
    assert not said, said


def test_every_alert_but_variants_is_read() -> None:
    variants = {"ReachdBrokerDown", "ReachdWebSocketDown", "ReachdProviderDown", "ReachdCallbackDown"}
    variants |= {"ReachdAdapterDown", "ReachdAttestationStale", "ReachdChecklistUnmet", "ReachdPortExposed"}
    assert {alert.name for alert in alerts()} - variants - {read.alert for read in _READ} == {"ReachdWatchdog"}
