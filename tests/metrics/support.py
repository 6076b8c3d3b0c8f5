"""A sink that is fed by hand, and scrapes of it that are read by prometheus-client's own parsers."""

import zlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from prometheus_client import Metric as ParsedFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from agent.core.check import Check, Path, Severity
from agent.core.measures import Label, Measure, Metric, MetricType
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.core.run import Run
from agent.core.transitions import Standing
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.exposition import Exposition
from agent.metrics.store import Store
from agent.sinks.prometheus import PrometheusSink

OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.3"
TEXT = "text/plain;version=0.0.4"

DEPTH = Metric("probe_depth", MetricType.GAUGE, "Depth.")
DEPTH_OF = Metric("probe_depth_of", MetricType.GAUGE, "Depth by place.", (Label("place", frozenset({"a", "b"})),))
ANSWERS = Metric("probe_answers_total", MetricType.COUNTER, "Answers.", (Label("code", frozenset({"200", "503"})),))
RETRIES = Metric("probe_retries_total", MetricType.COUNTER, "Retries.")
MESSAGES = Metric("nats_server_messages_total", MetricType.REMOTE_COUNTER, "Messages.")
SUITE = Metric(
    "probe_suite_info", MetricType.INFO, "Suite.", (Label("version", frozenset({"1"})), Label("owner", None))
)
METRICS = (DEPTH, DEPTH_OF, ANSWERS, RETRIES, MESSAGES, SUITE)


def make_check(name: str = "server-live", **changes: object) -> Check:
    """A check like one of Meshery's, of a kind that measures all of METRICS."""
    check = Check(
        deployment="prod",
        system="meshery",
        component="server",
        name=name,
        kind="fake",
        vantage="server",
        settings=name,
        every=15.0,
        timeout=5.0,
        slo=0.999,
        latency_objective=0.5,
        severity=Severity.PAGE,
        target="http://meshery.meshery.svc:9081/healthz/live",
        host="meshery.meshery.svc",
        path=Path("kubelet", "server", "8080/tcp", "Liveness"),
    )
    return replace(check, **changes)  # type: ignore[arg-type]


def success(duration: float = 0.25, *measures: Measure, **changes: object) -> Outcome:
    """A run that spent its time connecting and waiting for the answer."""
    phases = (None, duration / 2, None, None, duration / 2, None)
    outcome = Outcome(Verdict.UP, 1_700_000_000.25, duration, phases, measures=list(measures))
    return replace(outcome, **changes)  # type: ignore[arg-type]


def failure(reason: Reason, phase: Phase | None = Phase.CONNECT, *measures: Measure, **changes: object) -> Outcome:
    """A run that failed; the agent's own reasons make it inconclusive."""
    judged = Run(1.0).failed(reason, "why")
    outcome = replace(judged, phase=phase, measures=list(measures), started=1_700_000_000.25)
    return replace(outcome, **changes)  # type: ignore[arg-type]


class Scene:
    """A Prometheus sink, fed as the engine feeds it."""

    def __init__(self, *checks: Check) -> None:
        self.agent = AgentMetrics()
        self.store = Store(lambda kind: METRICS)
        self.sink = PrometheusSink(self.store)
        self.exposition = Exposition(self.store, self.agent)
        self.standings: dict[Check, Standing] = {}
        for check in checks:
            self.add(check)

    def add(self, check: Check) -> None:
        self.standings[check] = Standing()
        self.sink.added(check, self.standings[check])

    def run(self, check: Check, *outcomes: Outcome) -> None:
        """Ends some runs of the check, which may change its state."""
        standing = self.standings[check]
        for outcome in outcomes:
            transition = standing.judge(outcome)
            self.sink.observed(check, outcome, standing)
            if transition is not None:
                self.sink.moved(check, transition, standing)

    async def text(self, accept: str = OPENMETRICS) -> str:
        _, body = self.exposition.render(accept, "")
        return b"".join([chunk async for chunk in body]).decode()

    async def families(self, accept: str = OPENMETRICS) -> dict[str, ParsedFamily]:
        """The families of a scrape by name; fails where a name comes twice."""
        text = await self.text(accept)
        parse = parse_openmetrics if accept == OPENMETRICS else parse_text
        parsed = list(parse(text))
        families = {family.name: family for family in parsed}
        assert len(families) == len(parsed)
        return families

    async def samples(self, name: str, accept: str = OPENMETRICS) -> Sequence[Sample]:
        """All samples with this name."""
        families = await self.families(accept)
        return [sample for sample in chain(*[family.samples for family in families.values()]) if sample.name == name]

    async def values(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by those of its labels."""
        samples = await self.samples(name)
        values = {tuple([sample.labels[label] for label in labels]): sample.value for sample in samples}
        assert len(values) == len(samples)
        return values

    async def value(self, name: str) -> float | None:
        """The value of the one series of a metric, None where there is none."""
        values = await self.values(name)
        return values.get(())


def unpack(body: bytes) -> bytes:
    """The content of one complete gzip stream."""
    stream = zlib.decompressobj(31)
    content = stream.decompress(body)
    assert stream.eof
    assert not stream.unused_data
    return content
