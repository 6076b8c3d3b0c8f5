"""What is told together, by a real Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.alerts.posted import Labels, alert, alertmanager_of_ours, ask, posted
from tests.servers.process import Server

pytestmark = pytest.mark.servers("alertmanager")

_EXPIRY = "ReachdCertificateExpiry"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One Alertmanager for all cases."""
    with alertmanager_of_ours() as running:
        yield running


@pytest.mark.parametrize(
    ("alerts", "groups"),
    [
        pytest.param(
            [
                alert("ReachdBrokerDown", "critical", "broker", "broker-client", "nats"),
                alert("ReachdBrokerDown", "critical", "broker", "cluster-east-broker-endpoint", "broker_endpoint"),
            ],
            [{"broker-client", "cluster-east-broker-endpoint"}],
            id="one page for a component",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "server", "server-live", "healthz"),
                alert("ReachdWebSocketDown", "critical", "websocket", "websocket-upgrade", "websocket"),
                alert("ReachdWebSocketDown", "critical", "websocket", "websocket-upgrade", "websocket", cluster="west"),
            ],
            [{"server-live"}, {"websocket-upgrade"}, {"websocket-upgrade"}],
            id="a page for each component of each cluster",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "custom", "docs-site", "http"),
                alert("ReachdCheckDown", "critical", "custom", "mail", "tcp"),
            ],
            [{"docs-site"}, {"mail"}],
            id="a page for each check of one's own",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "critical", "cluster", "cluster-east-api", "kube_api"),
                alert("ReachdCheckDown", "critical", "cluster", "cluster-west-api", "kube_api"),
            ],
            [{"cluster-east-api"}, {"cluster-west-api"}],
            id="a page for each managed cluster",
        ),
        pytest.param(
            [
                alert("ReachdNodeNotReady", "critical", "node", node="one"),
                alert("ReachdNodeNotReady", "critical", "node", node="two"),
                alert("ReachdNodeNotReady", "critical", "node", node="one", cluster="west"),
            ],
            [{"one"}, {"two"}, {"one"}],
            id="a page for each node",
        ),
        pytest.param(
            [
                alert("ReachdCheckDown", "info", "broker", "broker-routing", "tcp"),
                alert("ReachdChecklistUnmet", "info", "server", "checklist-tracing", "checklist"),
            ],
            [{"broker-routing", "checklist-tracing"}],
            id="information of a deployment together",
        ),
        pytest.param(
            [
                alert(_EXPIRY, "warning", "ui", "ui-external", "http"),
                alert(_EXPIRY, "warning", "websocket", "websocket-upgrade", "websocket"),
            ],
            [{"ui-external", "websocket-upgrade"}],
            id="one ticket for a certificate that several checks see",
        ),
    ],
)
def test_what_is_told_together(server: Server, alerts: list[Labels], groups: list[set[str]]) -> None:
    with posted(server, alerts):
        groups_found = ask(server, "alerts/groups")
    found = [
        [alert["labels"].get("check") or alert["labels"].get("node", "") for alert in group["alerts"]]
        for group in groups_found
    ]
    assert sorted(sorted(checks) for checks in found if any(checks)) == sorted(map(sorted, groups))
