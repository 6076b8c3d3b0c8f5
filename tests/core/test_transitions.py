"""How outcomes become states."""

import pytest

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Blame, Reason
from agent.core.transitions import Remembered, Standing, State

U, D, Q = Verdict.UP, Verdict.DOWN, Verdict.UNKNOWN


def outcome(verdict: Verdict, started: float = 1000.0) -> Outcome:
    return Outcome(verdict=verdict, started=started, duration=0.1, phases=(0.1, None, None, None, None, None))


@pytest.mark.parametrize(
    ("verdicts", "states"),
    [
        ([U], ["up"]),
        ([D], ["unknown?"]),
        ([D, D], ["unknown?", "down"]),
        ([D, U], ["unknown?", "up"]),
        ([Q], ["unknown"]),
        ([Q, U], ["unknown", "up"]),
        ([U, D, U], ["up", "up?", "up"]),
        ([U, D, D], ["up", "up?", "down"]),
        ([U, Q, Q], ["up", "up?", "unknown"]),
        ([U, Q, D, D], ["up", "up?", "up?", "down"]),
        ([U, D, Q, D], ["up", "up?", "up?", "down"]),
        ([U, Q, D, Q], ["up", "up?", "up?", "unknown"]),
        ([U, D, Q, U], ["up", "up?", "up?", "up"]),
        ([D, Q, D], ["unknown?", "unknown", "unknown?"]),
        ([U, D, D, U], ["up", "up?", "down", "up"]),
        ([U, D, D, Q, D], ["up", "up?", "down", "down?", "down"]),
        ([U, D, D, Q, U], ["up", "up?", "down", "down?", "up"]),
        ([U, D, D, Q, Q], ["up", "up?", "down", "down?", "unknown"]),
        ([D, D, D], ["unknown?", "down", "down"]),
    ],
)
def test_states_follow_confirmed_verdicts(verdicts: list[Verdict], states: list[str]) -> None:
    standing = Standing()
    seen = []
    for verdict in verdicts:
        standing.judge(outcome(verdict))
        seen.append(standing.state + ("?" if standing.suspected else ""))
    assert seen == states


def test_since_is_exact_only_for_changes_that_were_seen() -> None:
    standing = Standing()
    standing.judge(outcome(U, 1000.0))
    assert (standing.since, standing.since_exact) == (1000.0, False)
    standing.judge(outcome(D, 1010.0))
    standing.judge(outcome(D, 1011.0))
    assert (standing.since, standing.since_exact) == (1011.0, True)


def test_a_blocked_check_is_unknown_until_it_has_run_again() -> None:
    standing = Standing()
    standing.judge(outcome(U))
    blocked = standing.block(("server-live",), 1020.0)
    assert blocked is not None
    assert (blocked.before, blocked.after, standing.blocked_by) == ("up", "blocked", ("server-live",))
    assert standing.block(("server-live", "broker"), 1021.0) is None
    assert list(standing.blocked_by) == ["server-live", "broker"]
    freed = standing.unblock(1030.0)
    assert freed is not None
    assert freed.after == "unknown"
    assert list(standing.blocked_by) == []
    assert standing.unblock(1031.0) is None


def test_every_reason_blames_somebody_as_the_contract_says() -> None:
    blames = {blame: sorted(reason for reason in Reason if reason.blame is blame) for blame in Blame}
    assert blames[Blame.AGENT] == ["address_forbidden", "internal_error", "overloaded", "permission_denied"]
    assert blames[Blame.PATH] == [
        "connect_timeout", "connect_unreachable", "dns_refused", "dns_server_failure", "dns_timeout", "idle_cut",
        "proxy_refused", "stream_buffered", "upgrade_stripped",
    ]  # fmt: skip
    assert len(blames[Blame.TARGET]) == 38


@pytest.mark.parametrize(
    ("remembered", "verdicts", "since", "exact"),
    [
        (None, [U], 1000.0, False),
        (Remembered(State.UP, 400.0, True), [U], 400.0, True),
        (Remembered(State.UP, 400.0, False), [U], 400.0, False),
        (Remembered(State.DOWN, 400.0, False), [U], 1000.0, True),
        (Remembered(State.DOWN, 400.0, True), [D, D], 400.0, True),
        (Remembered(State.UP, 400.0, True), [Q, U], 400.0, True),
        (Remembered(State.UP, 400.0, False), [U, D, D], 1000.0, True),
    ],
)
def test_a_state_that_lasted_through_a_restart_keeps_its_beginning(
    remembered: Remembered | None, verdicts: list[Verdict], since: float, exact: bool
) -> None:
    standing = Standing(remembered=remembered)
    for verdict in verdicts:
        standing.judge(outcome(verdict))
    assert (standing.since, standing.since_exact) == (since, exact)
