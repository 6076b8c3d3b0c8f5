"""All sinks are told all news, whatever one of them does."""

from collections.abc import Callable

import pytest

from agent.core.check import Check
from agent.core.outcome import Outcome, Verdict
from agent.core.ports import Sink
from agent.core.transitions import Standing, State, Transition
from agent.engine.fan_out import FanOut
from tests.engine.support import Recorder, check

CHECK = check("web", {"kind": "tcp", "address": "127.0.0.1:1"})
OUTCOME = Outcome(Verdict.UP, started=0.0, duration=0.0, phases=())
TRANSITION = Transition(State.UNKNOWN, State.UP, 0.0, OUTCOME)


class BrokenSink:
    """Implements `agent.core.ports.Sink`, badly."""

    def added(self, check: Check, standing: Standing) -> None:
        raise RuntimeError

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        raise RuntimeError

    def removed(self, check: Check) -> None:
        raise RuntimeError

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        raise RuntimeError

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        raise RuntimeError

    def missed(self, check: Check, slots: int) -> None:
        raise RuntimeError


@pytest.mark.parametrize(
    "news",
    [
        lambda sink: sink.replaced(CHECK, CHECK, Standing()),
        lambda sink: sink.removed(CHECK),
        lambda sink: sink.observed(CHECK, OUTCOME, Standing()),
        lambda sink: sink.moved(CHECK, TRANSITION, Standing()),
        lambda sink: sink.missed(CHECK, 2),
    ],
)
def test_a_sink_that_fails_is_counted_and_keeps_no_news_from_the_others(news: Callable[[Sink], None]) -> None:
    told, meant = Recorder(), Recorder()
    failed: list[str] = []
    sinks = FanOut([BrokenSink(), told], failed.append)
    sinks.added(CHECK, Standing())
    news(sinks)
    meant.added(CHECK, Standing())
    news(meant)
    assert told == meant
    assert failed == ["BrokenSink", "BrokenSink"]
