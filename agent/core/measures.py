"""What a run can measure besides its duration: metrics declared once, with closed label values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

OTHER = "other"


class MetricType(StrEnum):
    """How samples of successive runs of one check combine into a series.

    GAUGE: the value of the last run; the series is absent when that run did not measure it.
    COUNTER: each run's value is added; the series exists from its first sample on.
    REMOTE_COUNTER: a counter kept by the target; its value is taken as it is, absent when it could not be read.
    INFO: a constant 1 whose labels carry closed facts; absent when the last run did not measure it.
    """

    GAUGE = "gauge"
    COUNTER = "counter"
    REMOTE_COUNTER = "remote_counter"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a measured metric.

    `values` is the closed set of its values: anything else is exported as `other`, so that nothing a target sends can
    become a label. None means that the values come from configuration, never from a target.
    """

    name: str
    values: frozenset[str] | None


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A metric that probes of some kind may measure. Identity is equality: each is declared once, as a constant."""

    name: str
    type: MetricType
    help: str
    labels: tuple[Label, ...] = ()


class Measure(NamedTuple):
    """One measured value, with the label values in the order of the metric's labels."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()
