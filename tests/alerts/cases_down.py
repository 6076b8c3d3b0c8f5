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

        ends = "11m" if severity == "critical" else "8m"
        yield case("down for two minutes", Shape.FIRES, f"up 2m, {down} 4m, up", ("4m", ends))
        yield case("up again at two minutes", Shape.SPARED, f"up 2m, {down} 2m, up")
        yield case("no verdict", Shape.NO_DATA, "unknown 2m, blocked")
        yield case("gone while pending", Shape.STALE, f"up 2m, {down} 30s, gone")
        yield case("gone while it fires", Shape.STALE, f"up 2m, {down} 3m, gone", ("4m", ends))


def _two(first: str, second: str, severity: str = "page") -> tuple[Watched, Watched]:
    """A check as agents at two vantages make it."""
    server = Watched(first, severity=severity)
    return server, replace(server, runs=second, vantage="client", instance="agent-1")


def _somewhere() -> Iterator[Case]:
    for severity, alert in (("ticket", "warning"), ("info", "info")):
        of, called = f"ReachdPartlyDown/{alert}", f"down from some places, {severity}"
        fails = "up 2m, down 6m, up"
        fires = [told("ReachdPartlyDown", alert, Watched(""), "7m", "13m")]
        yield Case(f"{called}: five minutes", _two(fails, "up", severity), firing=fires, of=of, shape=Shape.FIRES)
        spared = _two("up 2m, down 5m, up", "up", severity)
        yield Case(f"{called}: up again at five minutes", spared, of=of, shape=Shape.SPARED)
        silent = _two("up 2m, unknown 2m, blocked", "up", severity)
        yield Case(f"{called}: no verdict from there", silent, of=of, shape=Shape.NO_DATA)
        gone = _two("up 2m, down 2m, gone", "up", severity)
        yield Case(f"{called}: that agent is gone while pending", gone, of=of, shape=Shape.STALE)
    fires = [told("ReachdPartlyDown", "warning", Watched(""), "7m")]
    yield Case("down from some places: a check that pages", _two("up 2m, down", "up"), firing=fires)
    everywhere = [
        told("ReachdPartlyDown", "warning", Watched(""), "7m", "13m"),
        told("ReachdCheckDown", "critical", Watched(""), "10m"),
    ]
    yield Case("down from some places, later from all", _two("up 2m, down", "up 8m, down"), firing=everywhere)


def _blocked() -> Iterator[Case]:
    """What a check depends on may be found down a minute later than the check."""
    yield Case("down: for a minute, then blocked", [Watched("up 2m, down 1m, blocked")])
    yield Case("down: for a minute, then blocked from one place", _two("up 2m, down 1m, blocked", "up"))
    fires = [told("ReachdCheckDown", "critical", Watched(""), "4m", "10m")]
    yield Case("down: until it is blocked", [Watched("up 2m, down 2m45s, blocked")], firing=fires)
    yield Case("down: now and then for a moment before it is blocked", [_by_turns("up*2/down/blocked*4")])
    yield Case("down: for a moment whenever it is not blocked", [_by_turns("blocked*5/down")])
    # What it depends on comes and goes, and is never down for long enough to be told of.
    fires = [told("ReachdCheckDown", "critical", Watched(""), "7m30s")]
    yield Case("down: whenever it is not blocked", [_by_turns("blocked/down*2")], firing=fires)


def _by_turns(runs: str) -> Watched:
    return Watched(f"up 2m, {runs}", every=30)


def _twice() -> Iterator[Case]:
    """While nobody is known to lead, both observers make the same checks."""
    first, second = Watched("up 2m, down"), Watched("gone 3m, down", instance="agent-1")
    yield Case(
        "down: two observers make the same check",
        [first, second],
        firing=[told("ReachdCheckDown", "critical", first, "4m")],
    )
    yield Case(
        "up: one of two observers makes the same check for a while",
        [first := Watched("up"), replace(first, runs="gone 3m, up 4m, gone", instance="agent-1")],
    )


BATCHES = [
    Batch(
        "down",
        ["reachd-checks"],
        "14m",
        [*_everywhere(), *_somewhere(), *_blocked(), *_twice()],
        metrics=("probe_success", "probe_state", "probe_target_info", "probe_failing", "probe_interval_seconds"),
    )
]
