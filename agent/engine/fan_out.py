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
        for sink in self._sinks:
            try:
                sink.added(check, standing)
            except Exception:
                self._report(sink, check)

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        for sink in self._sinks:
            try:
                sink.replaced(before, after, standing)
            except Exception:
                self._report(sink, after)

    def removed(self, check: Check) -> None:
        for sink in self._sinks:
            try:
                sink.removed(check)
            except Exception:
                self._report(sink, check)

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        for sink in self._sinks:
            try:
                sink.observed(check, outcome, standing)
            except Exception:
                self._report(sink, check)

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        for sink in self._sinks:
            try:
                sink.moved(check, transition, standing)
            except Exception:
                self._report(sink, check)

    def missed(self, check: Check, slots: int) -> None:
        for sink in self._sinks:
            try:
                sink.missed(check, slots)
            except Exception:
                self._report(sink, check)

    def _report(self, sink: Sink, check: Check) -> None:
        name = type(sink).__name__
        self._failed(name)
        _log.exception("a sink failed", sink=name, check=str(check.key))
