"""Checks that are down from everywhere, or from some of the places that they are made from."""

from collections.abc import Iterator, Mapping

from alerts.identity import CHECK, CHECK_DASHBOARD, FAILING, GAP, ID, ONE, SINCE, STATE, STATUS, SUBJECT, TARGET
from alerts.rule import Alert, Group, Recording, Severity
from alerts.timing import Timing

SEVERITIES: Mapping[str, Severity] = {
    "page": Severity.CRITICAL,
    "ticket": Severity.WARNING,
    "info": Severity.INFO,
}
"""What a check's severity in the agent's configuration means for an alert."""

_BROKER = 'component="broker",kind=~"nats|tcp|broker_endpoint"'
"""What clients of the Broker use; but a port of it that has to be closed is watched by `tcp`, too."""

_SPECIFIC = (
    (
        "ReachdBrokerDown",
        _BROKER,
        "A way to the Broker is broken, so whoever takes it learns of no change in the cluster.",
    ),
    (
        "ReachdWebSocketDown",
        'component="websocket",kind!="checklist"',
        "WebSockets fail, so the UI loads and is never updated.",
    ),
    (
        "ReachdProviderDown",
        'component="provider",kind!="checklist"',
        "The Remote Provider cannot be used, so nobody can sign in or read what is kept there.",
    ),
    ("ReachdCallbackDown", 'kind="callback"', "Signing in does not lead back to the external URL."),
)
"""What is found by labels that do not change, and what it means for users."""

_ATTESTED = "checklist-(recovery-drill|config-repository)"
_LESSER = (
    ("ReachdAdapterDown", 'component="adapter"', "An adapter cannot be used, so operations on its mesh fail."),
    ("ReachdAttestationStale", f'check=~"{_ATTESTED}"', "What somebody has to attest is missing or too old."),
    (
        "ReachdChecklistUnmet",
        f'kind="checklist",check!~"{_ATTESTED}"',
        "The deployment does not meet a rule of the resiliency checklist.",
    ),
)
"""These never page. Where the configuration makes such a check a page, ReachdCheckDown tells of it."""

_GENERAL = (
    'component!~"broker|websocket|provider|adapter",kind!~"checklist|callback"',
    'component="broker",kind!~"nats|tcp|broker_endpoint|checklist"',
)

DOWN = "|".join(
    ["ReachdCheckDown", "ReachdPortExposed", *(name for name, _, _ in _SPECIFIC), *(name for name, _, _ in _LESSER)]
)
"""The alerts that say that a check is down from everywhere, as a regular expression. A check has one at most."""

PARTLY = "ReachdPartlyDown"

_TWO_MINUTES_OF_FIVE = 0.4


def groups(timing: Timing) -> Iterator[Group]:
    """The rules, and what other groups build on."""
    yield Group("reachd-down", "15s", [*_recordings(timing), *_everywhere(timing), *_somewhere()])


def of_severity(severities: str) -> str:
    """The clause that keeps checks of these severities, such as `page|ticket`."""
    return f'and on ({CHECK}) check:probe_severity:max{{severity=~"{severities}"}}'


def untold(timing: Timing, window: str, despite: str = "") -> str:
    """The clause that drops checks of which an alert has told in the window that they are down.

    So what an outage leaves behind in the numbers does not become a second alert. That one is pending says nothing, for
    what is down for less than two minutes, again and again, is pending as often; but an alert that a check is down from
    some places takes longer than others, and after a minute is about to tell. Of a blocked check, the one that it
    depends on tells: it may have failed a few times before that one was found down.

    despite: an expression of the checks that are kept though they are down from some places.
    """

    def fired(names: str) -> str:
        return f'max_over_time(ALERTS{{alertname=~"{names}",alertstate="firing"}}[{timing(window)}])'

    about_to = f'time() - ALERTS_FOR_STATE{{alertname="{PARTLY}"}} >= {timing.seconds("1m")}'
    kept = f"\n  unless on ({CHECK}) (\n    {despite}\n  )" if despite else ""
    return (
        f"unless on ({CHECK}) {fired(DOWN)}\n"
        f"unless on ({CHECK}) (\n  ({fired(PARTLY)} or {about_to}){kept}\n)\n" + unblocked(timing, window)
    )


