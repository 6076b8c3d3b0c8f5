"""What the tests of profiles share: a deployment with everything configured, and short ways to expand it."""

from __future__ import annotations

from collections.abc import Mapping

from agent.core.check import Check, Vantage
from agent.profiles import Expansion, ExpansionContext, deployment_model, expand
from agent.profiles.deployment import Deployment

EVERYWHERE = frozenset(vantage.value for vantage in Vantage)

KNOWN_ADAPTERS = {
    "istio": 10000,
    "linkerd": 10001,
    "consul": 10002,
    "octarine": 10003,
    "nsm": 10004,
    "app-mesh": 10005,
    "traefik-mesh": 10006,
    "kuma": 10007,
    "cpx": 10008,
    "osm": 10009,
    "nginx-sm": 10010,
    "tanzu": 10011,
    "cilium": 10012,
    "nighthawk": 10013,
}

FULL: Mapping[str, object] = {
    "name": "prod",
    "profile": "meshery",
    "server": "http://meshery.meshery.svc:9081",
    "external_url": "https://meshery.example.com",
    "release": "v0.8.100",
    "session": {"provider": "Meshery", "token_file": "/run/secrets/session"},
    "broker": {
        "address": "meshery-nats.meshery.svc:4222",
        "monitor": "http://meshery-nats.meshery.svc:8222",
        "token_file": "/run/secrets/nats",
    },
    "operator": {
        "metrics": "https://meshery-operator-metrics-service.meshery.svc:8443/metrics",
        "token_file": "/run/secrets/metrics",
        "health": "http://10.1.2.3:8081",
    },
    "meshsync": {"health": "http://10.1.2.4:11000"},
    "provider": "https://cloud.example.com",
    "adapters": {name: f"meshery-{name}.meshery.svc" for name in KNOWN_ADAPTERS},
    "perf": "meshery-perf.meshery.svc:10013",
    "clusters": [{"name": "east", "api": "https://203.0.113.7:6443", "connection_id": "3f2a"}],
    "checklist": {"autoscaling": True},
    "attest": {"recovery_drill": "2026-09-01", "config_repository": "https://git.example.com/meshery"},
    "egress": ["https://registry.example.com/v2/"],
    "node_ports": {"host": "node-1.example.com"},
}


def deployment(changes: Mapping[str, object] | None = None, *, without: tuple[str, ...] = ()) -> Deployment:
    """The full deployment with some keys changed and some left out."""
    settings = {key: value for key, value in FULL.items() if key not in without}
    return deployment_model("meshery").model_validate({**settings, **(changes or {})})


def bare(changes: Mapping[str, object] | None = None) -> Deployment:
    """A deployment of which only `changes` is configured."""
    return deployment_model("meshery").model_validate({"name": "prod", "profile": "meshery", **(changes or {})})


def expansion(of: Deployment, *vantages: str, every: float = 15.0, timeout: float = 5.0) -> Expansion:
    """What `of` expands to; without vantages, from everywhere at once."""
    context = ExpansionContext(frozenset(vantages) or EVERYWHERE, every, timeout, slo=0.999, latency_objective=0.5)
    return expand(of, context)


def checks(of: Deployment, *vantages: str, every: float = 15.0) -> dict[str, Check]:
    """The checks of `of` by name."""
    return {check.name: check for check in expansion(of, *vantages, every=every).checks}
