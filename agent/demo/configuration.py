"""The configuration with which a real agent watches the simulated deployment: what an operator would write."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from agent.demo.meshery_server import RELEASE
from agent.demo.sessions import REMOTE_PROVIDER
from agent.demo.simulation import ADAPTERS, Simulation

FILE_NAME = "reachd.yaml"
DEPLOYMENT = "demo"
CONNECTION = "3f2a3a4e-6a0c-4c39-9a30-5d1f6a0f2b11"
"""Meshery's id of its connection to the managed cluster."""
_VANTAGES = ("server", "client", "operations")
_CLUSTER = "east"
_SINCE_DRILL = timedelta(days=20)
_SOONER = {
    "websocket-direct": "5s",
    "sse-events": "10s",
    "session": "3s",
    "session-external": "3s",
    "callback": "60s",
    "operator-metrics": "5s",
    "operator-reconciles-meshsync": "5s",
    "provider": "15s",
    "node-port-server": "5s",
    "node-port-broker-client": "5s",
    "node-port-broker-monitor": "5s",
    **{f"cluster-{_CLUSTER}-{what}": "5s" for what in ("ping", "operator-status", "meshsync-status", "broker-status")},
    f"cluster-{_CLUSTER}-diagnostics": "5s",
    f"cluster-{_CLUSTER}-broker-endpoint": "5s",
    **{f"adapter-{name}-ping": "5s" for name in ADAPTERS},
    "checklist-api": "5s",
    "checklist-load-balancer": "5s",
}
"""Time between two runs, where nobody wants to wait as long as in real life."""


def _last_drill() -> str:
    return str(datetime.now(UTC).date() - _SINCE_DRILL)


def write_configuration(simulation: Simulation, listen: str, vantages: tuple[str, ...] = _VANTAGES) -> Path:
    """Writes the configuration file of an agent that listens on `listen`, and stands at `vantages`."""
    document = {
        "listen": listen,
        "vantage": list(vantages),
        "environment": "demo",
        "proxy": "none",
        "defaults": {"every": "3s", "timeout": "1s"},
        "log": {"format": "console", "level": "warning"},
        "deployments": [_deployment(simulation)],
    }
    file = simulation.folder / FILE_NAME
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return file


def _deployment(simulation: Simulation) -> dict[str, object]:
    secrets, broker = simulation.secrets, simulation.broker
    return {
        "name": DEPLOYMENT,
        "profile": "meshery",
        "server": simulation.server.url,
        "external_url": simulation.ingress.url,
        "ca_file": str(simulation.authority.ca_file),
        "release": RELEASE,
        "session": {"provider": REMOTE_PROVIDER, "token_file": str(secrets.session_token.file)},
        "broker": {
            "address": str(broker.place),
            "monitor": f"http://{broker.monitor}",
            "token_file": str(secrets.broker_token.file),
        },
        "operator": {
            "metrics": f"{simulation.operator_metrics.url}/metrics",
            "token_file": str(secrets.cluster_token.file),
            "health": simulation.operator_health.url,
        },
        "kubernetes": {"api": simulation.cluster.url, "service_account": str(secrets.service_account)},
        "meshsync": {"health": simulation.meshsync_health.url},
        "provider": simulation.provider.url,
        "adapters": {name: str(adapter.place) for name, adapter in simulation.adapters.items()},
        "perf": str(simulation.perf.place),
        "clusters": [
            {
                "name": _CLUSTER,
                "api": simulation.cluster.url,
                "ca_file": str(simulation.authority.ca_file),
                "token_file": str(secrets.cluster_token.file),
                "connection_id": CONNECTION,
            }
        ],
        "checklist": {"server_replicas": 3, "autoscaling": True},
        "attest": {"recovery_drill": _last_drill(), "config_repository": "https://git.example.com/meshery"},
        "egress": [f"{simulation.registry.url}/v2/"],
        "node_ports": {
            "host": simulation.node,
            **{name: forwarder.place.port for name, forwarder in simulation.node_ports.items()},
        },
        "rows": {row: {"every": every} for row, every in _SOONER.items()},
    }
