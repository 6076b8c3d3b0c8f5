"""Series of many objects of one kind: the text of an object is made once, and joined by family at each scrape."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.metrics.pieces import slices, with_header
from agent.metrics.text import Description, Format, escape_label, labels_text, number

_SLICE = 32
"""Objects whose lines of one family are joined without a pause: some 0.05 ms of work, and 40 KB of text at most."""
_MOST_SHARED = 4096
"""Texts that are looked for among those of other objects: those that recur are soon among them again."""
_LABELS = "\0"
"""Stands for the object's labels in its text, so that thousands of objects share what they have in common."""


class Row(NamedTuple):
    """A sample of a family; `values` are those of the labels that come after the object's."""

    family: Description
    values: tuple[str, ...]
    value: float


class ObjectSeries(NamedTuple):
    """What one object exports: its name, unique among its kind, its labels, and its samples."""

    name: str
    labels: tuple[tuple[str, str], ...]
    rows: Iterable[Row]


@dataclass(frozen=True, slots=True)
class ObjectText:
    """What is kept of an object: its labels, and its lines of each family without them."""

    name: str
    labels: str
    lines: tuple[str, ...]


class ObjectFamilies:
    """The families of one kind of objects."""

    def __init__(self, families: Iterable[Description]) -> None:
        self._families = tuple(families)
        self._places = {family.name: place for place, family in enumerate(self._families)}
        self._shared: dict[str, str] = {}

    def text(self, series: ObjectSeries) -> ObjectText:
        """The text of an object. The first of samples with the same labels counts, and none of another family."""
        samples: dict[str, dict[tuple[str, ...], float]] = {}
        for family, values, value in series.rows:
            if family.name in self._places:
                samples.setdefault(family.name, {}).setdefault(values, value)
        lines = [""] * len(self._families)
        for name, by_values in samples.items():
            place = self._places[name]
            names = self._families[place].labels[len(series.labels) :]
            lines[place] = self._share("".join([_line(name, names, *sample) for sample in by_values.items()]))
        return ObjectText(series.name, labels_text(series.labels), tuple(lines))

    def texts(self, objects: Sequence[ObjectText], form: Format) -> Iterator[str]:
        """All families of these objects, one after the other, in pieces that are quick to make."""
        for place, family in enumerate(self._families):
            yield from with_header(family, form, (_joined(some, place) for some in slices(objects, _SLICE)))

    def _share(self, text: str) -> str:
        """The text itself, or one that is equal. sys.intern would keep it for ever in Python 3.12."""
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        return self._shared.setdefault(text, text)


def _line(name: str, names: tuple[str, ...], values: tuple[str, ...], value: float) -> str:
    more = "".join([f',{label}="{escape_label(text)}"' for label, text in zip(names, values, strict=True)])
    return f"{name}{{{_LABELS}{more.replace(_LABELS, '')}}} {number(value)}\n"


def _joined(objects: Sequence[ObjectText], place: int) -> str:
    return "".join([it.lines[place].replace(_LABELS, it.labels) for it in objects if it.lines[place]])
