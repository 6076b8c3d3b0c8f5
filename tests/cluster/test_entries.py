"""Lists that come in one piece: each entry once, however the pieces are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cluster.entries import EntryReader
from agent.probes._json import JsonObject

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["]", "}", '"items":[', "é"])
VALUES = st.recursive(LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below))
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=3)


def read(*parts: bytes) -> list[JsonObject]:
    reader = EntryReader()
    found = [entry for part in parts for entry in reader.feed(part)]
    reader.end()
    return found


@given(st.lists(OBJECTS | LEAVES, max_size=6), st.lists(st.integers(1, 400)), st.sampled_from([None, 2]), st.booleans())
def test_every_cut_gives_the_same_entries(
    entries: list[object], cuts: list[int], indent: int | None, ascii_only: bool
) -> None:
    document = {"kind": "PodMetricsList", "metadata": {"resourceVersion": ""}, "items": entries}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    places = sorted({0, len(text), *[cut for cut in cuts if cut < len(text)]})
    parts = [text[begin:end] for begin, end in pairwise(places)]
    assert read(*parts) == [entry for entry in entries if isinstance(entry, dict)]


@pytest.mark.parametrize("text", [b'{"kind":"PodMetricsList","items":null}', b'{"items":[]}', b'{"items" : [ ] }'])
def test_an_empty_list_has_no_entries(text: bytes) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"<html>no such page</html>",
        b'{"items":{}}',
        b'{"items":[{"a":1}',
        b'{"items":[{"a":1},nonsense]}',
        b'{"items":[' + b"[" * 100_000,
        b'{"items":["' + b"x" * 2_000_000,
        b"x" * 100_000,
    ],
)
def test_what_is_no_list_is_an_error(text: bytes) -> None:
    with pytest.raises(OSError, match="no list of objects, or is cut"):
        read(text)
