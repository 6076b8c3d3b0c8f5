"""Times and durations as people read them."""

from datetime import UTC, datetime

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def clock_time(timestamp: float, now: float) -> str:
    """`03:12:09 UTC`, with the date when that is not today."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    today = datetime.fromtimestamp(now, UTC).date() == moment.date()
    return moment.strftime("%H:%M:%S UTC" if today else "%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float) -> str:
    """`14 min`, `2 h 5 min`: the two largest units."""
    rest = max(0, int(seconds))
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def milliseconds(seconds: float) -> str:
    """`0.53 ms`, `24 ms`, `3.2 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2f} ms"
