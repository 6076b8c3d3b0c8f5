"""What happens to something from the beginning of a case on, in words: `up 3m, down 10m, gone`.

Each word lasts as long as is said, and the last one to the end. Words that take turns, one a run, are joined by `/`,
and `up*9` is nine of them. What series make of a word is theirs to say.
"""

from collections.abc import Iterator
from itertools import chain, cycle, islice

from alerts.timing import milliseconds

GONE = "gone"
"""Not there any more: Prometheus notes that the series have ended."""
HOLE = "hole"
"""Not looked at, as while Prometheus restarts: no sample, and no note either."""


def seconds(duration: str) -> int:
    """A duration such as 4m45s in seconds."""
    return milliseconds(duration) // 1000


def words(timeline: str, every: int, until: int) -> list[str]:
    """The word of each moment: one at 0, one each `every` seconds, and one at `until` seconds."""
    count = until // every + 1
    return list(islice(chain.from_iterable(_stretches(timeline, every, count)), count))


def _stretches(timeline: str, every: int, count: int) -> Iterator[Iterator[str]]:
    *stretches, last = timeline.split(", ")
    for stretch in stretches:
        turns, _, duration = stretch.partition(" ")
        yield islice(cycle(_turns(turns)), seconds(duration) // every)
    yield islice(cycle(_turns(last)), count)


def _turns(turns: str) -> list[str]:
    written = [turn.partition("*") for turn in turns.split("/")]
    return [word for word, _, times in written for _ in range(int(times or 1))]
