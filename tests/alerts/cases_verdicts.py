"""Checks that fail now and then, say nothing, are not run, or are gone."""

from dataclasses import replace

from tests.alerts.case import Batch, Case, Shape, told
from tests.alerts.series import OFFSET, labelled
from tests.alerts.watched import Watched

_FLAPPING, _LOST, _NEVER = "ReachdFlapping/warning", "ReachdUnknown/warning", "ReachdUnknown/info"
_STALE, _VANISHED = "ReachdStale/warning", "ReachdVanished/warning"
_OTHER = Watched("up", check="server-ready", every=20, slo=0.5)
_LOADED = "reachd_config_last_reload_success_timestamp_seconds{instance='agent-0'}".replace("'", '"')


def _one(runs: str, severity: str = "page") -> Watched:
    """A check whose objective is too low for a budget to burn."""
    return Watched(runs, every=20, slo=0.5, severity=severity)


_BLIPS = _one("up 2m, blip")
_MISSES = _one("up 2m, miss/up")
_MOVES = _one("up 2m, down 1m, up 1m, down 1m, up 1m, down 1m, up")

_FLAPPING_CASES = [
    Case(
        "flapping: each run fails, each re-check succeeds",
        [_BLIPS],
        firing=[told("ReachdFlapping", "warning", _BLIPS, "7m40s")],
        of=_FLAPPING,
        shape=Shape.FIRES,
    ),
    Case(
        "flapping: every second run fails, as Prometheus sees it",
        [_MISSES],
        firing=[told("ReachdFlapping", "warning", _MISSES, "8m20s")],
    ),
    Case(
        "flapping: four changes of state in a quarter of an hour",
        [_MOVES],
        firing=[told("ReachdFlapping", "warning", _MOVES, "10m")],
    ),
    Case("flapping: two failures are chance", [_one("up 2m, blip 40s, up")], of=_FLAPPING, shape=Shape.SPARED),
    Case("flapping: one run in eleven fails", [_one("up 5m, up*9/blip")]),
    Case("flapping: two changes of state", [_one("up 2m, down 1m, up")]),
    Case("flapping: blocked again and again", [_one(f"up 2m, {'blocked 1m, up 1m, ' * 3}up")]),
    Case("flapping: fails each time before it is blocked", [_one(f"up 2m, {'miss 20s, blocked 1m, up 40s, ' * 4}up")]),
    Case("flapping: without a verdict again and again", [_one(f"up 2m, {'unknown 1m, up 1m, ' * 3}up")]),
    Case("flapping: a check of severity info", [_one("up 2m, blip", "info")]),
    Case("flapping: no check", [_one("gone")], of=_FLAPPING, shape=Shape.NO_DATA),
    Case("flapping: gone while pending", [_one("up 2m, blip 3m, gone")], of=_FLAPPING, shape=Shape.STALE),
]

_LOST_AT_TWO = _one("up 2m, unknown")
_NEVER_KNOWN = _one("unknown")
_BLIND_AGENT = [_one("up 2m, unknown"), Watched("up", every=20, vantage="client", instance="agent-1")]
_UNKNOWN_CASES = [
    Case(
        "unknown: no verdict for a quarter of an hour",
        [_LOST_AT_TWO],
        firing=[told("ReachdUnknown", "warning", _LOST_AT_TWO, "17m")],
        of=_LOST,
        shape=Shape.FIRES,
    ),
    Case("unknown: a verdict after a quarter", [_one("up 2m, unknown 15m, up")], of=_LOST, shape=Shape.SPARED),
    *(
        Case(
            f"unknown: the agent once does not answer, {when}",
            [_one(f"up 2m, unknown {before}, unanswered 20s, unknown")],
            firing=[told("ReachdUnknown", "warning", _LOST_AT_TWO, "17m")],
        )
        for when, before in (("while pending", "5m"), ("while it fires", "15m20s"))
    ),
    Case("unknown: another vantage knows", _BLIND_AGENT),
    Case("unknown: blocked by what it depends on", [_one("up 2m, blocked")]),
    Case("unknown: no check after a verdict", [_one("up 2m, gone")], of=_LOST, shape=Shape.NO_DATA),
    Case("unknown: gone while pending", [_one("up 2m, unknown 10m, gone")], of=_LOST, shape=Shape.STALE),
    Case(
        "unknown: never a verdict",
        [_NEVER_KNOWN],
        firing=[told("ReachdUnknown", "info", _NEVER_KNOWN, "15m")],
        of=_NEVER,
        shape=Shape.FIRES,
    ),
    Case("unknown: first verdict after a quarter", [_one("unknown 15m, up")], of=_NEVER, shape=Shape.SPARED),
    Case("unknown: no check at all", [_one("gone")], of=_NEVER, shape=Shape.NO_DATA),
    Case("unknown: gone while pending, never known", [_one("unknown 10m, gone")], of=_NEVER, shape=Shape.STALE),
]

