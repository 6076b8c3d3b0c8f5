"""The types of keys that the rows of profiles and the user's own checks have in common, and how to report problems."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from agent.core.check import CHECK_LABELS
from agent.probes._settings import Duration

NAME_EXPECTED = "a name is up to 63 lower-case letters, digits and inner hyphens"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}")
_OWN_LABELS = frozenset({*CHECK_LABELS, "target", "purpose", "source", "severity"} | {"instance", "job", "pod", "node"})


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


def problem_below(key: str, message: str) -> ValidationError:
    """An error that is reported at a key of the value being validated."""
    return problems_below({(key,): message})


def problems_below(messages: Mapping[tuple[str | int, ...], str]) -> ValidationError:
    """An error that reports each message at a path below the value being validated."""
    return ValidationError.from_exception_data("settings", [_problem(*item) for item in messages.items()])


def _problem(path: tuple[str | int, ...], message: str) -> InitErrorDetails:
    # Braces would be read as fields of a template.
    escaped = message.replace("{", "{{").replace("}", "}}")
    return InitErrorDetails(type=PydanticCustomError("said", escaped), loc=path, input=None)


Name = Annotated[str, BeforeValidator(lambda value: check_name(value) if isinstance(value, str) else value)]
LabelName = Annotated[str, BeforeValidator(_label_name)]
INTERVALS = (0.1, 86400.0)
"""Seconds between two runs, at least and at most."""
TIMEOUTS = (0.01, 600.0)
"""Seconds that a run may take, at least and at most."""
Interval = Annotated[Duration, Field(ge=INTERVALS[0], le=INTERVALS[1])]
Timeout = Annotated[Duration, Field(ge=TIMEOUTS[0], le=TIMEOUTS[1])]
Objective = Annotated[Duration, Field(gt=0, le=600)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
