"""Histograms of delays that are observed with every run: a third of what the client library's own cost."""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

DELAYS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Bounds of the buckets in seconds: 10 ms is a stall, 50 ms the most that the agent allows itself."""


class DelayHistogram(Collector):
    """Counts delays in seconds by bucket."""

    def __init__(self, name: str, documentation: str) -> None:
        self._name = name
        self._documentation = documentation
        self._counts = [0] * (len(DELAYS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one delay."""
        self._counts[bisect_left(DELAYS, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family, as the registry asks for it."""
        buckets: list[tuple[str, float]] = []
        count = 0
        for bound, in_bucket in zip([*map(str, DELAYS), "+Inf"], self._counts, strict=True):
            count += in_bucket
            buckets.append((bound, count))
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)