_IDLE = _one("up 2m, idle")


def _run_often(**labels: str) -> dict[str, str]:
    """A check that is scraped a second after its last run, and judged more than three intervals after it."""
    common = {"deployment": "prod", "check": "server-live", "instance": "agent-0", **labels}
    return {
        labelled("probe_last_run_timestamp_seconds", **common): f"now-{OFFSET + 1}",
        labelled("probe_interval_seconds", **common): "1",
    }


_OFTEN = _run_often()
_STALE_CASES = [
    Case(
        "stale: not run for over three intervals",
        [_IDLE],
        firing=[told("ReachdStale", "warning", _IDLE, "4m")],
        of=_STALE,
        shape=Shape.FIRES,
    ),
    Case(
        "stale: the agent once does not answer",
        [_one("up 2m, idle 15m, unanswered 20s, idle")],
        firing=[told("ReachdStale", "warning", _IDLE, "4m")],
    ),
    Case("stale: run again just before", [_one("up 2m, idle 2m, up")], of=_STALE, shape=Shape.SPARED),
    Case("stale: not run since it is blocked", [_one("up 2m, blocked")]),
    Case("stale: run far more often than Prometheus looks", series=_OFTEN),
    Case("stale: its agent is found under new labels", series=_OFTEN | _run_often(pod="p")),
    Case("stale: no check", [_one("gone")], of=_STALE, shape=Shape.NO_DATA),
    Case("stale: gone while pending", [_one("up 2m, idle 80s, gone")], of=_STALE, shape=Shape.STALE),
]

_GONE = _one("up 2m, gone")
_VANISHED_CASES = [
    Case(
        "vanished: gone for five minutes",
        [_GONE, _OTHER],
        {_LOADED: "-7200"},
        firing=[told("ReachdVanished", "warning", _GONE, "8m20s")],
        of=_VANISHED,
        shape=Shape.FIRES,
    ),
    Case(
        "vanished: the agent that remains once does not answer",
        [_GONE, replace(_OTHER, runs="up 15m, unanswered 20s, up")],
        {_LOADED: "-7200"},
        firing=[told("ReachdVanished", "warning", _GONE, "8m20s")],
    ),
    Case(
        "vanished: back just before",
        [_one("up 2m, gone 6m, up"), _OTHER],
        {_LOADED: "-7200"},
        of=_VANISHED,
        shape=Shape.SPARED,
    ),
    Case(
        "vanished: removed by a configuration that was loaded",
        [_one("up 2m, removed"), _OTHER],
        {_LOADED: "-7200 2m, 120"},
    ),
    Case("vanished: never there", [_OTHER], {_LOADED: "-7200"}, of=_VANISHED, shape=Shape.NO_DATA),
    Case(
        "vanished: nothing is left of the deployment, which ReachdMonitorBlind tells",
        [_GONE],
        {_LOADED: "-7200"},
        of=_VANISHED,
        shape=Shape.STALE,
    ),
    Case(
        "vanished: Prometheus restarts",
        [_one("up 2m, hole 2m, up"), Watched("up 2m, hole 2m, up", check="server-ready", every=20)],
        {_LOADED: "-7200"},
    ),
]

BATCHES = [
    Batch(
        "checks-without-a-verdict",
        ["reachd-checks"],
        "18m",
        [*_FLAPPING_CASES, *_UNKNOWN_CASES, *_STALE_CASES, *_VANISHED_CASES],
        step=20,
        slow=True,
    )
]
