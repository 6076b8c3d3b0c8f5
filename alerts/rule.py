"""Rules, and the documents that Prometheus and prometheus-operator read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from alerts.timing import Timing

Json = dict[str, object]


class Severity(StrEnum):
    """How urgent an alert is. CRITICAL wakes somebody, WARNING is a ticket, INFO waits, NONE is for machines."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Links:
    """Where annotations lead to: URLs without a slash at the end."""

    runbooks: str = "https://runbooks.example.com/reachd"
    dashboards: str = "https://grafana.example.com"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard by its uid, and the alert's labels that choose what it shows."""

    uid: str
    variables: tuple[str, ...] = ()

    def url(self, base: str) -> str:
        """The address, as a template of an annotation."""
        query = "&".join(f"var-{name}={{{{ $labels.{name} | urlquery }}}}" for name in self.variables)
        return f"{base}/d/{self.uid}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule; `name` says level:metric:operation."""

    name: str
    expr: str

    def document(self, timing: Timing, links: Links) -> Json:
        """The rule as Prometheus reads it."""
        return {"record": self.name, "expr": self.expr}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule.

    expr and description have their durations as `Timing` writes them. hold and keep: how long the expression must hold
    before the alert fires, and how long it goes on firing afterwards. summary: one sentence, the same for every target.
    """

    name: str
    severity: Severity
    expr: str
    hold: str
    summary: str
    description: str
    dashboard: Dashboard
    keep: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def document(self, timing: Timing, links: Links) -> Json:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": timing(self.hold)} if self.hold else {}),
            **({"keep_firing_for": timing(self.keep)} if self.keep else {}),
            "labels": {"severity": self.severity.value, **self.labels},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{links.runbooks}/{self.name}.md",
                "dashboard_url": self.dashboard.url(links.dashboards),
            },
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, every `interval`."""

    name: str
    interval: str
    rules: Sequence[Recording | Alert]

    def document(self, timing: Timing, links: Links) -> Json:
        """The group as Prometheus reads it."""
        return {
            "name": self.name,
            "interval": timing(self.interval),
            "rules": [rule.document(timing, links) for rule in self.rules],
        }
