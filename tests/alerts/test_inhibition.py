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
_ANYWHERE: Labels = {}
_EAST = {"cluster": "east"}
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
            [alert("ReachdSlow", "info", "adapter", "adapter-istio", "grpc")],
            id="warning over information of one adapter",
        ),
        pytest.param(
            alert("ReachdCheckDown", "warning", "meshsync", "meshsync-live", "healthz"),
            [alert("ReachdUnknown", "info", "meshsync", "meshsync-ready", "healthz")],
            id="warning over information of one component",
        ),
        pytest.param(
            alert("ReachdCheckDown", "critical", "cluster", "cluster-east-api", "kube_api"),
            [
                alert("ReachdCheckDown", "warning", "cluster", "cluster-east-ping", "http"),
                alert("ReachdPartlyDown", "warning", "cluster", "cluster-east-diagnostics", "http"),
                alert("ReachdCheckDown", "warning", "cluster", "checklist-api", "kube_api"),
            ],
            id="a cluster over how the Server sees it, and over Meshery's own, which it may be",
        ),
        pytest.param(
            alert("ReachdErrorBudgetBurn", "critical", "traffic", namespace="prod", service="meshery", long="1h"),
            [alert("ReachdTrafficErrors", "warning", "traffic", namespace="prod", service="meshery", code="503")],
            id="a budget that burns over the errors of one service",
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
        *(
            pytest.param(
                alert("ReachdMonitorBlind", "critical", "agent", **source),
                [
                    alert("ReachdAgentDown", "warning", "agent", instance="10.0.0.1:9886", **target),
                    alert("ReachdConfigRejected", "warning", "agent", instance="10.0.0.1:9886", **target),
                ],
                id=f"no agent at all over each agent: {source or 'no label'} over {target or 'no label'}",
            )
            for source, target in ((_ANYWHERE, _ANYWHERE), (_ANYWHERE, _EAST), (_EAST, _EAST))
        ),
        pytest.param(
            _BLIND,
            [
                alert("ReachdStale", "warning", "server", "server-live", "healthz"),
                alert("ReachdVanished", "warning", "server", "server-ready", "healthz"),
                alert("ReachdUnknown", "warning", "ui", "ui-external", "http"),
            ],
            id="a blind monitor over what is not known",
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
                _BLIND,
                alert("ReachdAgentDown", "warning", "agent", instance="10.0.0.1:9886"),
                alert("ReachdConfigRejected", "warning", "agent", instance="10.0.0.1:9886"),
            ],
            id="a blind monitor over agents, which may watch another deployment",
        ),
        *(
            pytest.param(
                [
                    alert("ReachdCheckDown", "critical", component, f"{component}-west{of}", kind),
                    alert("ReachdCheckDown", "warning", component, f"{component}-east{of}", kind),
                    alert("ReachdCertificateExpiry", "warning", component, f"{component}-north{of}", kind),
                    alert("ReachdUnknown", "info", component, f"{component}-south{of}", kind),
                ],
                id=f"targets of the component {component} over each other",
            )
            for component, of, kind in (
                ("cluster", "-api", "kube_api"),
                ("adapter", "", "grpc"),
                ("egress", "", "http"),
            )
        ),
        pytest.param(
            [
                alert("ReachdErrorBudgetBurn", "critical", "traffic", namespace="prod", service="a", long="1h"),
                alert("ReachdTrafficStopped", "warning", "traffic", namespace="prod", service="b"),
            ],
            id="services of one namespace over each other",
        ),
        pytest.param(
            [
                alert("ReachdMonitorBlind", "critical", "agent", cluster="west"),
                alert("ReachdAgentDown", "warning", "agent", instance="10.0.0.1:9886", cluster="north"),
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
