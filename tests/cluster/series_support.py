"""Objects as an API server gives them, and the lines that series of a cluster have."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from agent.cluster.packed import packed
from agent.cluster.series import ClusterSeries, Resource
from agent.metrics.text import Format
from agent.probes._json import JsonObject
from tests.cluster.sample_objects import Json


@dataclass
class Listed:
    """A source that is filled by hand."""

    objects: dict[str, JsonObject] = field(default_factory=dict)


def listed(*things: JsonObject) -> Listed:
    """A source with these objects."""
    return Listed({str(number): thing for number, thing in enumerate(things)})


def changed(thing: Json, **changes: object) -> Json:
    """A copy in which the values at paths such as status__phase are others; None removes one."""
    copy = deepcopy(thing)
    for path, value in changes.items():
        *parents, name = path.split("__")
        section = copy
        for parent in parents:
            section = section.setdefault(parent, {})
        section[name] = value
        if value is None:
            del section[name]
    return copy


def lines(resource: Resource, *things: JsonObject) -> list[str]:
    """All samples of these objects as they are exported; fails where they are others once the objects are packed."""
    whole, small = (
        sample_lines(text_of(ClusterSeries({resource: [listed(*each)]}))) for each in (things, map(packed, things))
    )
    assert small == whole
    return whole


def sample_lines(text: str) -> list[str]:
    """The lines of a text that are samples."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def text_of(series: ClusterSeries, form: Format = Format.TEXT) -> str:
    """All of it in one piece; fails where one of the parsers of prometheus_client does not read every line."""
    text = "".join(series.texts(form))
    assert len(list(samples(text, form))) == len(sample_lines(text))
    return text


def samples(text: str, form: Format) -> Iterator[Sample]:
    """What the format's parser reads; fails where a family or a series comes twice."""
    parse = parse_text if form is Format.TEXT else parse_openmetrics
    parsed = list(parse(text if form is Format.TEXT else f"{text}# EOF\n"))
    names = [family.name for family in parsed]
    assert sorted(names) == sorted(set(names))
    found = [sample for family in parsed for sample in family.samples]
    keys = [(sample.name, *sorted(sample.labels.items())) for sample in found]
    assert len(keys) == len(set(keys))
    return iter(found)


def named(name: str, all_lines: Iterable[str]) -> list[str]:
    """The labels and values of the lines with this name."""
    return [line.removeprefix(name) for line in all_lines if line.startswith((f"{name}{{", f"{name} "))]
