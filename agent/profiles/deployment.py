"""What a configuration says of one deployment, whatever its profile."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import Field, ValidationError, model_validator

from agent.core.check import Severity
from agent.core.dependencies import circle_in
from agent.core.durations import duration
from agent.probes._settings import Model
from agent.profiles.catalogue import Catalogue, catalogue
from agent.profiles.fields import Interval, LabelName, Name, Objective, Ratio, Timeout, problems_below
from agent.profiles.rows import DeploymentRow, deployment_rows

Facts = Mapping[str, object]
"""What the templates of a catalogue may refer to, by name; a value may hold more facts below it."""
_Problems = Iterator[tuple[tuple[str | int, ...], str]]


class RowSettings(Model):
    """What one row of the profile does differently in this deployment. What is left out stays as the profile has it."""

    enabled: bool = True
    """`false` leaves the row out; it is then listed as switched off."""
    every: Interval | None = None
    """Time between two runs. Rows that ask a service with a rate limit have a lowest one."""
    timeout: Timeout | None = None
    """Longest time that a run may take; not longer than `every`."""
    slo: Ratio | None = None
    """Ratio of runs that must succeed, between 0 and 1."""
    latency_objective: Objective | None = None
    """A successful run that takes longer counts as slow."""
    severity: Severity | None = None
    """How urgent it is when the row is down."""
    depends_on: tuple[str, ...] | None = None
    """Rows of this deployment without which this one cannot be up."""
    labels: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of your own for the series `probe_target_info`."""


class Deployment(Model):
    """One installation of a platform."""

    name: Name
    """Lower-case letters, digits and hyphens; unique among `deployments`. The value of the label `deployment`."""
    profile: str
    """The platform, which decides what the other keys are."""
    namespace: str = "default"
    """Kubernetes namespace of the platform, for NetworkPolicies."""
    rows: dict[str, RowSettings] = Field(default_factory=dict)
    """What single rows of the profile do differently, by the row's id."""

    def facts(self) -> Facts:
        """What the profile's catalogue may refer to; what is not configured is not there."""
        return self.model_dump(exclude_none=True)

    def completed_by(self, found: "Deployment") -> "Deployment":
        """This deployment with the keys of `found` that it leaves out. A key is taken whole: its parts belong together.

        Raises ValidationError where the two do not go together.
        """
        added = found.model_fields_set - self.model_fields_set - self.never_found()
        keys = {key: getattr(found, key) for key in added} | {key: getattr(self, key) for key in self.model_fields_set}
        return type(self).model_validate(keys)

    def never_found(self) -> frozenset[str]:
        """Keys that only the configuration may set, such as where to a secret of it goes."""
        return frozenset()

    def catalogue(self) -> Catalogue:
        """The catalogue of the deployment's profile."""
        return catalogue(self.profile)

    def expanded_rows(self) -> tuple[DeploymentRow, ...]:
        """All rows of the profile for this deployment."""
        return deployment_rows(self.catalogue(), self.facts())

    @model_validator(mode="after")
    def _rows_fit(self) -> "Deployment":
        try:
            expanded = self.expanded_rows()
        except ValidationError as error:
            # What a template makes of valid settings is not valid only where those settings do not go together.
            raise ValueError("; ".join(str(details["msg"]) for details in error.errors())) from None
        rows: dict[str, DeploymentRow] = {}
        for row in expanded:
            if rows.setdefault(row.id, row) is not row:
                raise ValueError(f"two rows would be named {row.id}; choose different names")
        found = dict(_row_problems(self.rows, rows))
        if found:
            raise problems_below(found)
        return self


def as_deployment(settings: Model) -> Deployment:
    """The settings of a deployment, for those who know them as a part of the configuration only."""
    if not isinstance(settings, Deployment):
        raise TypeError(f"expected the settings of a deployment, not {type(settings).__name__}")
    return settings


def _row_problems(settings: Mapping[str, RowSettings], rows: Mapping[str, DeploymentRow]) -> _Problems:
    for name, row in settings.items():
        if name not in rows:
            yield ("rows", name), _unknown_row(name, rows)
            continue
        lowest = rows[name].row.lowest_every
        if lowest is not None and row.every is not None and row.every < lowest:
            message = f"it asks a service with a rate limit; write every: {duration(lowest)} or more"
            yield ("rows", name, "every"), f"{duration(row.every)} is too often for this row: {message}"
        for position, other in enumerate(row.depends_on or ()):
            if other not in rows:
                yield ("rows", name, "depends_on", position), _unknown_row(other, rows)
    circle = circle_in({row.id: _dependencies(row, settings) for row in rows.values()})
    if circle:
        message = f"these rows depend on each other in a circle: {' → '.join(circle)}; remove one of the dependencies"
        yield ("rows", next(name for name in circle if name in settings), "depends_on"), message


def _dependencies(row: DeploymentRow, settings: Mapping[str, RowSettings]) -> tuple[str, ...]:
    override = settings[row.id].depends_on if row.id in settings else None
    return row.depends_on if override is None else override


def _unknown_row(name: str, rows: Mapping[str, DeploymentRow]) -> str:
    near = get_close_matches(name, rows, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else "`reachd targets` lists the rows of the deployment"
    return f"unknown row {name[:80]!r}; {remedy}"
