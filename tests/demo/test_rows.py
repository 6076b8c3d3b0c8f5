"""Every row of the Meshery profile is up against a healthy deployment."""

from __future__ import annotations

import pytest

from agent.demo.simulation import Simulation
from agent.profiles.catalogue import catalogue
from tests.demo.conftest import REAL, STAND_IN
from tests.demo.observation import failures, observe, plan_from

FROM_THE_DEMO = {
    "server-live",
    "server-ready",
    "server-api",
    "session",
    "session-external",
    "server-version",
    "ui-external",
    "websocket-upgrade",
    "websocket-direct",
    "websocket-idle",
    "sse-providers",
    "sse-events",
    "callback",
    "broker-client",
    "broker-monitor",
    "broker-routing",
    "broker-leafnode",
    "broker-gateway",
    "broker-exporter",
    "meshsync-live",
    "meshsync-ready",
    "operator-metrics",
    "operator-reconciles-meshsync",
    "operator-health",
    "operator-ready",
    "provider",
    "provider-capabilities",
    "adapter-istio",
    "adapter-linkerd",
    "adapter-cilium",
    "adapter-istio-ping",
    "adapter-linkerd-ping",
    "adapter-cilium-ping",
    "perf",
    "cluster-east-api",
    "cluster-east-ping",
    "cluster-east-operator-status",
    "cluster-east-meshsync-status",
    "cluster-east-broker-status",
    "cluster-east-diagnostics",
    "cluster-east-broker-endpoint",
    "checklist-api",
    "checklist-server-probes",
    "checklist-upgrade-values",
    "checklist-server-replicas",
    "checklist-server-spread",
    "checklist-autoscaling",
    "checklist-server-memory",
    "checklist-broker-memory",
    "checklist-remote-provider",
    "checklist-callback-url",
    "checklist-tracing",
    "checklist-load-balancer",
    "checklist-ingress",
    "checklist-proxy-timeouts",
    "checklist-session-affinity",
    "checklist-network-policy",
    "checklist-operator",
    "checklist-broker-ready",
    "checklist-meshsync-ready",
    "checklist-control-plane",
    "checklist-recovery-drill",
    "checklist-config-repository",
    "node-port-server",
    "node-port-broker-client",
    "node-port-broker-monitor",
    "node-port-broker-routing",
    "node-port-broker-exporter",
    "node-port-broker-leafnode",
    "node-port-broker-gateway",
}
"""Rows that the demo's agent tests from where it stands, but for that of the registry, whose name has its address."""

FROM_ELSEWHERE = {
    "adapter": {"adapter-registration"},
    "meshsync": {"meshsync-broker-client", "meshsync-broker-monitor", "meshsync-kubernetes-api"},
    "operator": {"operator-kubernetes-api", "operator-broker-client", "operator-broker-monitor"},
}
"""Rows by the only place from which they can be tested."""


@pytest.mark.parametrize("simulation", [STAND_IN, REAL], indirect=True)
async def test_every_row_that_the_demo_can_test_is_up(simulation: Simulation) -> None:
    plan = plan_from(simulation)
    outcomes = await observe(plan.checks)
    assert failures(plan.checks, outcomes) == {}
    registry = f"egress-{simulation.registry.place.host.replace('.', '-')}"
    assert set(outcomes) == FROM_THE_DEMO | {registry}
    assert {row.name for row in plan.untestable} == set().union(*FROM_ELSEWHERE.values())


@pytest.mark.parametrize("vantage", FROM_ELSEWHERE)
async def test_every_row_of_another_place_is_up_from_there(simulation: Simulation, vantage: str) -> None:
    plan = plan_from(simulation, vantage)
    outcomes = await observe(plan.checks)
    assert failures(plan.checks, outcomes) == {}
    assert set(outcomes) >= FROM_ELSEWHERE[vantage]


async def test_the_rows_of_a_node_are_up(simulation: Simulation) -> None:
    plan = plan_from(simulation, "node")
    outcomes = await observe(plan.checks)
    assert failures(plan.checks, outcomes) == {}
    assert {"server-live", "broker-client", "adapter-istio", "operator-health", "node-port-server"} <= set(outcomes)


async def test_the_tables_name_every_row_of_the_catalogue() -> None:
    items = {"adapters": "istio", "clusters": "east", "egress": "registry"}
    rows = {row.id.replace("{each.name}", items.get(row.for_each, "")) for row in catalogue("meshery").rows}
    assert rows == {"egress-registry"} | FROM_THE_DEMO.difference(
        name for name in FROM_THE_DEMO if "linkerd" in name or "cilium" in name
    ).union(*FROM_ELSEWHERE.values())
