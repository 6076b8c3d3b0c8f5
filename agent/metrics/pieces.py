"""Families in pieces that are quick to make, so that a scrape leaves the event loop to others."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from agent.metrics.text import Description, Format, header

_Item = TypeVar("_Item")


def with_header(family: Description, form: Format, texts: Iterator[str]) -> Iterator[str]:
    """Puts the family's header before its first sample; a family without samples has none."""
    head = header(family, form)
    for text in texts:
        if text:
            yield head + text
            head = ""
        else:
            yield text


def slices(items: Iterable[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """All items in order, `size` at a time."""
    waiting = iter(items)
    while some := tuple(islice(waiting, size)):
        yield some
