"""Thresholds and the words for values. A colour never stands alone: it comes with a number or a word."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

GOOD, WARN, BAD, NEUTRAL, BLOCKED, UNKNOWN = "green", "orange", "red", "text", "purple", "yellow"

Steps = Mapping[float | None, str]
"""Colours from a value on; None is the lowest of all."""

PLAIN: Steps = {None: NEUTRAL}
NONE_IS_GOOD: Steps = {None: GOOD, 1: BAD}
NONE_IS_BEST: Steps = {None: GOOD, 1: WARN}


def above(limit: float, colour: str = WARN) -> Steps:
    """Good below the limit of an alert."""
    return {None: GOOD, limit: colour}


def below(limit: float) -> Steps:
    """Good from the limit of an alert on."""
    return {None: WARN, limit: GOOD}


def thresholds(steps: Steps) -> ThresholdsConfig:
    """The steps as Grafana has them."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(value, steps[value]) for value in steps])


def words(*names: tuple[int, str, str]) -> ValueMap:
    """Words and colours for whole numbers."""
    results = {
        str(value): ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, text, colour) in enumerate(names)
    }
    return ValueMap(options=results)


def absent(text: str, colour: str) -> SpecialValueMap:
    """What to write where there is no number; else it would have the colour of the lowest threshold."""
    result = ValueMappingResult(text=text, color=colour)
    return SpecialValueMap(options=DashboardSpecialValueMapOptions(match=SpecialValueMatch.NULL_AND_NAN, result=result))


STATES = words((0, "UP", GOOD), (1, "BLOCKED", BLOCKED), (2, "UNKNOWN", UNKNOWN), (3, "DOWN", BAD))
"""For `queries.state_number`."""

COLOUR_OF_STATE: Mapping[str, str] = {"up": GOOD, "blocked": BLOCKED, "unknown": UNKNOWN, "down": BAD}

YES_OR_NO = words((0, "NO", BAD), (1, "YES", GOOD))
UP_OR_DOWN = words((0, "DOWN", BAD), (1, "UP", GOOD))
