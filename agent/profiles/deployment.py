"""What a configuration says of one deployment, whatever its profile."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from agent.core.check import Severity
from agent.probes._settings import Duration, Model

Facts = Mapping[str, object]
"""What the templates of a catalogue may refer to, by name; a value may hold more facts below it."""


class RowSettings(Model):
    """What one row of the profile does differently in this deployment. What is left out stays as the profile has it."""

    enabled: bool = True
    """`false` leaves the row out; it is then listed as switched off."""
    every: Annotated[Duration, Field(ge=0.1, le=86400)] | None = None
    """Time between two runs. Rows that ask a service with a rate limit have a lowest one."""
    timeout: Annotated[Duration, Field(ge=0.01, le=600)] | None = None
    """Longest time that a run may take; not longer than `every`."""
    slo: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Ratio of runs that must succeed, between 0 and 1."""
    latency_objective: Annotated[Duration, Field(gt=0, le=600)] | None = None
    """A successful run that takes longer counts as slow."""
    severity: Severity | None = None
    """How urgent it is when the row is down."""
    depends_on: tuple[str, ...] | None = None
    """Rows of this deployment without which this one cannot be up."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels of your own for the series `probe_target_info`."""


class Deployment(Model):
    """One installation of a platform."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    """Lower-case letters, digits and hyphens; unique among `deployments`. The value of the label `deployment`."""
    profile: str
    """The platform, which decides what the other keys are."""
    rows: dict[str, RowSettings] = Field(default_factory=dict)
    """What single rows of the profile do differently, by the row's id."""

    def facts(self) -> Facts:
        """What the profile's catalogue may refer to; what is not configured is not there."""
        return self.model_dump(exclude_none=True)
