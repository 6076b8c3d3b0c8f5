"""Quantities such as 100m, 1Gi or 1e3, exactly as Kubernetes reads them (k8s.io/apimachinery, pkg/api/resource)."""

import re

_FORM = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?"
    r"(?:(?P<binary>[KMGTPE])i|(?P<decimal>[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]+))?"
)
_LONGEST = 64
"""Characters; what an API server writes has at most some 25."""
_LARGEST_EXPONENT = 99
_SMALLEST_EXPONENT = -200
"""Below this everything that is not zero, and not longer than allowed, is rounded up to the same smallest amount."""

_DECIMAL = {"n": -9, "u": -6, "m": -3, None: 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}
_NANO = 10**9
_MOST_BINARY = (2**63 - 1) * _NANO
_MOST_MILLI = (2**63 - 1) // 1000


def nanos(quantity: object) -> int | None:
    """The amount in billionths, the finest that Kubernetes keeps; finer ones are rounded away from zero.

    None for what is no quantity, or greater than 10^99 of a number. Kubernetes caps quantities with a binary suffix
    at 2^63 - 1, and no others.
    """
    if not isinstance(quantity, str) or len(quantity) > _LONGEST or not (found := _FORM.fullmatch(quantity)):
        return None
    whole, fraction = found["whole"], found["fraction"] or ""
    if not whole + fraction:
        return None
    amount, places = int(whole + fraction) * _NANO, len(fraction)
    if found["binary"]:
        result = min(_rounded_up(amount << _BINARY[found["binary"]], 10**places), _MOST_BINARY)
    else:
        exponent = int(found["exponent"]) if found["exponent"] else _DECIMAL[found["decimal"]]
        if exponent > _LARGEST_EXPONENT:
            return None
        power = max(exponent, _SMALLEST_EXPONENT) - places
        result = amount * 10**power if power >= 0 else _rounded_up(amount, 10**-power)
    return -result if found["sign"] == "-" else result


def units(quantity: object) -> int | None:
    """The amount as a whole number, away from zero: bytes, pods."""
    amount = nanos(quantity)
    return None if amount is None else _away_from_zero(amount, _NANO)


def thousandths(quantity: object) -> float | None:
    """The amount in thousandths, away from zero, as kube-state-metrics tells cores; whole where those are too many."""
    amount = nanos(quantity)
    if amount is None:
        return None
    whole = _away_from_zero(amount, _NANO)
    return float(whole) if whole > _MOST_MILLI else _away_from_zero(amount, _NANO // 1000) / 1000


def exact(quantity: object) -> float | None:
    """The amount as the nearest float."""
    amount = nanos(quantity)
    return None if amount is None else amount / _NANO


def _away_from_zero(amount: int, divisor: int) -> int:
    return -_rounded_up(-amount, divisor) if amount < 0 else _rounded_up(amount, divisor)


def _rounded_up(amount: int, divisor: int) -> int:
    return -(-amount // divisor)
