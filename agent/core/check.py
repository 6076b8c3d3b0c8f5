"""A check: one thing tested on a schedule."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

CHECK_LABELS = ("deployment", "system", "component", "check", "kind", "vantage")
"""Names of the labels of every per-check series, which logs and traces tell a check by too."""


class Severity(StrEnum):
    """How urgent it is when the check is down."""

    PAGE = "page"
    TICKET = "ticket"
    INFO = "info"


class Vantage(StrEnum):
    """Where a check is made from. A row of the direction table can be tested only from its own source."""

    SERVER = "server"
    CLIENT = "client"
    OPERATIONS = "operations"
    NODE = "node"
    MESHSYNC = "meshsync"
    OPERATOR = "operator"
    ADAPTER = "adapter"


class CheckKey(NamedTuple):
    """What identifies a check: its name is unique in its deployment."""

    deployment: str
    check: str

    def __str__(self) -> str:
        return f"{self.deployment}/{self.check}"


@dataclass(frozen=True, slots=True)
class Path:
    """The connection that a check stands for, as people speak of it.

    source, destination: names of components. port: as written in a firewall table, e.g. `4222/tcp`.
    """

    source: str
    destination: str
    port: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tested on a schedule. Two equal checks are the same work, so a reload leaves such a check running.

    settings: the probe's own settings, a hashable value that the probe of `kind` understands.
    every, timeout, latency_objective: seconds. slo: ratio of runs that must succeed.
    target: what is probed, for people; never with a secret.
    host: the host whose limit of probes in flight the check counts against.
    origin: the source that the check came from, e.g. `static`.
    depends_on: checks of the same deployment without which this one cannot be up.
    labels: the user's own labels, for the info series.
    """

    deployment: str
    system: str
    component: str
    name: str
    kind: str
    vantage: str
    settings: Hashable
    every: float
    timeout: float
    slo: float
    latency_objective: float
    severity: Severity
    target: str
    host: str
    path: Path
    origin: str = "static"
    depends_on: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    key: CheckKey = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", CheckKey(self.deployment, self.name))

    @property
    def dependencies(self) -> tuple[CheckKey, ...]:
        """The keys of the checks without which this one cannot be up."""
        return tuple([CheckKey(self.deployment, name) for name in self.depends_on])

    @property
    def series_labels(self) -> dict[str, str]:
        """The labels of every per-check series."""
        values = self.deployment, self.system, self.component, self.name, self.kind, self.vantage
        return dict(zip(CHECK_LABELS, values, strict=True))


@dataclass(frozen=True, slots=True)
class UntestableRow:
    """A connection of a profile that this agent cannot or should not test, and why."""

    deployment: str
    system: str
    component: str
    name: str
    vantage: str
    target: str
    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All checks wanted now, in the order in which people should read them, and what is left out.

    problems: what sources could not ask, and what they found that cannot be watched, in words.
    """

    checks: tuple[Check, ...]
    untestable: tuple[UntestableRow, ...] = ()
    problems: tuple[str, ...] = ()
