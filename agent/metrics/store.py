"""The state behind all series of the checks, and how they are laid out as families."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from agent.core.check import Check, CheckKey
from agent.core.measures import Metric
from agent.core.transitions import Standing, State
from agent.metrics.families import FAMILIES
from agent.metrics.latency import LATENCY, Latency
from agent.metrics.measured import MeasuredFamily, MeasuredKind, describe
from agent.metrics.pieces import slices, with_header
from agent.metrics.record import Record
from agent.metrics.text import Description, Format, SeriesType, labels_text, number
from agent.probes import settings_of

CHECKS = Description("reachd_checks", SeriesType.GAUGE, "Checks by the state that they are in.", ("state",))

_SLICE = 128
"""Records whose lines are made without a pause: at most some 0.5 ms of work."""


def _metrics_of(kind: str) -> Sequence[Metric]:
    return settings_of(kind).metrics


class Store:
    """The records of all checks, the histograms that they share, and the metrics of the kinds in use."""

    def __init__(self, metrics_of: Callable[[str], Sequence[Metric]] = _metrics_of) -> None:
        """`metrics_of`: what the probes of a kind may measure; asked when the first check of the kind appears."""
        self._metrics_of = metrics_of
        self._records: dict[CheckKey, Record] = {}
        self._latencies: dict[str, Latency] = {}
        self._kinds: dict[str, MeasuredKind] = {}
        self._families: dict[Metric, MeasuredFamily] = {}

    def get(self, key: CheckKey) -> Record | None:
        return self._records.get(key)

    def add(self, check: Check, standing: Standing) -> None:
        """Begins the series of a check, its counters at 0."""
        latency = self._latency(check)
        latency.checks += 1
        self._records[check.key] = Record(check, standing, self._kind(check.kind), latency)

    def remove(self, key: CheckKey) -> None:
        """Ends the series of a check; a histogram ends with its last check."""
        record = self._records.pop(key)
        record.latency.checks -= 1
        if not record.latency.checks:
            del self._latencies[record.latency.labels]

    def texts(self, form: Format) -> Iterator[str]:
        """The text of all families that have samples, one after the other, in pieces that are quick to make.

        The checks are those of the beginning, however long the reader takes and whatever comes and goes meanwhile.
        """
        records = tuple(self._records.values())
        latencies = tuple(self._latencies.values())
        measured = tuple(self._families)
        for description, lines in FAMILIES:
            name = description.name
            yield from with_header(description, form, ("".join(lines(name, some)) for some in slices(records, _SLICE)))
        yield from with_header(LATENCY, form, (latency.lines(form) for latency in latencies))
        yield from with_header(CHECKS, form, iter((_state_lines(records),)))
        for metric in measured:
            texts = ("".join(_measured_lines(metric, some)) for some in slices(records, _SLICE))
            yield from with_header(describe(metric), form, texts)

    def _latency(self, check: Check) -> Latency:
        labels = check.series_labels
        text = labels_text([(name, labels[name]) for name in LATENCY.labels])
        latency = self._latencies.get(text)
        if latency is None:
            latency = self._latencies[text] = Latency(text)
        return latency

    def _kind(self, name: str) -> MeasuredKind:
        kind = self._kinds.get(name)
        if kind is None:
            metrics = self._metrics_of(name)
            families = [self._families.setdefault(metric, MeasuredFamily(metric)) for metric in metrics]
            kind = self._kinds[name] = MeasuredKind(name, families)
        return kind


def _measured_lines(metric: Metric, records: Sequence[Record]) -> Iterator[str]:
    name = metric.name
    for record in records:
        place = record.measured.place(metric)
        samples = record.samples[place] if place is not None else None
        if isinstance(samples, dict):
            for text, value in samples.items():
                yield f"{name}{{{record.labels},{text}}} {number(value)}\n"
        elif samples is not None:
            yield f"{name}{{{record.labels}}} {number(samples)}\n"


def _state_lines(records: Sequence[Record]) -> str:
    counts = Counter([record.standing.state for record in records])
    return "".join([f'{CHECKS.name}{{state="{state}"}} {counts[state]}\n' for state in State])
