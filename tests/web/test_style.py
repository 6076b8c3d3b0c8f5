"""The colours of the page can be told from their grounds, in both schemes (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from importlib.resources import files

import pytest

STYLE = files("agent.web").joinpath("static", "style.css").read_text()
GROUNDS = ("ground", "surface", "sunk")
TEXTS = ("text", "muted", "link", "up", "down", "unknown", "blocked")
PAIRS = [
    *[(colour, ground, 4.5) for colour in TEXTS for ground in GROUNDS],
    *[(colour, "down-ground", 4.5) for colour in ("text", "link", "down")],
    *[(colour, ground, 3.0) for colour in ("edge", "up", "down", "unknown", "blocked") for ground in GROUNDS],
    ("surface", "down", 3.0),  # the knob of a switch that is on
]


def colours(scheme: str) -> dict[str, str]:
    """The colours of a scheme by name; the dark one takes what it does not set from the light one."""
    light, dark = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    ]
    return light if scheme == "light" else light | dark


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("colour", "ground", "wanted"), PAIRS)
def test_contrast(scheme: str, colour: str, ground: str, wanted: float) -> None:
    of_scheme = colours(scheme)
    darker, lighter = sorted([luminance(of_scheme[colour]), luminance(of_scheme[ground])])
    assert (lighter + 0.05) / (darker + 0.05) >= wanted
