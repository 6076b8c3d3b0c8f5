"""The sink behind `/metrics`: in memory, inline and exact."""

from agent.core.check import Check
from agent.core.outcome import Outcome
from agent.core.transitions import Standing, State, Transition
from agent.metrics.store import Store


class PrometheusSink:
    """Writes outcomes into the store that the exposition reads. Implements `agent.core.ports.Sink`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def added(self, check: Check, standing: Standing) -> None:
        self._store.add(check, standing)

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        record = self._store.get(after.key)
        if record is not None and before.series_labels == after.series_labels:
            record.standing = standing
            record.describe(after)
            return
        self.removed(before)
        self._store.add(after, standing)

    def removed(self, check: Check) -> None:
        self._store.remove(check.key)

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        record = self._store.get(check.key)
        if record is not None:
            record.standing = standing
            record.note(outcome)
            if standing.state is State.BLOCKED:  # while this run was under way
                record.end_run()

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        record = self._store.get(check.key)
        if record is not None:
            record.standing = standing
            if transition.after is State.BLOCKED:
                record.end_run()

    def missed(self, check: Check, slots: int) -> None:
        """Missed slots are counted for the whole agent, by the engine."""
