"""Failures that are no outage, and how fast they use up what the objective allows: 1 % in these cases."""

from dataclasses import replace

from tests.alerts.case import Batch, Case, Firing, Shape, told
from tests.alerts.watched import Watched


def _one(runs: str, severity: str = "page", every: int = 15) -> Watched:
    return Watched(runs, severity=severity, slo=0.99, every=every)


def _burn(watched: Watched, severity: str, long: str, short: str, since: str, until: str = "") -> Firing:
    return told("ReachdErrorBudgetBurn", severity, watched, since, until, long=long, short=short)


def _flapping(watched: Watched, since: str) -> Firing:
    return told("ReachdFlapping", "warning", watched, since)


def _cases() -> list[Case]:
    cases = []
    for severity, alert in (("page", "critical"), ("ticket", "warning")):
        sixth, eleventh = _one("up*4/blip", severity), _one("up*9/blip", severity)
        hour, quarter = f"ReachdErrorBudgetBurn/{alert}/1h", f"ReachdErrorBudgetBurn/{alert}/6h"
        cases += [
            Case(
                f"burn in an hour, {severity}: one run in six fails",
                [sixth],
                firing=[
                    _burn(sixth, alert, "1h", "5m", "6m"),
                    _burn(sixth, alert, "6h", "30m", "19m"),
                    *([_flapping(sixth, "9m")] if severity == "ticket" else []),
                ],
                of=hour,
                shape=Shape.FIRES,
            ),
            Case(
                f"burn in an hour, {severity}: 12.5 % is not over 14.4 times 1 %",
                [runs := _one("up*6/blip", severity)],
                firing=[
                    _burn(runs, alert, "6h", "30m", "20m"),
                    _flapping(runs, "10m"),
                ],
                of=hour,
                shape=Shape.SPARED,
            ),
            Case(f"burn in an hour, {severity}: no check", [_one("gone", severity)], of=hour, shape=Shape.NO_DATA),
            Case(
                f"burn in an hour, {severity}: gone while pending",
                [_one("up*4/blip 5m, gone", severity)],
                of=hour,
                shape=Shape.STALE,
            ),
            Case(
                f"burn in six hours, {severity}: one run in eleven fails",
                [eleventh],
                firing=[_burn(eleventh, alert, "6h", "30m", "23m")],
                of=quarter,
                shape=Shape.FIRES,
            ),
            Case(
                f"burn in six hours, {severity}: 5.9 % is not over 6 times 1 %",
                [_one("up 10m, up*15/blip", severity)],
                of=quarter,
                shape=Shape.SPARED,
            ),
            Case(f"burn in six hours, {severity}: no check", [_one("gone", severity)], of=quarter, shape=Shape.NO_DATA),
            Case(
                f"burn in six hours, {severity}: gone while pending",
                [_one("up*9/blip 10m, gone", severity)],
                of=quarter,
                shape=Shape.STALE,
            ),
        ]
    return cases


_LOW = Watched("up*2/blip", slo=0.93)
_SCARCE = [
    Case("burn: two failures of a check that runs every five minutes", [_one("up 5m, blip 10m, up", every=300)]),
    Case("burn: a check of severity info", [_one("up*4/blip", "info")]),
    Case(
        "burn: an objective so low that no share of failures is over 14.4 times its budget",
        [_LOW],
        firing=[_flapping(_LOW, "7m")],
    ),
]

_SPELLS = [Watched(f"up 5m, down*{down}/up*{up}") for down in (4, 5, 6, 7) for up in (1, 3, 6)]
_AS_TICKET = Watched("up 5m, down*7/up*3", severity="ticket")
_AGAIN_AND_AGAIN = [
    *[
        Case(
            f"burn: {watched.runs.partition(', ')[2]}, four runs a minute, is one page",
            [watched],
            firing=[
                _burn(watched, "critical", "1h", "5m", "7m15s"),
                _burn(watched, "critical", "6h", "30m", "20m15s"),
            ],
        )
        for watched in _SPELLS
    ],
    Case(
        "burn: down for 105 s and up for 45 s, a ticket",
        [_AS_TICKET],
        firing=[
            _burn(_AS_TICKET, "warning", "1h", "5m", "7m15s"),
            _burn(_AS_TICKET, "warning", "6h", "30m", "20m15s"),
            _flapping(_AS_TICKET, "14m15s"),
        ],
    ),
    Case(
        "burn: down for 105 s and up for 45 s, in vain an objective that a page could be about",
        [low := Watched("up 5m, down*7/up*3", slo=0.5)],
        firing=[_flapping(low, "14m15s")],
    ),
    Case(
        "burn: down for 105 s every seven minutes is one page",
        [rarely := Watched("up 5m, down*7/up*21")],
        firing=[
            _burn(rarely, "critical", "1h", "5m", "7m15s"),
            _burn(rarely, "critical", "6h", "30m", "20m15s"),
        ],
    ),
    Case(
        "burn: once one of three outages is long enough to be called down, that is the page",
        [often := Watched("up 5m, down*7/up*3/down*7/up*3/down*10/up*3")],
        firing=[
            _burn(often, "critical", "1h", "5m", "7m15s", "22m"),
            told("ReachdCheckDown", "critical", often, "12m"),
        ],
    ),
    Case(
        "burn: one outage of 105 s, and ten minutes more than the failures are within five",
        [brief := Watched("up 5m, down 105s, up")],
        firing=[
            _burn(brief, "critical", "1h", "5m", "7m15s", "21m15s"),
            _burn(brief, "critical", "6h", "30m", "20m15s"),
        ],
    ),
]


