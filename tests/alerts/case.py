"""A case: series, and which alerts fire when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from alerts.rule import Alert
from tests.alerts.series import Samples, labelled, measured
from tests.alerts.watched import Watched

Labels = Mapping[str, str]


class Shape(Enum):
    """What a case shows of an alert. Each has to have all four."""

    FIRES = "fires, and not a moment before"
    SPARED = "does not fire at the threshold"
    NO_DATA = "does not fire without data"
    STALE = "does what it should when the series end"


@dataclass(frozen=True)
class Firing:
    """An alert that fires from `since` on, and no longer at `until`; "" where it goes on to the end."""

    labels: Labels
    since: str
    until: str = ""


@dataclass(frozen=True)
class Case:
    """One scene of a batch, apart from the others by the label `cluster`.

    watched, series: what is scraped; series by name and labels, with timelines as `measured` has them.
    firing: all alerts that ever fire. of, shape: the alert that the case is about (see `key`), and what it shows of it.
    clustered: whether series have the label `cluster` at all; at most one case of a batch may do without.
    """

    name: str
    watched: Sequence[Watched] = ()
    series: Mapping[str, str] = field(default_factory=dict)
    firing: Sequence[Firing] = ()
    of: str = ""
    shape: Shape | None = None
    clustered: bool = True

    @property
    def cluster(self) -> str | None:
        """The value of the label `cluster`."""
        return self.name if self.clustered else None

    def samples(self, step: int, until: int, metrics: Sequence[str]) -> Samples:
        """All that is scraped; of checks only these metrics, where any are named."""
        samples: dict[str, Sequence[str | None]] = {}
        for watched in self.watched:
            samples |= watched.samples(self.cluster, step, until, metrics)
        for name, timeline in self.series.items():
            metric, _, labels = name.removesuffix("}").partition("{")
            cluster = labelled("", cluster=self.cluster)[1:-1]
            joined = ",".join(part for part in (labels, cluster) if part)
            samples[f"{metric}{{{joined}}}"] = measured(timeline, step, until)
        return samples


@dataclass(frozen=True)
class Batch:
    """Cases that promtool evaluates at once.

    step: seconds between scrapes, and evaluations. until: when they end, a duration. metrics: those that are scraped of
    checks, where not all are of interest. slow: left out of the quick suite.
    """

    name: str
    files: Sequence[str]
    until: str
    cases: Sequence[Case]
    step: int = 30
    metrics: Sequence[str] = ()
    slow: bool = False


def key(alert: Alert) -> str:
    """What tells an alert from all others, those of its name and severity included."""
    return "/".join([alert.name, alert.severity, *[value for name, value in alert.labels.items() if name != "short"]])


def told(name: str, severity: str, watched: Watched, since: str, until: str = "", /, **labels: str) -> Firing:
    """An alert on a check."""
    return Firing({"alertname": name, "severity": severity, **watched.identity, **labels}, since, until)
