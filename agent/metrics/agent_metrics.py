"""What the agent says of itself: is it on time, is it blind, is its configuration the one on disk?"""

from collections.abc import Callable
from platform import python_version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from agent.core.version import VERSION
from agent.metrics.delays import DELAYS, DelayHistogram
from agent.metrics.text import Description, Format, SeriesType


class AgentMetrics:
    """The agent's own metrics, in a registry of their own. Times are unix times, durations seconds."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        self._labels: dict[str, tuple[str, ...]] = {}
        ProcessCollector(registry=registry)
        build = self._gauge("reachd_build_info", "The version of reachd.", "version", "python")
        build.labels(VERSION, python_version()).set(1)
        self._reload_successful = self._gauge(
            "reachd_config_last_reload_successful",
            "Whether the configuration on disk is the one in use, but for what waits for a restart.",
        )
        self._reload_success_at = self._gauge(
            "reachd_config_last_reload_success_timestamp_seconds",
            "Unix time at which a configuration was last put to use.",
        )
        self._source_success_at = self._gauge(
            "reachd_source_last_success_timestamp_seconds",
            "Unix time of the last good snapshot of a source; a failing source keeps its snapshot.",
            "source",
        )
        self._leading = self._gauge(
            "reachd_leading",
            "Whether this agent leads its replicas: it alone watches the cluster.",
            "lease",
        )
        self._all_pods_watched = self._gauge(
            "reachd_all_pods_watched",
            "Whether this agent knows the pods of all namespaces; only then is it known which nodes have none.",
        )
        self._schedule_delay = DelayHistogram(
            "reachd_schedule_delay_seconds", "Time between the moment at which a run was due and its start."
        )
        self._event_loop_delay = DelayHistogram(
            "reachd_event_loop_delay_seconds", "How late the event loop woke a task that only waits."
        )
        registry.register(self._schedule_delay)
        registry.register(self._event_loop_delay)
        self._exposition = Histogram(
            "reachd_exposition_seconds",
            "Time that the event loop spent on one scrape, in slices.",
            buckets=DELAYS,
            registry=registry,
        )
        self._slots_missed = self._counter(
            "reachd_slots_missed_total",
            "Slots without a run, because the run before had not ended or limits were full.",
        )
        self._sink_dropped = self._counter(
            "reachd_sink_dropped_total",
            "What a sink had to drop because its queue was full or its receiver did not take it.",
            "sink",
        )
        self._stalled_runs = self._counter(
            "reachd_stalled_runs_total",
            "Runs that overlapped a stall of the event loop of over 10 ms; their times are left out of the latency.",
        )

    def schedule_delay(self, seconds: float) -> None:
        self._schedule_delay.observe(seconds)

    def event_loop_delay(self, seconds: float) -> None:
        self._event_loop_delay.observe(seconds)

    def exposition(self, seconds: float) -> None:
        self._exposition.observe(seconds)

    def slots_missed(self, slots: int) -> None:
        self._slots_missed.inc(slots)

    def stalled_run(self) -> None:
        self._stalled_runs.inc()

    def sink_dropped(self, sink: str, count: int = 1) -> None:
        """Counts what `sink` dropped; with a count of 0 the series begins to exist."""
        self._sink_dropped.labels(sink).inc(count)

    def reloaded(self, ok: bool, at: float) -> None:
        """A configuration was put to use, or refused."""
        self._reload_successful.set(ok)
        if ok:
            self._reload_success_at.set(at)

    def source_succeeded(self, source: str, at: float) -> None:
        """`at`: unix time of the last success, 0 before the first."""
        self._source_success_at.labels(source).set(at)

    def source_gone(self, source: str) -> None:
        """Nothing is found by `source` any more."""
        self._source_success_at.remove(source)

    def leading(self, lease: str, leads: Callable[[], bool]) -> None:
        """`lease`: namespace and name of the Lease by which replicas choose. `leads`: asked for each scrape."""
        self._leading.labels(lease).set_function(leads)

    def all_pods_watched(self, watched: bool) -> None:
        """Whether the pods of all namespaces are watched, and have been listed once."""
        self._all_pods_watched.set(watched)

    def text(self, form: Format) -> bytes:
        """All of it in one piece, with the end mark that OpenMetrics demands."""
        if form is Format.TEXT:
            return generate_latest(self._registry)
        text: bytes = generate_openmetrics(self._registry)  # type: ignore[no-untyped-call]
        return text

    def descriptions(self) -> list[Description]:
        """The families, as documentation needs them."""
        return [
            Description(
                name := f"{family.name}_total" if family.type == "counter" else family.name,
                SeriesType(family.type),
                family.documentation,
                self._labels.get(name, ()),
            )
            for family in self._registry.collect()
        ]

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        self._labels[name] = labels
        return Gauge(name, documentation, labels, registry=self._registry)

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        self._labels[name] = labels
        return Counter(name, documentation, labels, registry=self._registry)
