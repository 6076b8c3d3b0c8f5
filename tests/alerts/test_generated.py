"""The files that are shipped are what the code makes, in all their forms."""

import re
from itertools import zip_longest

import pytest
import yaml

from alerts import pack
from alerts.__main__ import ROOT, generated, rule_files
from alerts.rule import Links
from alerts.timing import Timing, milliseconds

_NUMBER = re.compile(r"(?<![\w.])(?:(?:\d+(?:ms|[smhd]))+|\d+(?:\.\d+)?)(?![\w.])")


@pytest.mark.parametrize(
    ("path", "text"), list(generated(Timing(), Links())), ids=lambda it: it if "/" in it[:20] else ""
)
def test_files_are_what_the_code_makes(path: str, text: str) -> None:
    assert (ROOT / path).read_text() == text


def test_no_other_rules_lie_about() -> None:
    made = {path for path, _ in generated(Timing(), Links())}
    there = {str(file.relative_to(ROOT)) for file in (ROOT / "alerts").rglob("*.yaml")}
    assert there <= made


@pytest.mark.parametrize("name", pack.FILES)
def test_the_operators_rules_are_the_same(name: str) -> None:
    resource = yaml.safe_load((ROOT / "config/kubernetes/components/alerts" / f"{name}.yaml").read_text())
    assert (resource["apiVersion"], resource["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert resource["spec"] == yaml.safe_load((ROOT / "alerts/rules" / f"{name}.yaml").read_text())


@pytest.mark.parametrize("scale", [5, 30])
def test_scaled_rules_are_otherwise_the_same(scale: int) -> None:
    plain, scaled = (list(_texts(rule_files(Timing(it), Links()))) for it in (1, scale))
    durations = 0
    for before, after in zip_longest(plain, scaled):
        assert _NUMBER.sub("N", before) == _NUMBER.sub("N", after)
        about_time = any(it in before for it in ("time()", "timestamp_seconds", "probe_interval_seconds"))
        for old, new in zip_longest(_NUMBER.findall(before), _NUMBER.findall(after)):
            if old[-1].isalpha() and old != new:
                assert milliseconds(old) == scale * milliseconds(new), before
                durations += 1
            elif old != new:
                assert about_time, before
                assert float(old) == pytest.approx(scale * float(new)), before
    assert durations > 200


@pytest.mark.parametrize("scale", [5, 30])
def test_every_duration_is_scaled(scale: int) -> None:
    """Of durations that count, none is forgotten: `for`, `interval`, ranges and offsets."""
    plain, scaled = (list(_durations(rule_files(Timing(it), Links()))) for it in (1, scale))
    assert [scale * milliseconds(it) for it in scaled] == [milliseconds(it) for it in plain]


def _texts(document: object) -> list[str]:
    """Every text in the document, with the path of keys that leads to it left out."""
    match document:
        case dict():
            return [text for key, value in document.items() for text in [str(key), *_texts(value)]]
        case list():
            return [text for value in document for text in _texts(value)]
        case _:
            return [str(document)]


def _durations(document: object) -> list[str]:
    found: list[str] = []
    match document:
        case dict():
            for key, value in document.items():
                if key in ("for", "keep_firing_for", "interval"):
                    found.append(str(value))
                elif key == "expr":
                    found += re.findall(r"(?<=\[)\w+|(?<=offset )\w+", str(value))
                else:
                    found += _durations(value)
        case list():
            found = [it for value in document for it in _durations(value)]
    return found
