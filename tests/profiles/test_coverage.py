"""Every row of Meshery's documents is a row of the profile: on its port, and from its own source."""

from __future__ import annotations

import pytest

from agent.core.check import Vantage
from agent.probes._settings import ProbeSettings
from agent.profiles.catalogue import catalogue
from tests.profiles.support import KNOWN_ADAPTERS, checks, deployment

# Component and port of "Network ports" in the networking document, and the rows that watch it.
PORTS_TABLE = [
    ("9081/tcp", {"server-live", "server-ready", "server-api", "server-version"}, 9081),
    ("80/tcp, which is the ingress's", {"websocket-upgrade", "websocket-idle"}, 443),
    ("4222/tcp", {"broker-client"}, 4222),
    ("8222/tcp", {"broker-monitor"}, 8222),
    ("6222/tcp", {"broker-routing"}, 6222),
    ("7422/tcp", {"broker-leafnode"}, 7422),
    ("7522/tcp", {"broker-gateway"}, 7522),
    ("7777/tcp", {"broker-exporter"}, 7777),
    ("443/tcp", {"provider", "provider-capabilities"}, 443),
    ("10013/gRPC", {"perf"}, 10013),
    ("10006/gRPC", {"adapter-traefik-mesh"}, 10006),
    ("10010/gRPC", {"adapter-nginx-sm"}, 10010),
    ("10004/gRPC", {"adapter-nsm"}, 10004),
    ("10001/gRPC", {"adapter-linkerd"}, 10001),
    ("10007/gRPC", {"adapter-kuma"}, 10007),
    ("10000/gRPC", {"adapter-istio"}, 10000),
    ("10002/gRPC", {"adapter-consul"}, 10002),
    ("10012/gRPC", {"adapter-cilium"}, 10012),
    ("10005/gRPC", {"adapter-app-mesh"}, 10005),
    ("10011/gRPC", {"adapter-tanzu"}, 10011),
    ("8443/tcp", {"operator-metrics"}, 8443),
]

# Source of "Directional traffic flows", its vantage, and the rows.
DIRECTION_TABLE = [
    ("clients to Server", "client", {"ui-external", "websocket-upgrade", "websocket-idle", "callback"}),
    ("Server to managed clusters", "server", {"cluster-east-api"}),
    ("Server to Broker", "server", {"broker-client"}),
    ("Server to Remote Provider", "server", {"provider", "provider-capabilities"}),
    ("Server to adapters", "server", {f"adapter-{name}" for name in KNOWN_ADAPTERS}),
    ("operations to Broker", "operations", {"broker-monitor"}),
    ("Server to registries and content sources", "server", {"egress-registry-example-com"}),
    ("MeshSync to Broker", "meshsync", {"meshsync-broker-client", "meshsync-broker-monitor"}),
    ("MeshSync to the API", "meshsync", {"meshsync-kubernetes-api"}),
    ("Operator to the API", "operator", {"operator-kubernetes-api"}),
    ("Operator to Broker", "operator", {"operator-broker-client", "operator-broker-monitor"}),
    ("adapters to Server", "adapter", {"adapter-registration"}),
]

# The list of open ports in the production document.
PRODUCTION_PORTS = {
    4222: "broker-client",
    31214: "node-port-broker-client",
    6222: "broker-routing",
    30315: "node-port-broker-routing",
    8222: "broker-monitor",
    30791: "node-port-broker-monitor",
    7777: "broker-exporter",
    30400: "node-port-broker-exporter",
    7422: "broker-leafnode",
    32493: "node-port-broker-leafnode",
    7522: "broker-gateway",
    30337: "node-port-broker-gateway",
    10000: "adapter-istio",
    9081: "server-live",
    30806: "node-port-server",
    443: "ui-external",
    10005: "adapter-app-mesh",
    10002: "adapter-consul",
    10012: "adapter-cilium",
    10001: "adapter-linkerd",
    10007: "adapter-kuma",
    10010: "adapter-nginx-sm",
    10013: "perf",
    10004: "adapter-nsm",
    10011: "adapter-tanzu",
    10006: "adapter-traefik-mesh",
}


def _port(name: str) -> int:
    settings = checks(deployment())[name].settings
    assert isinstance(settings, ProbeSettings)
    return settings.endpoint().port


@pytest.mark.parametrize(("line", "names", "port"), PORTS_TABLE, ids=[line for line, _, _ in PORTS_TABLE])
def test_every_line_of_the_ports_table_is_watched(line: str, names: set[str], port: int) -> None:
    assert {name: _port(name) for name in names} == dict.fromkeys(names, port)


@pytest.mark.parametrize(("line", "vantage", "names"), DIRECTION_TABLE, ids=[line for line, _, _ in DIRECTION_TABLE])
def test_every_direction_is_tested_from_its_own_source(line: str, vantage: str, names: set[str]) -> None:
    found = checks(deployment(), vantage)
    assert names <= set(found)
    assert {found[name].vantage for name in names} == {vantage}


@pytest.mark.parametrize(("port", "name"), PRODUCTION_PORTS.items())
def test_every_open_port_of_the_production_document_is_watched(port: int, name: str) -> None:
    assert _port(name) == port


def test_without_tls_the_external_url_and_its_websocket_are_on_port_80() -> None:
    found = checks(deployment({"external_url": "http://meshery.example.com"}))
    assert found["ui-external"].path.port == found["websocket-upgrade"].path.port == "80/tcp"


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_every_health_endpoint_of_the_server_is_watched(path: str) -> None:
    assert [check.name for check in checks(deployment()).values() if check.target.endswith(f":9081{path}")]


def test_rows_of_services_with_a_rate_limit_run_seldom_and_once() -> None:
    limited = {row.id for row in catalogue("meshery").rows if row.once_per_deployment}
    assert limited == {"server-version", "sse-providers", "callback", "provider-capabilities", "egress-{each.name}"}
    for row in catalogue("meshery").rows:
        if row.once_per_deployment:
            assert row.lowest_every is not None
            assert (row.every or 0) >= row.lowest_every >= 30
            assert Vantage.NODE not in row.vantages, "there is one agent on each node"


def test_every_step_of_mesheryctl_system_check_is_covered_or_no_connection() -> None:
    steps = catalogue("meshery").comparison
    assert [int(step.step.split()[0]) for step in steps] == list(range(1, 12))
    assert all(step.rows or step.remark for step in steps)


def test_a_slow_health_endpoint_hides_nothing_but_its_twin() -> None:
    """It is slow where the Server's way out is, and everything else answers meanwhile."""
    rows = catalogue("meshery").rows
    assert {row.id for row in rows if "server-live" in row.depends_on} == {"server-ready"}
    assert catalogue("meshery").row("server-api").depends_on == ()
