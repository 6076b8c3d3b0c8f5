"""The rows of a catalogue for one deployment: templates filled, repeated rows written out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent.core.check import Path
from agent.probes import settings_of
from agent.probes._settings import ProbeSettings
from agent.profiles.catalogue import Catalogue, Row
from agent.profiles.templates import MissingFactError, fill, fill_text


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """A row of the catalogue as it is in one deployment.

    probe: None where the deployment lacks what it takes; `absent` then says what.
    answering_labels: one set of labels for each way to select the pods that answer; empty where they are none we know.
    answering_port: the port that those pods listen on, else 0.
    """

    row: Row
    id: str
    path: Path
    probe: ProbeSettings | None
    absent: str
    depends_on: tuple[str, ...]
    answering_labels: tuple[tuple[tuple[str, str], ...], ...]
    answering_port: int


def deployment_rows(catalogue: Catalogue, facts: Mapping[str, object]) -> tuple[DeploymentRow, ...]:
    """All rows, in the catalogue's order. Raises ValidationError for a template that makes no probe of its kind."""
    return tuple(_rows(catalogue, facts))


def _rows(catalogue: Catalogue, facts: Mapping[str, object]) -> Iterator[DeploymentRow]:
    for row in catalogue.rows:
        if row.for_each:
            items = facts.get(row.for_each)
            for item in items if isinstance(items, list | tuple) else ():
                known = row.known.get(item["name"], {})
                yield _row(catalogue, row, {**facts, "each": {**known, **item}})
        else:
            yield _row(catalogue, row, facts)


def _row(catalogue: Catalogue, row: Row, facts: Mapping[str, object]) -> DeploymentRow:
    probe, absent = None, ""
    try:
        for fact in row.needs:
            fill(f"{{{fact}}}", facts)
        probe = settings_of(str(row.probe["kind"])).model_validate(fill(row.probe, facts))
    except MissingFactError as missing:
        absent = _advice(catalogue, missing.fact)
    labels: tuple[tuple[tuple[str, str], ...], ...] = ()
    port = 0
    if row.answers_from is not None:
        pods = catalogue.pods[row.answers_from.pods]
        labels = tuple(tuple((key, fill_text(value, facts)) for key, value in way.items()) for way in pods.labels)
        if row.answers_from.port is not None:
            port = int(fill_text(str(row.answers_from.port), facts))
        elif probe is not None:
            port = probe.endpoint().port
    return DeploymentRow(
        row=row,
        id=fill_text(row.id, facts),
        path=Path(
            fill_text(row.source, facts),
            fill_text(row.destination, facts),
            _port(fill_text(row.port, facts), probe),
            fill_text(row.purpose, facts),
        ),
        probe=probe,
        absent=absent,
        depends_on=tuple(fill_text(other, facts) for other in row.depends_on),
        answering_labels=labels,
        answering_port=port,
    )


def _port(documented: str, probe: ProbeSettings | None) -> str:
    """The port of a firewall table: the one that is really used, in the documented notation."""
    if probe is None:
        return documented
    _, _, protocol = documented.rpartition("/")
    return f"{probe.endpoint().port}/{protocol}"


def _advice(catalogue: Catalogue, fact: str) -> str:
    """What to tell about a missing fact: the sentence for the nearest thing that it is part of."""
    name = fact
    while name not in catalogue.absent:
        name, dot, _ = name.rpartition(".")
        if not dot:
            raise KeyError(f"the catalogue does not say what to do without {fact}")
    return catalogue.absent[name]
