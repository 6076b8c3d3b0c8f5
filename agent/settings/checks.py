"""A check that the user writes out, and the probe in it, whose keys depend on its kind."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from agent.core.check import Severity
from agent.probes import probe_kinds, settings_of
from agent.probes._settings import Duration, Model, ProbeSettings
from agent.settings.problems import unknown

NAME_EXPECTED = "a name is up to 63 lower-case letters, digits and inner hyphens"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}")
_OWN_LABELS = frozenset(
    {"deployment", "system", "component", "check", "kind", "vantage", "target", "purpose", "source", "severity"}
    | {"instance", "job", "pod", "node"}
)


def check_name(value: str) -> str:
    """A name of lower-case letters, digits and inner hyphens. Raises ValueError with a name that would do."""
    if _NAME.fullmatch(value):
        return value
    suggestion = re.sub(r"[^a-z0-9]+", "-", value.lower())[:63].strip("-")
    raise ValueError(f"{NAME_EXPECTED}; write '{suggestion}'" if suggestion else NAME_EXPECTED)


def _label_name(value: str) -> str:
    if not _LABEL.fullmatch(value) or value.startswith("__"):
        raise ValueError("a label's name is letters, digits and '_', not first a digit or '__'; as in team")
    if value in _OWN_LABELS:
        raise ValueError("this label is set by reachd or Prometheus; choose another name")
    return value


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


def problem_below(key: str, message: str) -> ValidationError:
    """An error that is reported at a key of the value being validated."""
    # Braces would be read as fields of a template.
    escaped = message.replace("{", "{{").replace("}", "}}")
    error = InitErrorDetails(type=PydanticCustomError("said", escaped), loc=(key,), input=None)
    return ValidationError.from_exception_data("settings", [error])


def _probe(value: object) -> ProbeSettings:
    if isinstance(value, ProbeSettings):
        return value
    return probe_model(value).model_validate(value)


Name = Annotated[str, BeforeValidator(lambda value: check_name(value) if isinstance(value, str) else value)]
LabelName = Annotated[str, BeforeValidator(_label_name)]
Interval = Annotated[Duration, Field(ge=0.1, le=86400)]
Timeout = Annotated[Duration, Field(ge=0.01, le=600)]
Objective = Annotated[Duration, Field(gt=0, le=600)]
Ratio = Annotated[float, Field(gt=0, lt=1)]


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
