"""Hands what happens to every sink. A sink that fails is logged; neither the check nor the other sinks notice."""

from collections.abc import Callable, Sequence

import structlog

from agent.core.check import Check
from agent.core.outcome import Outcome
from agent.core.ports import Sink
from agent.core.transitions import Standing, Transition

_log = structlog.get_logger("agent.engine")


class FanOut:
    """All sinks as one. Implements `agent.core.ports.Sink`."""

    def __init__(self, sinks: Sequence[Sink], failed: Callable[[str], None]) -> None:
        """`failed` is told the name of a sink that raised, to be counted."""
        self._sinks = tuple(sinks)
        self._failed = failed

    def added(self, check: Check, standing: Standing) -> None:
        self._tell(check, lambda sink: sink.added(check, standing))

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        self._tell(after, lambda sink: sink.replaced(before, after, standing))

    def removed(self, check: Check) -> None:
        self._tell(check, lambda sink: sink.removed(check))

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        for sink in self._sinks:  # as `_tell` does, without its calls: this is for every run
            try:
                sink.observed(check, outcome, standing)
            except Exception:
                self._report(sink, check)

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        self._tell(check, lambda sink: sink.moved(check, transition, standing))

    def missed(self, check: Check, slots: int) -> None:
        self._tell(check, lambda sink: sink.missed(check, slots))

    def _tell(self, check: Check, news: Callable[[Sink], None]) -> None:
        for sink in self._sinks:
            try:
                news(sink)
            except Exception:
                self._report(sink, check)

    def _report(self, sink: Sink, check: Check) -> None:
        """Called where the exception is handled, which the log shows."""
        name = type(sink).__name__
        self._failed(name)
        _log.exception("a sink failed", sink=name, check=str(check.key))
