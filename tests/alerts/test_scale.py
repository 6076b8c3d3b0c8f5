"""Scaled rules and routes are the real ones with every duration divided, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import nan

import pytest

from alerts.__main__ import rule_files
from alerts.alertmanager import document
from alerts.rule import Links
from alerts.timing import Timing, milliseconds

SCALE = 5
_TOKEN = re.compile(r"((?:\d+(?:ms|[smhd]))+|\d+(?:\.\d+)?)")
"""A duration, or a number. Both are also parts of names and of what alerts say, and stay there."""
_RANGE = re.compile(r"\[([^]]+)]|offset (\w+)")
_DURATIONS = ("interval", "for", "keep_firing_for", "group_wait", "group_interval", "repeat_interval")


def test_nothing_but_durations_differs() -> None:
    found = [pair for pair in _leaves(_everything(1), _everything(SCALE)) if not _is_divided(*pair[1:])]
    assert found == []


def test_every_duration_is_divided() -> None:
    found = []
    for key, real, scaled in _leaves(_everything(1), _everything(SCALE)):
        pairs = [(real, scaled)] if key in _DURATIONS else list(zip(_ranges(real), _ranges(scaled), strict=True))
        found += [pair for pair in pairs if milliseconds(pair[0]) != SCALE * milliseconds(pair[1])]
        if "time()" in real and "probe_interval_seconds" not in real and real == scaled:
            found.append((real, scaled))
    assert found == []


def test_a_duration_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number of milliseconds"):
        Timing(7)("5m")


def _everything(scale: int) -> list[object]:
    return [rule_files(Timing(scale), Links()), document(Timing(scale))]


def _leaves(real: object, scaled: object, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Texts by the key that they are at, from both documents."""
    if isinstance(real, Mapping):
        assert isinstance(scaled, Mapping)
        assert [*real] == [*scaled]
        for name in real:
            yield from _leaves(real[name], scaled[name], name)
    elif isinstance(real, Sequence) and not isinstance(real, str):
        assert isinstance(scaled, Sequence)
        for one, other in zip(real, scaled, strict=True):
            yield from _leaves(one, other, key)
    else:
        yield key, str(real), str(scaled)


def _is_divided(real: str, scaled: str) -> bool:
    """Whether the texts are the same but for durations, and for seconds where they are compared with times."""
    ours, theirs = _TOKEN.split(real), _TOKEN.split(scaled)
    seconds = "time()" in real or "_interval_seconds" in real
    return len(ours) == len(theirs) and all(
        one == other or _length(one, seconds=seconds) == SCALE * _length(other, seconds=seconds)
        for one, other in zip(ours, theirs, strict=True)
    )


def _length(token: str, *, seconds: bool) -> float:
    """Milliseconds; not a number, and so nothing's multiple, where the token is no duration."""
    if not _TOKEN.fullmatch(token):
        return nan
    if token.replace(".", "").isdigit():
        return 1000 * float(token) if seconds else nan
    return milliseconds(token)


def _ranges(text: str) -> list[str]:
    return [bracket or offset for bracket, offset in _RANGE.findall(text) if _TOKEN.fullmatch(bracket or offset)]
