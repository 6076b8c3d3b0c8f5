"""One run of a probe while it lasts: its clock, its deadline, what it measures, and the ways it can end early."""

from time import perf_counter, time

from agent.core.measures import Measure, Metric
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Blame, Phase, Reason
from agent.core.secrets import conceal

_new_tuple = tuple.__new__
_PHASE_INDEX = {phase: index for index, phase in enumerate(PHASES)}
_AT_START = (0.0, *(None,) * (len(PHASES) - 1))
"""Seconds per phase of a run that has just entered the first one."""
_UP = Verdict.UP
_VERDICT_MARGIN = 0.05
"""Seconds before the deadline at which silence has to be judged."""
_LONGEST = 1000
"""Characters of a detail or an advice: a second wall, for what should have been bounded where it was quoted."""


class ProbeFailure(Exception):  # noqa: N818 - it is the failure of the target, not an error of the program
    """Raised by a probe when the run cannot succeed. `detail` may quote the target; it must be bounded."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Inconclusive(Exception):  # noqa: N818
    """Raised by a probe when what it saw says nothing about the target.

    `advice` tells the reader, in one sentence, how to get a verdict.
    """

    def __init__(self, detail: str, advice: str = "") -> None:
        super().__init__(detail, advice)
        self.detail = detail
        self.advice = advice


class Run:
    """The stopwatch and notebook that a probe carries through one run.

    A run is in exactly one phase from its start to its end, so its phases add up to its duration.
    """

    __slots__ = (
        "_entered",
        "_index",
        "_phases",
        "advice",
        "deadline",
        "detail",
        "measures",
        "peer",
        "proxy",
        "redirected",
        "started",
        "timeout_reason",
        "traceparent",
        "waited",
    )

    def __init__(self, timeout: float, traceparent: str = "") -> None:
        """`timeout`: seconds that the whole run may take. `traceparent`: W3C trace context to send, or empty."""
        self.started = time()
        self._entered = perf_counter()
        self.deadline = self._entered + timeout
        self._index = 0
        self._phases: list[float | None] = [*_AT_START]
        self.measures: list[Measure] = []
        self.peer = ""
        self.proxy = ""
        """The proxy through which the present connection leads; whatever goes wrong there may be its doing."""
        self.redirected = ""
        """The URL to which a redirect has led the run, as it may be shown; a failure is then that of this place."""
        self.detail = ""
        self.advice = ""
        self.traceparent = traceparent
        self.waited = 0.0
        """Seconds that the probe spent waiting on purpose, for which nobody's latency is to blame."""
        self.timeout_reason: Reason | None = None
        """What a timeout in the present phase means, where that is more than the phase says."""

    @property
    def phase(self) -> Phase:
        """The phase that the run is in."""
        return PHASES[self._index]

    def enter(self, phase: Phase) -> None:
        """Ends the present phase and begins `phase`. A phase entered again goes on adding up."""
        now = perf_counter()
        phases = self._phases
        phases[self._index] += now - self._entered  # type: ignore[operator]  # the present phase is never None
        self._entered = now
        self._index = index = _PHASE_INDEX[phase]
        if phases[index] is None:
            phases[index] = 0.0

    def remaining(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.deadline - perf_counter()

    def time_to_judge(self) -> float:
        """Seconds until a probe that waits has to say what silence means, so that there is a verdict in time."""
        return self.remaining() - _VERDICT_MARGIN

    def in_phase(self) -> float:
        """Seconds since the present phase was entered."""
        return perf_counter() - self._entered

    def measure(self, metric: Metric, value: float, *labels: str) -> None:
        """Notes a measured value; `labels` in the order of the metric's labels."""
        # Calling the class itself costs twice as much, for each of five measures in each run.
        self.measures.append(_new_tuple(Measure, (metric, value, labels)))

    def succeeded(self) -> Outcome:
        """Ends the run: the target is up."""
        return self._end(_UP, None, self.detail, self.advice)

    def failed(self, reason: Reason, detail: str) -> Outcome:
        """Ends the run for `reason`; when the agent is to blame, it says nothing about the target."""
        verdict = Verdict.UNKNOWN if reason.blame is Blame.AGENT else Verdict.DOWN
        return self._end(verdict, reason, detail, self.advice)

    def inconclusive(self, detail: str, advice: str) -> Outcome:
        """Ends the run without a verdict."""
        return self._end(Verdict.UNKNOWN, None, detail, advice)

    def _end(self, verdict: Verdict, reason: Reason | None, detail: str, advice: str) -> Outcome:
        phase = self.phase
        self.enter(phase)
        detail = _bounded(detail) if detail else ""
        if verdict is not _UP:
            if self.redirected:
                detail = f'{detail}; after a redirect to "{self.redirected}"'
            if self.proxy and self.proxy not in detail:
                detail = f"{detail}; through the proxy {conceal(self.proxy)}"
        phases = tuple(self._phases)
        return Outcome(
            verdict,
            self.started,
            sum(filter(None, phases), 0.0),
            phases,
            reason,
            None if verdict is _UP else phase,
            detail,
            _bounded(advice) if advice else "",
            self.measures,
            self.peer,
            self.traceparent,
            self.waited,
            "" if verdict is _UP else self.redirected,
        )


def _bounded(text: str) -> str:
    """The beginning of a text, without secrets."""
    shown = conceal(text, _LONGEST + 1)
    return f"{shown[:_LONGEST]}…" if len(shown) > _LONGEST else shown
