"""The words of the two exposition formats: escaping, numbers, and the lines above a family."""

from collections.abc import Iterable
from enum import StrEnum
from math import isfinite, isnan
from typing import NamedTuple


class Format(StrEnum):
    """An exposition format, with its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class SeriesType(StrEnum):
    """The type of an exported family. INFO is a gauge in the older format."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


class Description(NamedTuple):
    """What a reader may know of a family: `name` as its samples have it, `labels` besides those of every check."""

    name: str
    type: SeriesType
    help: str
    labels: tuple[str, ...] = ()


def escape_label(value: str) -> str:
    """A label value as it stands between its quotation marks. What is no valid Unicode becomes question marks."""
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Labels as they stand between the braces."""
    return ",".join([f'{name}="{escape_label(value)}"' for name, value in labels])


def number(value: float) -> str:
    """A sample's value, exactly: whole numbers without a fraction, all others as Python writes them."""
    if not isfinite(value):
        return "NaN" if isnan(value) else "+Inf" if value > 0 else "-Inf"
    whole = int(value)
    return str(whole) if whole == value and -1e15 < value < 1e15 else repr(value)


def header(family: Description, form: Format) -> str:
    """The HELP and TYPE lines of a family. OpenMetrics names a family without the suffix of its samples."""
    text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    if form is Format.TEXT:
        kind = SeriesType.GAUGE if family.type is SeriesType.INFO else family.type
        return f"# HELP {family.name} {text}\n# TYPE {family.name} {kind}\n"
    name = family_name(family)
    quoted = text.replace('"', '\\"')
    return f"# HELP {name} {quoted}\n# TYPE {name} {family.type}\n"


def family_name(family: Description) -> str:
    """The name of the family in OpenMetrics."""
    suffix = {SeriesType.COUNTER: "_total", SeriesType.INFO: "_info"}.get(family.type, "")
    return family.name.removesuffix(suffix)
