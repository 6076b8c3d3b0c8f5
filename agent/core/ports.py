"""The seams between the parts that must not know each other. The composition root joins them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agent.core.check import Check, CheckKey, Plan
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from agent.core.run import Run
from agent.core.transitions import Standing, State, Transition


class Probe(Protocol):
    """The code for one protocol, bound to one target."""

    async def run(self, run: Run) -> None:
        """Probes once. Returns when the target is up.

        Raises ProbeFailure or Inconclusive when it is not, and lets OSError, ssl.SSLError and TimeoutError pass: the
        caller knows what they mean in each phase.
        """


@runtime_checkable
class AskedByHand(Protocol):
    """The settings of a probe whose question people can put themselves."""

    def by_hand(self) -> str:
        """The command, as one types it in a shell, that asks what the probe asks; never with a secret."""


class Sink(Protocol):
    """A taker of outcomes. Every call returns at once: a sink that needs the network has a bounded queue of its own."""

    def added(self, check: Check, standing: Standing) -> None:
        """A check has begun to exist."""

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        """A check changed under the same key. Where its labels are the same its counters go on."""

    def removed(self, check: Check) -> None:
        """A check is no longer wanted; nothing of it may be exported any more."""

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        """A run has ended; `standing` takes it into account already. Called before `moved` for the same run."""

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        """The state of a check has changed, through a run or through what it depends on."""

    def missed(self, check: Check, slots: int) -> None:
        """`slots` slots of a check passed without a run: the run before had not ended, or limits were full."""


class Tracing(Protocol):
    """Decides before a run whether its trace context goes to the target."""

    def traceparent(self, check: Check, failing: bool) -> str:
        """A W3C traceparent for the run about to start, or empty. `failing`: the last run did not succeed."""


class StatusBoard(Protocol):
    """What the page and the API show: read-only, always current."""

    def plan(self) -> Plan: ...

    def entry(self, key: CheckKey) -> "CheckEntry | None": ...

    def entries(self) -> "Sequence[CheckEntry]": ...

    def events(self) -> AsyncIterator["StatusEvent"]:
        """State changes from now on. Bounded: a reader that is too slow is cut off."""


class CheckEntry(Protocol):
    """One check as the page and the API show it: its last runs, and counts since start.

    last_failure: the last run that was not up. last_down: the last one that found the target down.
    """

    @property
    def check(self) -> Check: ...

    @property
    def standing(self) -> Standing: ...

    @property
    def last(self) -> Outcome | None: ...

    @property
    def last_failure(self) -> Outcome | None: ...

    @property
    def last_down(self) -> Outcome | None: ...

    @property
    def runs(self) -> int: ...

    @property
    def failures(self) -> int: ...

    def history(self) -> "Sequence[HistoryItem]":
        """Recent runs, oldest first."""


class HistoryItem(Protocol):
    """One past run: unix time of its start, seconds it took, its verdict, and why it was not up.

    rechecked: a first failure, which a quick re-check then confirmed or not.
    """

    @property
    def started(self) -> float: ...

    @property
    def duration(self) -> float: ...

    @property
    def verdict(self) -> Verdict: ...

    @property
    def reason(self) -> Reason | None: ...

    @property
    def rechecked(self) -> bool: ...


class StatusEvent(Protocol):
    """A change of state at unix time `at`, with the reason of the run that caused it."""

    @property
    def key(self) -> CheckKey: ...

    @property
    def at(self) -> float: ...

    @property
    def before(self) -> State: ...

    @property
    def after(self) -> State: ...

    @property
    def reason(self) -> Reason | None: ...


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the agent that people should know, and since when (unix time)."""

    text: str
    since: float


class Health(Protocol):
    """What the agent says of itself."""

    def live(self) -> Mapping[str, str | None]:
        """Conditions of liveness by name; None is fine, a text says what is wrong."""

    def ready(self) -> Mapping[str, str | None]:
        """Conditions of readiness by name; None is fine, a text says what is wrong. Never depends on a target."""

    def notes(self) -> Mapping[str, Note]:
        """What is wrong and keeps the agent neither from living nor from being ready, by name."""


@dataclass(frozen=True, slots=True)
class DemoSwitch:
    """A fault of the simulated deployment that people may switch on.

    name: as in the API and on the command line. title: what breaks. description: what an operator would see.
    """

    name: str
    title: str
    description: str
    on: bool


class DemoControls(Protocol):
    """The faults of the simulated deployment."""

    def switches(self) -> Sequence[DemoSwitch]:
        """All faults, in the order in which to show them."""

    async def set(self, name: str, on: bool) -> None:
        """Switches a fault on or off, at once. Raises KeyError for a name that no fault has."""
