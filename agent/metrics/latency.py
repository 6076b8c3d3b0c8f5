"""The histogram of latencies: one per component and kind, so that its series do not multiply with the checks."""

from bisect import bisect_left
from typing import NamedTuple

from agent.metrics.text import Description, Format, SeriesType, number

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets in seconds: loopback to a timeout; 500 ms, the default objective, is one of them."""
_BOUND_TEXTS = (*[repr(bound) for bound in BOUNDS], "+Inf")

LATENCY = Description(
    "probe_latency_seconds",
    SeriesType.HISTOGRAM,
    "Duration of successful runs, less what they waited on purpose; runs that met a stall of the agent are left out.",
    ("deployment", "system", "component", "kind", "vantage"),
)


class Exemplar(NamedTuple):
    """A run whose trace is exported: seconds it took and unix time of its start."""

    trace_id: str
    value: float
    at: float


class Latency:
    """The histogram of one component and kind. `checks`: how many checks feed it."""

    __slots__ = ("checks", "counts", "exemplars", "labels", "total")

    def __init__(self, labels: str) -> None:
        self.labels = labels
        self.checks = 0
        self.counts = [0] * len(_BOUND_TEXTS)
        self.total = 0.0
        self.exemplars: dict[int, Exemplar] = {}

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def remember(self, exemplar: Exemplar) -> None:
        """Keeps the run as the example of its bucket."""
        self.exemplars[bisect_left(BOUNDS, exemplar.value)] = exemplar

    def lines(self, form: Format) -> str:
        """All samples of the histogram; the examples only where the format has them."""
        name, labels = LATENCY.name, self.labels
        lines: list[str] = []
        count = 0
        for bucket, bound in enumerate(_BOUND_TEXTS):
            count += self.counts[bucket]
            example = self.exemplars.get(bucket) if form is Format.OPENMETRICS else None
            lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {count}{_example_text(example)}\n')
        lines.append(f"{name}_count{{{labels}}} {count}\n{name}_sum{{{labels}}} {number(self.total)}\n")
        return "".join(lines)


def _example_text(example: Exemplar | None) -> str:
    if example is None:
        return ""
    return f' # {{trace_id="{example.trace_id}"}} {number(example.value)} {example.at:.3f}'