def _by_agents(*runs: str) -> list[Watched]:
    return [Watched(run, vantage="node", instance=f"agent-{number}") for number, run in enumerate(runs)]


_PARTLY = told("ReachdPartlyDown", "warning", Watched(""), "10m")
_FROM_SOME_PLACES = [
    Case(
        "burn: one agent is down for good, the others fail every second run",
        _by_agents("up 5m, down", "up 5m, miss/up", "up 5m, up/miss"),
        firing=[
            _burn(Watched(""), "critical", "1h", "5m", "8m15s"),
            _burn(Watched(""), "critical", "6h", "30m", "21m15s"),
            _PARTLY,
        ],
    ),
    Case(
        "burn: one agent is down for good, one fails every second run, and one never",
        _by_agents("up 5m, down", "up 5m, miss/up", "up"),
        firing=[_PARTLY],
    ),
    Case(
        "burn: one agent is down for good, the others fail once",
        _by_agents("up 5m, down", "up 10m, miss 15s, up", "up 10m, miss 15s, up"),
        firing=[_PARTLY],
    ),
    Case(
        "burn: two agents are down for five minutes and more",
        _by_agents("up 5m, down 6m, up", "up 5m, down 6m, up", "up"),
        firing=[replace(_PARTLY, until="16m")],
    ),
    Case(
        "burn: two agents are down for good, soon after an outage of all",
        _by_agents("up 1m, down 3m, up 6m, down", "up 1m, down 3m, up 6m, down", "up 1m, down 3m, up"),
        firing=[told("ReachdCheckDown", "critical", Watched(""), "3m", "9m"), replace(_PARTLY, since="15m")],
    ),
]

_DAY, _DAYS = "ReachdErrorBudgetBurn/warning/1d", "ReachdErrorBudgetBurn/warning/3d"
_OF_17, _OF_51 = _one("up*15/blip"), _one("up*49/blip", every=60)
_OVER_DAYS = [
    Case(
        "burn in a day: one run in 17 fails",
        [_OF_17],
        firing=[_burn(_OF_17, "warning", "1d", "2h", "72m")],
        of=_DAY,
        shape=Shape.FIRES,
    ),
    Case("burn in a day: 2.9 % is not over 3 times 1 %", [_one("up 20m, up*33/blip")], of=_DAY, shape=Shape.SPARED),
    Case("burn in a day: no check", [_one("gone")], of=_DAY, shape=Shape.NO_DATA),
    Case("burn in a day: gone while pending", [_one("up*15/blip 40m, gone")], of=_DAY, shape=Shape.STALE),
]
_OVER_WEEKS = [
    Case(
        "burn in three days: one run in 51 fails",
        [_OF_51],
        firing=[_burn(_OF_51, "warning", "3d", "6h", "5h30m")],
        of=_DAYS,
        shape=Shape.FIRES,
    ),
    Case(
        "burn in three days: 0.97 % is not over 1 %",
        [_one("up 1h, up*101/blip", every=60)],
        of=_DAYS,
        shape=Shape.SPARED,
    ),
    Case("burn in three days: no check", [_one("gone", every=60)], of=_DAYS, shape=Shape.NO_DATA),
    Case(
        "burn in three days: gone while pending",
        [_one("up*49/blip 4h, gone", every=60)],
        of=_DAYS,
        shape=Shape.STALE,
    ),
]
_METRICS = [
    "probe_runs_total",
    "probe_failures_total",
    "probe_inconclusive_total",
    "probe_slo_ratio",
    "probe_target_info",
    "probe_state",
    "probe_success",
]
BATCHES = [
    Batch("budget-of-hours", ["reachd-checks"], "30m", [*_cases(), *_SCARCE], step=60, metrics=_METRICS, slow=True),
    Batch(
        "budget-of-spells",
        ["reachd-checks"],
        "23m",
        [*_AGAIN_AND_AGAIN, *_FROM_SOME_PLACES],
        step=15,
        metrics=[*_METRICS, "probe_failing", "probe_state_since_timestamp_seconds"],
        slow=True,
    ),
    Batch("budget-of-a-day", ["reachd-checks"], "73m", _OVER_DAYS, step=60, metrics=_METRICS, slow=True),
    Batch("budget-of-days", ["reachd-checks"], "8h", _OVER_WEEKS, step=300, metrics=_METRICS, slow=True),
]
