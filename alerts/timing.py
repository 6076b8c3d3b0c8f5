"""Durations of rules, all divided by one number, so that a test need not wait as long as a person on call."""

import re
from dataclasses import dataclass
from fractions import Fraction

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d+)(ms|[smhd])")


def milliseconds(duration: str) -> int:
    """A Prometheus duration such as `90s` or `1h30m` in milliseconds. Raises ValueError for anything else."""
    parts = _PART.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration or not parts:
        raise ValueError(f"{duration!r} is no duration such as 90s or 1h30m")
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)


@dataclass(frozen=True, slots=True)
class Timing:
    """How rules write durations. `scale`: what each is divided by."""

    scale: int = 1

    def __call__(self, duration: str) -> str:
        """The duration as PromQL has it. Raises ValueError where it is no whole number of milliseconds once divided."""
        if self.scale == 1:
            return duration
        value = Fraction(milliseconds(duration), self.scale)
        if value.denominator != 1:
            raise ValueError(f"{duration} divided by {self.scale} is no whole number of milliseconds")
        return _text(int(value))

    def seconds(self, duration: str) -> str:
        """The duration as a number of seconds, for arithmetic."""
        value = Fraction(milliseconds(duration), 1000 * self.scale)
        return str(value.numerator) if value.denominator == 1 else str(float(value))


def _text(value: int) -> str:
    text = ""
    for unit, size in reversed(_MILLISECONDS.items()):
        count, value = divmod(value, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
