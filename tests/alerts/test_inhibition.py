"""What suppresses what, told by a real Alertmanager of alerts that are posted to it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import yaml

from alerts.alertmanager import document
from alerts.timing import Timing
from tests.agent.support import Json
from tests.live.chain import with_webhooks
from tests.servers.process import Server, wait_until
from tests.servers.run import alertmanager

pytestmark = pytest.mark.servers("alertmanager")

Labels = dict[str, str]

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_NOBODY = "http://127.0.0.1:1"
_WITHIN = 10.0
_CONTROL = {"alertname": "Control", "cluster": "control"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """An Alertmanager with the generated routes and inhibition, whose notifications reach nobody."""
    with alertmanager(yaml.safe_dump(with_webhooks(document(Timing()), _NOBODY))) as running:
        yield running


def alert(name: str, severity: str, component: str, check: str = "", kind: str = "", /, **labels: str) -> Labels:
    """The labels of an alert about the deployment `prod`, unless `labels` say otherwise."""
    of_check = {"check": check, "kind": kind, "deployment": "prod"} if check else {}
    found = {"alertname": name, "severity": severity, "component": component, **of_check, **labels}
    return {name: value for name, value in found.items() if value}


_TLS = ("tls-handshake", "tls")
_TCP = ("tcp-port", "tcp")
_DNS = ("dns-name", "dns")
_MONITOR = ("broker-monitor", "nats_monitor")
_HTTP = ("http-page", "http")
_BROKER = alert("ReachdBrokerDown", "critical", "broker", "broker-client", "nats")
_BLIND = alert("ReachdMonitorBlind", "critical", "agent", deployment="prod")
_NOT_READY = alert("ReachdNodeNotReady", "critical", "node", node="one")


@pytest.mark.parametrize(
    ("source", "suppressed"),
    [
        pytest.param(
            alert("ReachdCheckDown", "critical", "server", "server-live", "healthz"),
            [
                alert("ReachdCheckDown", "warning", "server", "node-port-server", "healthz"),
                alert("ReachdChecklistUnmet", "info", "server", "checklist-tracing", "checklist"),
            ],
            id="critical over warning and information of one component",
        ),
        pytest.param(
            alert("ReachdAdapterDown", "warning", "adapter", "adapter-istio", "grpc"),
            [alert("ReachdUnknown", "info", "adapter", "adapter-linkerd", "grpc")],
            id="warning over information of one component",
        ),
        pytest.param(
            alert("ReachdCheckDown", "warning", "broker", *_MONITOR),
            [
                alert(
                    "ReachdBrokerClientMissing", "warning", "broker", "broker-monitor", "nats_monitor", name="meshsync"
                ),
                alert("ReachdErrorBudgetBurn", "warning", "broker", "broker-monitor", "nats_monitor", long="1h"),
                alert("ReachdFlapping", "warning", "broker", "broker-monitor", "nats_monitor"),
            ],
            id="down over all else of one check",
        ),
        pytest.param(
            alert("ReachdCheckDown", "critical", "server", *_DNS),
            [
                alert("ReachdCheckDown", "critical", "server", *_TCP),
                alert("ReachdCheckDown", "critical", "server", *_TLS),
                alert("ReachdCheckDown", "critical", "server", *_HTTP),
                alert("ReachdPartlyDown", "warning", "server", *_HTTP),
            ],
            id="names over ports, TLS and applications",
        ),
        pytest.param(
            alert("ReachdCheckDown", "critical", "server", *_TCP),
            [
                alert("ReachdCheckDown", "critical", "server", *_TLS),
                alert("ReachdCheckDown", "critical", "server", *_HTTP),
            ],
            id="ports over TLS and applications",
        ),
        pytest.param(
            alert("ReachdCheckDown", "critical", "server", *_TLS),
            [alert("ReachdCheckDown", "critical", "server", *_HTTP)],
            id="TLS over applications",
        ),
        pytest.param(
            _BROKER,
            [
                alert("ReachdCheckDown", "warning", "cluster", "cluster-east-diagnostics", "http"),
                alert("ReachdCheckDown", "warning", "meshsync", "cluster-east-meshsync-status", "http"),
            ],
            id="the Broker over the Server's view of it",
        ),
        pytest.param(
            _NOT_READY,
            [
                alert("ReachdPodNotRunning", "warning", "workload", node="one", namespace="meshery", pod="meshery-1"),
                alert("ReachdPodRestarting", "warning", "workload", node="one", namespace="meshery", pod="meshery-1"),
                alert("ReachdAgentDown", "warning", "agent", node="one", instance="10.0.0.1:9886"),
                alert("ReachdNodePressure", "warning", "node", node="one", condition="MemoryPressure"),
            ],
            id="a node over what runs on it",
        ),
        pytest.param(
            alert("ReachdAgentDown", "warning", "agent", instance="10.0.0.1:9886"),
            [
                alert("ReachdStale", "warning", "server", "server-live", "healthz"),
                alert("ReachdVanished", "warning", "server", "server-ready", "healthz"),
                alert("ReachdUnknown", "warning", "ui", "ui-external", "http"),
            ],
            id="an agent over what it does not tell",
        ),
        pytest.param(
            _BLIND,
            [
                alert("ReachdAgentDown", "warning", "agent", instance="10.0.0.1:9886"),
                alert("ReachdStale", "warning", "server", "server-live", "healthz"),
                alert("ReachdVanished", "warning", "server", "server-ready", "healthz"),
                alert("ReachdUnknown", "warning", "ui", "ui-external", "http"),
            ],
            id="a blind monitor over its agents and what they do not tell",
        ),
        pytest.param(
            alert("ReachdMonitorBlind", "critical", "agent"),
            [alert("ReachdMonitorBlind", "critical", "agent", deployment="prod")],
            id="no agent at all over each deployment",
        ),
        pytest.param(
            alert("ReachdCheckDown", "critical", "ui", "ui-external", "http"),
            [alert("ReachdTrafficErrors", "warning", "traffic", code="503")],
            id="the user interface over the traffic that it has",
        ),
    ],
)
def test_what_is_explained_is_suppressed(server: Server, source: Labels, suppressed: list[Labels]) -> None:
    assert _suppressed(server, [source, *suppressed]) == suppressed


@pytest.mark.parametrize(
    "alerts",
    [
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "server", "server-live", "healthz"),
                alert("ReachdCheckDown", "warning", "operator", "operator-health", "healthz"),
                alert("ReachdWebSocketDown", "critical", "websocket", "websocket-upgrade", "websocket"),
            ],
            id="two components",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "server", "server-live", "healthz"),
                alert("ReachdCheckDown", "warning", "server", "node-port-server", "healthz", deployment="staging"),
            ],
            id="two deployments",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "custom", *_HTTP),
                alert("ReachdCheckDown", "warning", "custom", *_TCP),
                alert("ReachdCheckDown", "info", "custom", *_DNS),
            ],
            id="checks of one's own of several severities",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "custom", *_DNS),
                alert("ReachdCheckDown", "critical", "custom", *_TCP),
                alert("ReachdCheckDown", "critical", "custom", *_HTTP),
            ],
            id="layers of checks of one's own, which may be about anything",
        ),
        pytest.param(
            [
                _BROKER,
                alert("ReachdCheckDown", "warning", "cluster", "cluster-east-ping", "http"),
            ],
            id="the Broker over what does not need it",
        ),
        pytest.param(
            [
                _NOT_READY,
                alert("ReachdNodeNotReady", "critical", "node", node="two"),
                alert("ReachdPodNotRunning", "warning", "workload", node="three", namespace="meshery", pod="meshery-2"),
            ],
            id="nodes over each other, and over what runs elsewhere",
        ),
        pytest.param(
            [_BLIND, alert("ReachdStale", "warning", "server", "server-live", "healthz", deployment="staging")],
            id="a blind monitor over another deployment",
        ),
    ],
)
def test_what_is_not_explained_stays(server: Server, alerts: list[Labels]) -> None:
    assert _suppressed(server, alerts) == []


def test_another_cluster_is_another_matter(server: Server) -> None:
    down = alert("ReachdCheckDown", "critical", "server", "server-live", "healthz", cluster="east")
    lesser = alert("ReachdCheckDown", "warning", "server", "node-port-server", "healthz")
    assert _suppressed(server, [down, {**lesser, "cluster": "west"}]) == []
    assert _suppressed(server, [down, {**lesser, "cluster": "east"}]) == [{**lesser, "cluster": "east"}]


def _suppressed(server: Server, alerts: Sequence[Labels]) -> list[Labels]:
    """Those of the alerts that are suppressed while all of them fire; afterwards none fires any more."""
    # What is posted last is seen last: once one of these suppresses the other, all of the rest has been seen.
    control = [
        {"alertname": "Control", "severity": severity, "cluster": "control"} for severity in ("critical", "warning")
    ]
    _post(server, [*alerts, *control])
    try:
        wait_until(lambda: control[1] in _inhibited(server), _WITHIN, "the last alert is suppressed")
        inhibited = _inhibited(server)
        return [labels for labels in alerts if labels in inhibited]
    finally:
        _post(server, [*alerts, *control], endsAt=datetime.now(UTC).isoformat())
        wait_until(lambda: not _ask(server, active=True), _WITHIN, "no alert is left")


def _post(server: Server, alerts: Sequence[Labels], **times: str) -> None:
    body = json.dumps([{"labels": labels, **times} for labels in alerts]).encode()
    request = urllib.request.Request(f"{server.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with _DIRECTLY.open(request, timeout=_WITHIN):
        pass


def _inhibited(server: Server) -> list[Labels]:
    return [found["labels"] for found in _ask(server) if found["status"]["inhibitedBy"]]


def _ask(server: Server, **filters: bool) -> list[Json]:
    query = urlencode({name: str(value).lower() for name, value in filters.items()})
    with _DIRECTLY.open(f"{server.url}/api/v2/alerts?{query}", timeout=_WITHIN) as answer:
        found: list[Json] = json.load(answer)
        return found
