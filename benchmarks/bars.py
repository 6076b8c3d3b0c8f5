"""What was seen, beside what it has to keep to."""

import sys
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A number and the most that it may be. form: how it is written, such as `{:.3f}`."""

    name: str
    seen: float
    bar: float
    form: str


def judge(rows: Sequence[Row]) -> int:
    """Prints the rows. Returns the exit status: 1 when a bar is missed, else 0."""
    for name, seen, bar, form in rows:
        sys.stdout.write(f"{name:40} {form.format(seen):>8}  bar {bar:g}\n")
    return 0 if all(row.seen <= row.bar for row in rows) else 1
