"""Durations as people write them: `15s`, `500ms`, `1h30m`."""

import re

_DURATION = re.compile(r"(?:(\d{1,15})h)?(?:(\d{1,15})m(?!s))?(?:(\d{1,15})s)?(?:(\d{1,15})ms)?")
"""With no more digits than a float holds: what is longer is no time that anybody means."""


def parse_duration(value: object) -> float:
    """Seconds of `15s`, `500ms` or `1h30m`. Raises ValueError with a remedy."""
    if isinstance(value, float):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("expected a duration such as 15s, 500ms or 1h30m")
    hours, minutes, seconds, milliseconds = (int(group or 0) for group in match.groups())
    return hours * 3600.0 + minutes * 60.0 + seconds + milliseconds / 1000.0


def duration(seconds: float) -> str:
    """Seconds as people write them: `15s`, `500ms`, `1h30m`."""
    milliseconds = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
