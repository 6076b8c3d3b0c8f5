"""What agents export of checks: the series that the agent's own code makes of a timeline.

Words, of which each run has one: `up`; `slow`; `down`, which the quick re-check confirms; `miss`, a failed run whose
re-check comes with the next slot; `blip`, one whose re-check succeeds; `unknown`, for which the agent is to blame;
`mute`, which says nothing and nobody is to blame; `blocked`; `idle`, no run at all.
A reason or a status code may follow, as in `down:dns_timeout` or `blip:500`. And `restart`, not there while the agent
restarts; `removed`, not there by configuration; `unanswered`, there, but Prometheus gets no answer; gone; hole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agent.core.check import Check, Path, Severity
from agent.core.measures import Measure
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Phase, Reason
from agent.core.transitions import Remembered, Standing
from agent.metrics.store import Store
from agent.metrics.text import Format
from agent.probes import settings_of
from agent.probes._http import RESPONSES, STATUS_CODE
from agent.sinks.prometheus import PrometheusSink
from tests.alerts.series import Samples, labelled
from tests.alerts.timeline import GONE, HOLE, words

ABSENT = (GONE, "restart", "removed")
_UNANSWERED = "unanswered"
_EARLIEST = 0.5
"""A unix time: the agent exports no time of 0."""


@dataclass(frozen=True)
class Watched:
    """A check as one agent makes it. `every`: seconds. Without `cluster` its series do not have that label."""

    runs: str
    check: str = "server-live"
    component: str = "server"
    kind: str = "http"
    severity: str = "page"
    vantage: str = "server"
    instance: str = "agent-0"
    deployment: str = "prod"
    system: str = "meshery"
    every: int = 15
    slo: float = 0.999

    @property
    def identity(self) -> dict[str, str]:
        """What alerts on the check are labelled with, besides the cluster."""
        names = ("deployment", "system", "component", "check", "kind")
        return {name: str(getattr(self, name)) for name in names}

    def samples(self, cluster: str | None, step: int, until: int, metrics: Sequence[str]) -> Samples:
        """What Prometheus has scraped, each `step` seconds; only these metrics, where any are named."""
        unit = min(self.every, step)
        agent = _Agent(self, metrics, unit)
        spoken = words(self.runs, unit, until)
        scrapes = []
        for at in range(0, until + 1, step):
            since = max(at - step, 0) // unit + 1
            scrapes.append(agent.scrape(spoken[at // unit], spoken[since : at // unit + 1], at))
        names = {name for scrape in scrapes if scrape is not None for name in scrape}
        target = labelled("", cluster=cluster, job="reachd", instance=self.instance)[1:-1]
        return {
            f"{name[:-1]},{target}}}": [HOLE if scrape is None else scrape.get(name) for scrape in scrapes]
            for name in sorted(names)
        }


class _Agent:
    def __init__(self, watched: Watched, metrics: Sequence[str], unit: int) -> None:
        self._watched = watched
        self._unit = unit
        self._begins = tuple(f"{metric}{{" for metric in metrics) or ("probe_", "nats_")
        self._check = _check(watched)
        self._standing = Standing()
        self._start(self._standing)

    def _start(self, standing: Standing) -> None:
        self._store = Store()
        self._sink = PrometheusSink(self._store)
        self._standing = standing
        self._sink.added(self._check, standing)
        self._absent = False

    def scrape(self, word: str, turns: Sequence[str], at: int) -> dict[str, str] | None:
        """The samples by series at `at` seconds; None where nobody asks.

        word: what is true then. turns: what is true at each slot since the scrape before.
        """
        if word in ABSENT:
            self._absent = True
            return {}
        if self._absent:
            before = self._standing
            self._start(Standing(remembered=Remembered(before.state, before.since, before.since_exact)))
        if word == "blocked":
            self._standing.block(("broker-client",), at)
        else:
            self._standing.unblock(at)
        for turn in turns:
            if turn not in (*ABSENT, _UNANSWERED, "blocked", "idle") and self._due(at):
                self._slot("up" if turn == HOLE else turn, at)
        if word == _UNANSWERED:
            return {}
        return None if word == HOLE else dict(self._exported())

    def _due(self, at: int) -> bool:
        """Whether there is a slot in each unit of time, or the one at `at` is among the fewer."""
        return self._watched.every == self._unit or at % self._watched.every == 0

    def _slot(self, turn: str, at: int) -> None:
        for outcome in _outcomes(turn, max(at, _EARLIEST)):
            self._run(outcome)
            if self._standing.suspected and not turn.startswith(("miss", "blip")):
                self._run(outcome)

    def _run(self, outcome: Outcome) -> None:
        if RESPONSES not in settings_of(self._watched.kind).metrics:
            outcome = replace(outcome, measures=[])
        self._standing.judge(outcome)
        self._sink.observed(self._check, outcome, self._standing)

    def _exported(self) -> Iterator[tuple[str, str]]:
        for text in self._store.texts(Format.TEXT):
            for line in text.splitlines():
                if line.startswith(self._begins):
                    name, _, value = line.rpartition(" ")
                    yield name, value.removesuffix(".000")


def _check(watched: Watched) -> Check:
    return Check(
        **{name: getattr(watched, name) for name in ("deployment", "system", "component", "kind", "vantage")},
        name=watched.check,
        settings=watched.check,
        every=float(watched.every),
        timeout=5.0,
        slo=watched.slo,
        latency_objective=0.5,
        severity=Severity(watched.severity),
        target=f"http://{watched.check}.example:8080/",
        host=f"{watched.check}.example",
        path=Path("client", watched.component, "8080/tcp", "Liveness"),
    )


def _outcomes(turn: str, at: float) -> Iterator[Outcome]:
    good = Outcome(Verdict.UP, at, 0.25, (None, 0.1, None, None, 0.15, None), measures=_answer("200"))
    match turn.partition(":"):
        case "up", _, _:
            yield good
        case "slow", _, _:
            yield replace(good, duration=0.75)
        case "unknown", _, _:
            yield Outcome(Verdict.UNKNOWN, at, 0.0, (None,) * len(PHASES), Reason.OVERLOADED)
        case "down" | "miss", _, why:
            yield _bad(why, at)
        case "mute", _, _:
            yield Outcome(Verdict.UNKNOWN, at, 0.0, (None,) * len(PHASES))
        case "blip", _, why:
            yield _bad(why, at)
            yield good
        case _:
            raise ValueError(turn)


def _bad(why: str, at: float) -> Outcome:
    """A failed run. `why`: a status code or a reason; empty for a refused connection."""
    refused = Outcome(Verdict.DOWN, at, 0.1, (None, 0.1, None, None, None, None), Reason.CONNECT_REFUSED, Phase.CONNECT)
    if why.isdigit():
        return replace(refused, reason=Reason.SERVER_ERROR, phase=Phase.RESPONSE, measures=_answer(why))
    return replace(refused, reason=Reason(why)) if why else refused


def _answer(code: str) -> list[Measure]:
    return [Measure(STATUS_CODE, float(code)), Measure(RESPONSES, 1.0, (code,))]
