"""The ring of recent runs, against a list that remembers everything."""

from hypothesis import given, settings
from hypothesis import strategies as some

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Reason
from agent.sinks.history import LENGTH, History

RUN = some.tuples(
    some.floats(1e9, 2e9),
    some.floats(0, 90, width=32),
    some.sampled_from(Verdict),
    some.none() | some.sampled_from(Reason),
    some.booleans(),
)


@settings(max_examples=50, deadline=None)
@given(some.lists(RUN, max_size=2 * LENGTH + 5))
def test_the_newest_runs_come_back_in_order(runs: list[tuple[float, float, Verdict, Reason | None, bool]]) -> None:
    history = History()
    for started, duration, verdict, reason, rechecked in runs:
        history.add(Outcome(verdict, started, duration, (None,) * len(PHASES), reason), rechecked=rechecked)
    assert [tuple(run) for run in history.runs()] == runs[-LENGTH:]
