"""What the series of one check are made of."""

from functools import cache

from agent.core.check import Check
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.core.transitions import Standing
from agent.metrics.latency import Exemplar, Latency
from agent.metrics.measured import MeasuredKind, Samples
from agent.metrics.text import labels_text

_UP, _DOWN = Verdict.UP, Verdict.DOWN


class Record:
    """One check: its labels as text, its counters since it began to exist, and what its last run said.

    success: whether the last conclusive run succeeded. failure: the labels of the last failed run's reason.
    phases: seconds per phase, in the order of `PHASES`. Times are unix times; those that are not known yet are None.
    """

    __slots__ = (
        "check",
        "duration",
        "failure",
        "failures",
        "inconclusive",
        "info",
        "labels",
        "last_run",
        "last_success",
        "latency",
        "measured",
        "phases",
        "reasons",
        "runs",
        "samples",
        "slow",
        "standing",
        "success",
    )

    def __init__(self, check: Check, standing: Standing, measured: MeasuredKind, latency: Latency) -> None:
        self.labels = labels_text(check.series_labels.items())
        self.standing = standing
        self.measured = measured
        self.latency = latency
        self.runs = self.failures = self.inconclusive = self.slow = 0
        self.reasons: dict[Reason, int] | None = None
        self.success: bool | None = None
        self.failure = ""
        self.duration: float | None = None
        self.phases: tuple[float | None, ...] = ()
        self.last_run: float | None = None
        self.last_success: float | None = None
        self.samples: list[Samples] = [None] * measured.size
        self.describe(check)

    def describe(self, check: Check) -> None:
        """Takes what the configuration says of the check; its series labels stay."""
        self.check = check
        self.info = labels_text(_info_labels(check).items())

    def note(self, outcome: Outcome) -> None:
        """Takes one run into account."""
        self.runs += 1
        self.last_run = outcome.started
        self.duration = outcome.duration
        self.phases = outcome.phases
        if outcome.verdict is _UP:
            self.success = True
            self.last_success = outcome.started
            if not outcome.stalled:
                self._note_latency(outcome)
        elif outcome.verdict is _DOWN:
            self.success = False
            self.failures += 1
            if outcome.reason is not None:
                self.failure = failure_labels(outcome.reason, outcome.phase)
        else:
            self.inconclusive += 1
        if outcome.reason is not None:
            self._note_reason(outcome.reason)
        self.measured.note(self.samples, outcome.measures)

    def end_run(self) -> None:
        """Forgets what the last run measured, which is not known to be true any more; what accumulates stays."""
        self.measured.end_run(self.samples)

    def _note_reason(self, reason: Reason) -> None:
        if self.reasons is None:
            self.reasons = {}
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def _note_latency(self, outcome: Outcome) -> None:
        seconds = outcome.duration - outcome.waited
        if seconds > self.check.latency_objective:
            self.slow += 1
        self.latency.observe(seconds)
        if outcome.traceparent and outcome.sampled:  # mostly there is none, which costs no call
            self.latency.remember(Exemplar(outcome.trace_id, seconds, outcome.started))


def _info_labels(check: Check) -> dict[str, str]:
    """A user's label is prefixed, so that it cannot take the place of one of ours."""
    return {
        "target": check.target,
        "purpose": check.path.purpose,
        "source": check.origin,
        "severity": check.severity,
        **{f"label_{_label_name(name)}": value for name, value in check.labels},
    }


def _label_name(name: str) -> str:
    return "".join([character if character.isascii() and character.isalnum() else "_" for character in name])


@cache
def failure_labels(reason: Reason, phase: Phase | None) -> str:
    """The labels of `probe_failing`."""
    return f'reason="{reason}",phase="{phase or "none"}",blame="{reason.blame}"'
