"""What probes measure, kept per check: where each metric of a kind has its place, and how its samples combine."""

from collections.abc import Sequence

import structlog

from agent.core.measures import OTHER, Measure, Metric, MetricType
from agent.metrics.text import Description, SeriesType, escape_label

_log = structlog.get_logger("agent.metrics")

_SERIES_TYPE = {
    MetricType.GAUGE: SeriesType.GAUGE,
    MetricType.COUNTER: SeriesType.COUNTER,
    MetricType.REMOTE_COUNTER: SeriesType.COUNTER,
    MetricType.INFO: SeriesType.INFO,
}
_REMOTE_COUNTER = MetricType.REMOTE_COUNTER
_MAX_TEXTS = 4096

Samples = float | dict[str, float] | None
"""The series of one metric for one check: a number, for a metric with labels one per label text, or None of them."""


def describe(metric: Metric) -> Description:
    """The family that a metric is exported as."""
    return Description(
        metric.name, _SERIES_TYPE[metric.type], metric.help, tuple([label.name for label in metric.labels])
    )


class MeasuredFamily:
    """One metric that probes measure, whichever kinds measure it."""

    __slots__ = ("_texts", "accumulates", "metric")

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.accumulates = metric.type is MetricType.COUNTER
        self._texts: dict[tuple[str, ...], str] = {}

    def text(self, values: tuple[str, ...]) -> str:
        """The labels as they are exported: a value outside its label's closed set becomes `other`."""
        text = self._texts.get(values)
        if text is not None:
            return text
        allowed = tuple(
            [
                value if label.values is None or value in label.values else OTHER
                for label, value in zip(self.metric.labels, values, strict=True)
            ]
        )
        text = ",".join(
            [f'{label.name}="{escape_label(value)}"' for label, value in zip(self.metric.labels, allowed, strict=True)]
        )
        if allowed == values and len(self._texts) < _MAX_TEXTS:
            self._texts[values] = text
        return text


class MeasuredKind:
    """The metrics that one kind of probe measures; each has its place in the list of samples that a check keeps."""

    __slots__ = ("_kind", "_last_run_only", "_places", "_unknown", "size")

    def __init__(self, kind: str, families: Sequence[MeasuredFamily]) -> None:
        self._kind = kind
        self._places = {family.metric: (place, family) for place, family in enumerate(families)}
        self._last_run_only = [place for place, family in enumerate(families) if not family.accumulates]
        self._unknown: set[Metric] = set()
        self.size = len(families)

    def place(self, metric: Metric) -> int | None:
        """Where the samples of `metric` are, or None when this kind does not measure it."""
        known = self._places.get(metric)
        return known[0] if known else None

    def note(self, samples: list[Samples], measures: Sequence[Measure]) -> None:
        """Takes the measures of a run into `samples`; what the run did not measure ends, counters excepted.

        Where two samples of one run have the same labels, counters add up and of a gauge the last one stays.
        """
        self.end_run(samples)
        for metric, value, labels in measures:
            known = self._places.get(metric)
            if known is None:
                self._report(metric)
                continue
            place, family = known
            if not labels:
                before = samples[place]
                samples[place] = before + value if family.accumulates and isinstance(before, float) else float(value)
                continue
            series = samples[place]
            if not isinstance(series, dict):
                samples[place] = series = {}
            text = family.text(labels)
            adds = family.accumulates or metric.type is _REMOTE_COUNTER
            series[text] = series.get(text, 0.0) + value if adds else value

    def end_run(self, samples: list[Samples]) -> None:
        """Forgets what the last run measured; what accumulates stays."""
        for place in self._last_run_only:
            samples[place] = None

    def _report(self, metric: Metric) -> None:
        if metric not in self._unknown:
            self._unknown.add(metric)
            _log.error("a probe measured what its kind does not declare", kind=self._kind, metric=metric.name)