def unblocked(timing: Timing, window: str) -> str:
    """The clause that drops checks that were blocked in the window: the one that they depend on tells."""
    return f'unless on ({CHECK}) max_over_time(probe_state{{check!="",state="blocked"}}[{timing(window)}])'


def _latest(timing: Timing) -> str:
    """What each agent saw last of a check. Of one that is blocked now, the check that it depends on tells.

    Where a check was never up, and down for two minutes in all, a block is no more than a pause: else one that is down
    for good would never be so for long enough, if what it depends on comes and goes.
    """
    seen, window = 'probe_success{check!=""}', timing("5m")
    known = f'{_TWO_MINUTES_OF_FIVE} * count_over_time(probe_interval_seconds{{check!=""}}[{window}])'
    never_up = f"count_over_time({seen}[{window}]) >= {known} unless max_over_time({seen}[{window}]) > 0"
    blocked = f'(\n    probe_state{{state="blocked"}} unless {ONE} ({never_up})\n  )'
    return f"(last_over_time({seen}[{timing(GAP)}]) unless {ONE} {blocked})"


def _recordings(timing: Timing) -> Iterator[Recording]:
    gap, latest = timing(GAP), _latest(timing)
    # A failed run that the quick re-check has not confirmed is no outage. Runs and scrapes keep step, so Prometheus may
    # see just the runs between, again and again.
    confirmed = f'{ONE} last_over_time(probe_failing{{check!=""}}[{gap}])'
    believed = f"{latest} > 0\n  or {latest} and {confirmed}\n  or {latest} + 1"
    yield Recording("check:probe_success:max", f"max by ({ID}) (\n  {believed}\n)")
    yield Recording("check:probe_success:min", f"min by ({ID}) (\n  {believed}\n)")
    targets = f'last_over_time(probe_target_info{{check!=""}}[{gap}])'
    yield Recording("check:probe_severity:max", f"max by ({CHECK}, severity) ({targets})")


def _everywhere(timing: Timing) -> Iterator[Alert]:
    general = "A check fails from every place that it is made from."
    open_port = f'on ({CHECK}) last_over_time(probe_failing{{reason="unexpectedly_open"}}[{timing(GAP)}])'
    for severities, severity in SEVERITIES.items():
        page = severity is Severity.CRITICAL
        selectors = [*_GENERAL, *(selector for _, selector, _ in _LESSER if page)]
        arms = [f"check:probe_success:max{{{it}}}" for it in selectors]
        if page:
            arms.append(f"(check:probe_success:max{{{_BROKER}}} and {open_port})")
        clause = of_severity(severities)
        anything = "(\n  " + "\n  or ".join(arms) + f"\n) == 0\n{clause}"
        yield _alert("ReachdCheckDown", severity, anything if page else f"{anything}\nunless {open_port}", general)
        for name, selector, summary in [*_SPECIFIC, *(() if page else _LESSER)]:
            exposed = f"\nunless {open_port}" if selector == _BROKER else ""
            yield _alert(name, severity, f"check:probe_success:max{{{selector}}} == 0\n{clause}{exposed}", summary)
        if not page:
            expr = f"check:probe_success:max == 0\n{clause}\nand {open_port}"
            yield _alert("ReachdPortExposed", severity, expr, "A port is open that has to be closed.")


def _alert(name: str, severity: Severity, expr: str, summary: str) -> Alert:
    return Alert(
        name,
        severity,
        expr,
        hold="2m",
        # What a page suppresses has to end before it, though lesser checks are made less often.
        keep="5m" if severity is Severity.CRITICAL else "2m",
        summary=summary,
        description=f"{SUBJECT}, was down for at least two minutes.{TARGET}{STATE}{FAILING}{STATUS}{SINCE}",
        dashboard=CHECK_DASHBOARD,
    )


def _somewhere() -> Iterator[Alert]:
    for severities, severity in (("page|ticket", Severity.WARNING), ("info", Severity.INFO)):
        yield Alert(
            PARTLY,
            severity,
            f"check:probe_success:min == 0\nand on ({ID}) check:probe_success:max == 1\n{of_severity(severities)}",
            hold="5m",
            keep="5m",
            summary="A check fails from some of the places that it is made from, and works from others.",
            description=(
                f"{SUBJECT}, was down from some places for at least five minutes.{TARGET}{STATE}{FAILING}{SINCE}"
            ),
            dashboard=CHECK_DASHBOARD,
        )
