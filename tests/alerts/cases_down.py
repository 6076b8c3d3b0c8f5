"""Checks that are down: each alert of its own, which of them tells of which check, and what is no outage."""

from collections.abc import Iterator
from dataclasses import replace

from tests.alerts.case import Batch, Case, Shape, told
from tests.alerts.watched import Watched

_SEVERITIES = {"page": "critical", "ticket": "warning", "info": "info"}
_CHECKS = {
    "ReachdCheckDown": Watched("", "server-live", "server", "http"),
    "ReachdBrokerDown": Watched("", "broker-client", "broker", "nats"),
    "ReachdWebSocketDown": Watched("", "ui-subscriptions", "websocket", "websocket"),
    "ReachdProviderDown": Watched("", "provider-reach", "provider", "http"),
    "ReachdCallbackDown": Watched("", "callback", "ui", "callback"),
    "ReachdAdapterDown": Watched("", "adapter-istio", "adapter", "grpc"),
    "ReachdAttestationStale": Watched("", "checklist-recovery-drill", "operator", "checklist"),
    "ReachdChecklistUnmet": Watched("", "checklist-two-replicas", "server", "checklist"),
}
_NEVER_PAGE = ("ReachdAdapterDown", "ReachdAttestationStale", "ReachdChecklistUnmet")


def _alerts() -> Iterator[tuple[str, str, Watched, str]]:
    """Alerts by name and severity, each with a check, and with what the check says when it is down."""
    for name, watched in _CHECKS.items():
        for severity, alert_severity in _SEVERITIES.items():
            if name not in _NEVER_PAGE or severity != "page":
                yield name, alert_severity, replace(watched, severity=severity), "down"
    for severity in ("ticket", "info"):
        exposed = Watched("", "broker-cluster-closed", "broker", "tcp", severity)
        yield "ReachdPortExposed", _SEVERITIES[severity], exposed, "down:unexpectedly_open"


def _everywhere() -> Iterator[Case]:
    for name, severity, check, down in _alerts():
        of, called = f"{name}/{severity}", f"{name}, {severity}"

        def case(title: str, shape: Shape, runs: str, firing: tuple[str, str] | None = None) -> Case:
            watched = replace(check, runs=runs)  # noqa: B023
            fires = [told(name, severity, watched, *firing)] if firing else []  # noqa: B023
            return Case(f"{called}: {title}", [watched], firing=fires, of=of, shape=shape)  # noqa: B023

        yield case("down for two minutes", Shape.FIRES, f"up 2m, {down} 4m, up", ("4m", "11m"))
        yield case("up again at two minutes", Shape.SPARED, f"up 2m, {down} 2m, up")
        yield case("no verdict", Shape.NO_DATA, "unknown 2m, blocked")
        yield case("gone while pending", Shape.STALE, f"up 2m, {down} 30s, gone")
        yield case("gone while it fires", Shape.STALE, f"up 2m, {down} 3m, gone", ("4m", "11m"))


DOWN = Batch(
    "down-from-everywhere",
    ["reachd-checks"],
    "12m",
    list(_everywhere()),
    metrics=("probe_success", "probe_target_info", "probe_failing"),
)
BATCHES = [DOWN]
