"""A check that the user writes out, and the probe in it, whose keys depend on its kind."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from agent.core.check import Severity
from agent.probes import probe_kinds, settings_of
from agent.probes._settings import Model, ProbeSettings
from agent.profiles.fields import Interval, LabelName, Name, Objective, Ratio, Timeout, problem_below
from agent.settings.problems import unknown


def probe_model(value: object) -> type[ProbeSettings]:
    """The settings class for what is written under `probe`. Raises ValueError or, for its `kind`, ValidationError."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if isinstance(kind, str):
        try:
            return settings_of(kind)
        except KeyError:
            raise problem_below("kind", unknown("probe kind", kind, probe_kinds())) from None
    if isinstance(value, dict):
        raise problem_below("kind", "the key 'kind' is missing; choose from `reachd probes`, as in kind: http")
    raise ValueError("expected the probe's keys, as in {kind: http, url: http://docs.example.com/}")


def _probe(value: object) -> ProbeSettings:
    if isinstance(value, ProbeSettings):
        return value
    return probe_model(value).model_validate(value)


class CheckSettings(Model):
    """One check of your own, beside those that the profiles expand to."""

    name: Name
    """Lower-case letters, digits and hyphens; unique among `checks`. The value of the label `check`."""
    probe: Annotated[ProbeSettings, BeforeValidator(_probe)]
    """What to probe and how; `kind` chooses the protocol."""
    every: Interval | None = None
    """Time between two runs; from 100ms. Default: `defaults.every`."""
    timeout: Timeout | None = None
    """Longest time that a run may take; not longer than `every`. Default: `defaults.timeout`."""
    slo: Ratio | None = None
    """Ratio of runs that must succeed, between 0 and 1. Default: `defaults.slo`."""
    latency_objective: Objective | None = None
    """A successful run that takes longer counts as slow. Default: `defaults.latency_objective`."""
    severity: Severity = Severity.TICKET
    """How urgent it is when the check is down."""
    depends_on: tuple[str, ...] = ()
    """Names of other `checks` without which this one cannot be up: while one of them is down this one is `blocked`."""
    labels: dict[LabelName, str] = Field(default_factory=dict)
    """Labels of your own for the series `probe_target_info`."""
