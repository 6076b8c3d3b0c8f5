"""What is left of an object that is kept for its series: enough, and not much."""

from __future__ import annotations

import marshal

import pytest

from agent.cluster.packed import packed, unpacked
from agent.probes._json import JsonObject, json_object
from tests.cluster.sample_objects import POD
from tests.cluster.series_support import changed


def test_a_packed_object_reads_like_a_whole_one() -> None:
    thing = packed(POD)
    assert dict(thing) == unpacked(thing)
    assert list(thing) == list(POD)
    assert len(thing) == len(POD)
    assert thing["status"] == POD["status"]
    assert "nothing" not in thing
    assert unpacked(POD) is POD


def test_what_fills_objects_and_makes_no_series_is_not_kept() -> None:
    container = {"name": "main", "env": [{"name": "A", "value": "x" * 5000}], "livenessProbe": {"x": "x" * 5000}}
    fat = changed(
        POD,
        metadata__annotations={"last-applied": "x" * 5000},
        metadata__managedFields=["x" * 5000],
        spec__volumes=["x" * 5000],
        spec__containers=[container],
        spec__initContainers=[container],
        status__images=["x" * 5000],
    )
    assert len(marshal.dumps(packed(fat).unpacked())) < 3000


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"metadata": 7, "spec": [], "status": "x"}',
        b'{"spec": {"containers": {"a": 1}, "initContainers": [1, null, {"name": 2}]}}',
        b'{"metadata": {"name": "\\ud800", "n": 123456789012345678901234567890, "f": 1e308, "t": [true, null]}}',
    ],
)
def test_odd_objects_can_be_packed(text: bytes) -> None:
    thing: JsonObject | None = json_object(text)
    assert thing is not None
    assert packed(thing).unpacked().keys() == thing.keys()
