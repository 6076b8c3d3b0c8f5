"""A profile's catalogue: every connection of a platform as data."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import Field

from agent.core.check import Severity, Vantage
from agent.core.outcome import Outcome, Verdict
from agent.probes._settings import Duration, Model

_EACH = re.compile(r"\{each\.[a-z]+\}")

Template = str
"""Text in which `{name}` stands for a fact of the deployment; `{name?}` leaves its key out where there is none."""


class Document(Model):
    """A document that demands or explains rows."""

    title: str
    file: str = ""
    """Its file among the reference documents, where it has one."""


class Reference(Model):
    """Where a row comes from."""

    document: str
    """A key of the catalogue's documents."""
    section: str
    line: str = ""
    """The line of the section's table or list, as it is written there."""


class Pods(Model):
    """Pods of a component, as NetworkPolicies select them."""

    title: str
    labels: tuple[dict[str, Template], ...] = Field(min_length=1)
    """One set of labels for each way in which the platform has labelled them."""
    agent: bool = False
    """The pods are the agent's own, so nothing but the agent is inside, and their namespace is not the platform's."""


class Viewpoint(Model):
    """A vantage of this platform."""

    title: str
    pods: str | None = None
    """The pods in which the agent stands, a key of the catalogue's pods; none where it stands outside the cluster."""


class Endpoint(Model):
    """The pods that answer, behind whatever Service or ingress."""

    pods: str
    """A key of the catalogue's pods."""
    port: int | Template | None = None
    """The port that they listen on, which is not always that of their Service; default: the one that is configured."""


class Row(Model):
    """One connection that the platform depends on."""

    id: Template
    component: str
    vantages: tuple[Vantage, ...] = Field(min_length=1)
    """From where it can be tested; an agent with several of them uses the first."""
    source: Template
    destination: Template
    port: Template
    """As in a firewall table, with the documented port: `4222/tcp`."""
    purpose: Template
    severity: Severity
    probe: dict[str, object]
    """What a check says under `probe`, as a template."""
    answers_from: Endpoint | None = None
    """The pods at the other end; none where it is outside the cluster, or not a pod."""
    unused: bool = False
    """The port is only declared; nothing breaks while it is closed, so no firewall has to let it through."""
    needs: tuple[str, ...] = ()
    """Facts without which it is not tested, beside those that its probe cannot do without."""
    for_each: str = ""
    """The fact that lists what the row is repeated for; its items are `each` in templates."""
    known: dict[str, dict[str, str | int]] = Field(default_factory=dict)
    """Facts about items by their name, for what the item does not say itself."""
    depends_on: tuple[Template, ...] = ()
    every: Duration | None = None
    """Time between two runs, unless the defaults are slower; default: that of the defaults."""
    lowest_every: Duration | None = None
    """Lowest time between two runs that can be configured, for what asks a service with a rate limit."""
    once_per_deployment: bool = False
    """However many agents watch the deployment, one of them is enough."""
    timeout: Duration | None = None
    latency_objective: Duration | None = None
    references: tuple[Reference, ...] = Field(min_length=1)
    meaning: dict[str, str]
    """What an answer means, by what it is: `up`, `down`, `unknown` or a reason of failure."""

    def says(self, outcome: Outcome) -> str:
        """What an answer means here beyond what its reason means everywhere; empty when there is no more to it."""
        if outcome.reason in self.meaning:
            return self.meaning[outcome.reason]
        # The row lists what may keep it from a verdict; the reason or the advice of a run says which of that it was.
        if outcome.verdict is Verdict.UNKNOWN and (outcome.reason or outcome.advice):
            return ""
        return self.meaning.get(outcome.verdict, "")

    def names(self, check: str) -> bool:
        """Whether a check of this name can come from this row."""
        return re.fullmatch(_EACH.sub("[a-z0-9-]+", self.id), check) is not None


class NotAConnection(Model):
    """Something a document or a tool looks at that no connection can show, and where it is covered instead."""

    what: str
    instead: str


class Omission(Model):
    """Something that the documents advise and no rule of the checklist looks at."""

    what: str
    why: str


class Comparison(Model):
    """What one step of another tool corresponds to here."""

    step: str
    rows: tuple[str, ...] = ()
    remark: str = ""


class Catalogue(Model):
    """All connections of a platform."""

    system: str
    """The value of the label `system`."""
    title: str
    introduction: str
    components: tuple[str, ...]
    documents: dict[str, Document]
    absent: dict[str, str]
    """What to tell where a fact is missing, by the fact or by what it is part of."""
    pods: dict[str, Pods]
    viewpoints: dict[Vantage, Viewpoint]
    rows: tuple[Row, ...]
    not_connections: tuple[NotAConnection, ...] = ()
    not_rules: tuple[Omission, ...] = ()
    """What of the platform's checklist is no rule."""
    comparison_with: str = ""
    """The platform's own checking tool."""
    comparison: tuple[Comparison, ...] = ()
    """The steps of that tool."""

    def row(self, row_id: str) -> Row:
        """The row of this id. Raises KeyError."""
        for row in self.rows:
            if row.id == row_id:
                return row
        raise KeyError(row_id)

    def row_of(self, check: str) -> Row | None:
        """The row that a check of this name comes from: of several that fit, the one that says most of the name."""
        fitting = [row for row in self.rows if row.names(check)]
        return max(fitting, key=lambda row: len(_EACH.sub("", row.id)), default=None)


@cache
def catalogue(profile: str) -> Catalogue:
    """The catalogue of a profile. Raises KeyError for an unknown profile."""
    file = files(__package__).joinpath(f"{profile}.yaml")
    if not file.is_file():
        raise KeyError(profile)
    with file.open("rb") as stream:
        document: Mapping[str, object] = yaml.load(stream, yaml.CSafeLoader)
    return Catalogue.model_validate(document)
