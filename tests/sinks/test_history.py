"""The ring of recent runs, against a list that remembers everything."""

from hypothesis import given, settings
from hypothesis import strategies as some

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Reason
from agent.sinks.history import LENGTH, History

KIND = some.tuples(
    some.floats(0, 90, width=32), some.sampled_from(Verdict), some.none() | some.sampled_from(Reason), some.booleans()
)


@settings(max_examples=50)
@given(some.lists(KIND, min_size=1, max_size=7), some.integers(0, 3 * LENGTH))
def test_the_newest_runs_come_back_in_order(
    kinds: list[tuple[float, Verdict, Reason | None, bool]], count: int
) -> None:
    history = History()
    runs = [(1_700_000_000.25 + number, *kinds[number % len(kinds)]) for number in range(count)]
    for started, duration, verdict, reason, rechecked in runs:
        history.add(Outcome(verdict, started, duration, (None,) * len(PHASES), reason), rechecked=rechecked)
    assert [tuple(run) for run in history.runs()] == runs[-LENGTH:]
