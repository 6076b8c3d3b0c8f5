"""Series as promtool takes them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from tests.alerts.timeline import GONE, HOLE, words

OFFSET = 5
"""Seconds from a scrape to the evaluation that sees it."""

Samples = Mapping[str, Sequence[str | None]]
"""By series, `name{labels}`: a sample each step; None where there is none, HOLE where none was taken."""


def labelled(metric: str, /, **labels: str | None) -> str:
    """A series, or a selector of series; labels that are None are left out."""
    matchers = ",".join([f'{key}="{value}"' for key, value in labels.items() if value is not None])
    return f"{metric}{{{matchers}}}"


def values(samples: Sequence[str | None], step: int) -> str:
    """The samples in promtool's notation. A series that ends gets the mark that Prometheus writes then.

    The first sample is at 0, each other a little before the moment that it is of. So none is where a window begins,
    which belongs to the window in Prometheus 2 and not in Prometheus 3.
    """
    first, *others = _tokens(samples)
    places = step // OFFSET
    return " ".join([first, *_gap(places - 2), *chain.from_iterable([token, *_gap(places - 1)] for token in others)])


def _gap(places: int) -> list[str]:
    return [f"_x{places}"] if places else []


def _tokens(samples: Sequence[str | None]) -> Iterator[str]:
    alive = False
    for sample in samples:
        if sample == HOLE:
            yield "_"
        elif sample is None:
            yield "stale" if alive else "_"
            alive = False
        else:
            yield sample
            alive = True


def measured(timeline: str, step: int, until: int) -> list[str | None]:
    """The samples of one series. Words: a number, `+2` (more than before by 2), `now`, `now-30`, `same`, gone, hole."""
    samples: list[str | None] = []
    value = 0.0
    for index, word in enumerate(words(timeline, step, until)):
        if word in (GONE, HOLE):
            samples.append(None if word == GONE else HOLE)
            continue
        if word.startswith("now"):
            value = index * step + float(word.removeprefix("now") or 0)
        elif word.startswith("+"):
            value += float(word)
        elif word != "same":
            value = float(word)
        samples.append(f"{value:.10g}")
    return samples
