"""Quantities are read exactly as Kubernetes reads them, and nothing else is one."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import example, given, strategies

from agent.probes._quantity import exact, nanos, thousandths, units

# What resource.ParseQuantity of k8s.io/apimachinery 0.37.2 said, in billionths.
KUBERNETES = {
    "0": 0,
    "-0": 0,
    "100m": 10**8,
    "1": 10**9,
    "+1": 10**9,
    "-1500m": -15 * 10**8,
    "1.": 10**9,
    ".5": 5 * 10**8,
    "007.50": 75 * 10**8,
    "1Ki": 1024 * 10**9,
    "1Gi": 2**30 * 10**9,
    "1.5Gi": 1536 * 2**20 * 10**9,
    "0.1Ki": 1024 * 10**8,
    "1e3": 10**12,
    "1E3": 10**12,
    "1e+3": 10**12,
    "1e-3": 10**6,
    "1E": 10**27,
    "12E": 12 * 10**27,
    "1k": 10**12,
    "1u": 1000,
    "1n": 1,
    "0.1n": 1,
    "-0.1n": -1,
    "1e-30": 1,
    "0e-30": 0,
    f"1{'0' * 40}e-40": 10**9,
    "1.0000000001": 10**9 + 1,
    "7Ei": 7 * 2**60 * 10**9,
    "8Ei": (2**63 - 1) * 10**9,
    "9223372036854775808": 2**63 * 10**9,
    "100000000000000000000000000000n": 10**29,
}
NO_QUANTITIES = [
    "",
    " 1",
    "1 ",
    "1\n",
    "one",
    "1K",
    "1ki",
    "1KI",
    "1mi",
    "1e",
    "1e1.5",
    "1e3m",
    "1mm",
    "1..2",
    "1.2.3",
    "--1",
    "0x10",
    "1_000",
    "1,5",
    "NaN",
    "Inf",
    "\u0661",
    "1e100",
    "1e99999999999999999999",
    "9" * 65,
    ".",
    "Ki",
    None,
    True,
    1,
    1.5,
    ["1"],
    {"1": "1"},
]


@pytest.mark.parametrize(("text", "amount"), KUBERNETES.items())
def test_quantities(text: str, amount: int) -> None:
    assert nanos(text) == amount


@pytest.mark.parametrize("text", NO_QUANTITIES, ids=repr)
def test_what_is_no_quantity_has_no_amount(text: object) -> None:
    assert nanos(text) is units(text) is thousandths(text) is exact(text) is None


digits = strategies.text("0123456789", max_size=22)
suffixes = {
    "": 1,
    **{letter: Fraction(1, 1000**power) for power, letter in enumerate("mun", 1)},
    **{letter: 1000**power for power, letter in enumerate("kMGTPE", 1)},
    **{f"e{power}": Fraction(10) ** power for power in range(-30, 31)},
    **{f"E+{power}": Fraction(10) ** power for power in range(31)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("KMGTPE", 1)},
}


@given(strategies.sampled_from(["", "+", "-"]), digits, digits, strategies.sampled_from(sorted(suffixes)))
@example("-", "0", "0000000000000000000001", "Ei")
def test_every_quantity_is_its_number_rounded_away_from_zero(sign: str, whole: str, part: str, suffix: str) -> None:
    text = f"{sign}{whole}.{part}{suffix}"
    if not whole + part:
        assert nanos(text) is None
        return
    number = Fraction(f"{whole or '0'}.{part or '0'}") * suffixes[suffix]
    amount = ceil(number * 10**9)
    if suffix.endswith("i"):
        amount = min(amount, (2**63 - 1) * 10**9)
    direction = -1 if sign == "-" else 1
    assert nanos(text) == direction * amount
    assert units(text) == direction * ceil(Fraction(amount, 10**9))
    assert exact(text) == pytest.approx(direction * amount / 10**9, rel=1e-15)


@given(strategies.integers(0, 2**63 - 1))
def test_bytes_are_exact(amount: int) -> None:
    assert units(str(amount)) == amount


@given(strategies.integers(0, 10**9))
def test_thousandths_are_exact(amount: int) -> None:
    assert thousandths(f"{amount}m") == amount / 1000
    assert thousandths(f"{amount}000001n") == (amount + 1) / 1000


@given(strategies.text(max_size=80))
@example("1" * 60 + "e99")
def test_no_text_breaks_the_reading(text: str) -> None:
    for read in (nanos, units, thousandths, exact):
        read(text)


def test_many_thousandths_are_whole() -> None:
    assert thousandths("12E") == 12e18
