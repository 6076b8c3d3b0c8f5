"""Series as promtool takes them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from tests.alerts.timeline import GONE, HOLE, words

Samples = Mapping[str, Sequence[str | None]]
"""By series, `name{labels}`: a sample each step; None where there is none, HOLE where none was taken."""


def labelled(metric: str, /, **labels: str | None) -> str:
    """A series, or a selector of series; labels that are None are left out."""
    matchers = ",".join([f'{key}="{value}"' for key, value in labels.items() if value is not None])
    return f"{metric}{{{matchers}}}"


def values(samples: Sequence[str | None]) -> str:
    """The samples in promtool's notation. A series that ends gets the mark that Prometheus writes then."""
    return " ".join(repeated(token, len(list(run))) for token, run in groupby(_tokens(samples)))


def repeated(token: str, count: int) -> str:
    """So many of the same; promtool counts those that follow the first, except of gaps and marks."""
    if token == "_":
        return f"_x{count}"
    return f"{token}x{count - 1}" if count > 1 else token


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
