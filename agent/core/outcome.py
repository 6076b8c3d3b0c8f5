"""The result of one run of a check."""

from dataclasses import dataclass, field
from enum import StrEnum

from agent.core.measures import Measure
from agent.core.reasons import PHASES, Phase, Reason


class Verdict(StrEnum):
    """What one run says of its target. UNKNOWN: inconclusive, or the agent itself is to blame."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Outcome:
    """The result of one run.

    started: unix time in seconds.
    duration: seconds from start to verdict, the sum of `phases`.
    phases: seconds per phase in the order of `PHASES`; None where the run never entered the phase.
    phase: the phase in which the run ended when it did not succeed, else None.
    reason: None when up, and when inconclusive through nobody's fault.
    detail: a sentence for people; may quote the target, bounded and without secrets. Never a label.
    advice: for an inconclusive run, the sentence that says how to get a verdict.
    peer: address and port that answered, as `address:port`, or empty.
    traceparent: the W3C trace context that was sent to the target, or empty.
    waited: seconds of `duration` that the probe waited on purpose, as for an idle connection to be cut.
    redirected: the URL to which a redirect led a run that did not succeed, bounded and without secrets; or empty.
    stalled: the run overlapped a stall of the agent's event loop, so its times say nothing about the target.
    """

    verdict: Verdict
    started: float
    duration: float
    phases: tuple[float | None, ...]
    reason: Reason | None = None
    phase: Phase | None = None
    detail: str = ""
    advice: str = ""
    measures: list[Measure] = field(default_factory=list)
    peer: str = ""
    traceparent: str = ""
    waited: float = 0.0
    redirected: str = ""
    stalled: bool = False

    def phase_seconds(self) -> dict[Phase, float]:
        """Seconds of each phase that the run entered, in order."""
        return {phase: seconds for phase, seconds in zip(PHASES, self.phases, strict=True) if seconds is not None}

    @property
    def sampled(self) -> bool:
        """Whether the target was told that the run's trace is exported."""
        return self.traceparent.endswith("-01")

    @property
    def trace_id(self) -> str:
        """The trace that the target was told of, in lower-case hexadecimal; empty where it was told of none."""
        return self.traceparent[3:35]

    def value(self, metric: str) -> float | None:
        """The last value that the run measured for the metric of this name, or None."""
        for measure in reversed(self.measures):
            if measure.metric.name == metric:
                return measure.value
        return None
