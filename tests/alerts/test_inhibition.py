"""What suppresses what, told by a real Alertmanager of alerts that are posted to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.alerts.posted import Labels, alert, alertmanager_of_ours, posted, suppressed
from tests.profiles.support import checks, deployment
from tests.servers.process import Server

pytestmark = pytest.mark.servers("alertmanager")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One Alertmanager for all cases."""
    with alertmanager_of_ours() as running:
        yield running


_TLS = ("tls-handshake", "tls")
_TCP = ("tcp-port", "tcp")
_DNS = ("dns-name", "dns")
_MONITOR = ("broker-monitor", "nats_monitor")
_HTTP = ("http-page", "http")
_BROKER = alert("ReachdBrokerDown", "critical", "broker", "broker-client", "nats")
_BLIND = alert("ReachdMonitorBlind", "critical", "agent", deployment="prod")
_NOT_READY = alert("ReachdNodeNotReady", "critical", "node", node="one")


@pytest.mark.parametrize(
    ("source", "explained"),
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
            alert("ReachdCheckDown", "critical", "server", *_DNS),
            [alert("ReachdCheckDown", "critical", "server", *_TLS)],
            id="names over TLS alone",
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
                alert("ReachdVanished", "warning", "server", "server-ready", "healthz"),
            ],
            id="an agent over the checks that it made",
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
            alert("ReachdMonitorBlind", "critical", "agent"),
            [alert("ReachdMonitorBlind", "critical", "agent", deployment="prod", cluster="east")],
            id="no agent of any cluster over the deployments of each",
        ),
        pytest.param(
            alert("ReachdMonitorBlind", "critical", "agent", cluster="east"),
            [alert("ReachdMonitorBlind", "critical", "agent", deployment="prod", cluster="east")],
            id="no agent in a cluster over its deployments",
        ),
        pytest.param(
            alert("ReachdCheckDown", "critical", "ui", "ui-external", "http"),
            [alert("ReachdTrafficErrors", "warning", "traffic", code="503")],
            id="the user interface over the traffic that it has",
        ),
    ],
)
def test_what_is_explained_is_suppressed(server: Server, source: Labels, explained: list[Labels]) -> None:
    assert _suppressed(server, [source, *explained]) == explained


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
        pytest.param(
            [
                alert("ReachdMonitorBlind", "critical", "agent", cluster="west"),
                alert("ReachdMonitorBlind", "critical", "agent", deployment="prod", cluster="east"),
                alert("ReachdMonitorBlind", "critical", "agent", deployment="prod"),
                alert("ReachdStale", "warning", "server", "server-live", "healthz", cluster="north"),
            ],
            id="no agent in a cluster over other clusters",
        ),
        pytest.param(
            [
                alert("ReachdAgentDown", "warning", "agent", instance="10.0.0.1:9886"),
                alert("ReachdStale", "warning", "server", "server-live", "healthz"),
                alert("ReachdUnknown", "warning", "ui", "ui-external", "http"),
            ],
            id="an agent over what others tell",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "ui", "ui-external", "http", deployment="staging"),
                alert("ReachdErrorBudgetBurn", "critical", "traffic", namespace="prod", service="meshery", long="1h"),
            ],
            id="the user interface over a page about traffic, which may be of another deployment",
        ),
        pytest.param(
            [
                alert("ReachdBrokerDown", "warning", "broker", "broker-client", "nats"),
                alert("ReachdCheckDown", "warning", "meshsync", "cluster-east-meshsync-status", "http"),
            ],
            id="a ticket about the Broker over the Server's view of it",
        ),
        pytest.param(
            [
                alert("ReachdBrokerDown", "critical", "broker", "node-port-broker-client", "nats"),
                alert("ReachdCheckDown", "warning", "meshsync", "cluster-east-meshsync-status", "http"),
            ],
            id="a NodePort of the Broker, which the Server does not take, over its view of it",
        ),
    ],
)
def test_what_is_not_explained_stays(server: Server, alerts: list[Labels]) -> None:
    assert _suppressed(server, alerts) == []


_CLOSED = [name for name, it in checks(deployment()).items() if getattr(it.settings, "expect_closed", False)]


def test_open_ports_that_have_to_be_closed_explain_nothing(server: Server) -> None:
    exposed = [alert("ReachdCheckDown", "critical", "broker", name, "tcp") for name in _CLOSED]
    assert exposed
    assert _suppressed(server, [*exposed, _BROKER]) == []


def test_another_cluster_is_another_matter(server: Server) -> None:
    down = alert("ReachdCheckDown", "critical", "server", "server-live", "healthz", cluster="east")
    lesser = alert("ReachdCheckDown", "warning", "server", "node-port-server", "healthz")
    assert _suppressed(server, [down, {**lesser, "cluster": "west"}]) == []
    assert _suppressed(server, [down, {**lesser, "cluster": "east"}]) == [{**lesser, "cluster": "east"}]


def _suppressed(server: Server, alerts: Sequence[Labels]) -> list[Labels]:
    """Those of the alerts that are suppressed while all of them fire."""
    with posted(server, alerts):
        found = suppressed(server)
    return [labels for labels in alerts if labels in found]
