"""One YAML file: what its values are, and that nothing but a ConfigurationError comes of any text."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.settings.document import place_of, read_document
from agent.settings.problems import ConfigurationError, Problem, step_into


def value_of(text: str) -> object:
    document, problems = read_document(f"value: {text}\n".encode(), "file.yaml")
    assert not problems
    return document["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("n", "n"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("0777", "0777"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2026-09-01", "2026-09-01"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("! 12", "12"),
        ("99999999999999999999999999", "99999999999999999999999999"),
        ("[1, two]", [1, "two"]),
        ("{a: 1}", {"a": 1}),
        ("|\n  two\n  lines", "two\nlines\n"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value) or isinstance(value, list | dict)


def test_every_key_and_item_knows_its_line() -> None:
    document, _ = read_document(b"a:\n  b:\n    - 1\n    - c: 2\nd: 3\n", "file.yaml")
    places = {path: place_of(path, document) for path in [("a",), ("a", "b", 0), ("a", "b", 1, "c"), ("d",)]}
    assert [place.line for place in places.values() if place] == [1, 3, 4, 5]
    nearest = place_of(("a", "b", 7, "x"), document)
    assert nearest is not None
    assert nearest.line == 2
    assert place_of((), document) is None


def test_an_alias_is_a_copy() -> None:
    document, _ = read_document(b"a: &a {b: [[1]]}\nc: *a\n", "file.yaml")
    anchor, alias = document["a"], document["c"]
    assert alias == anchor
    for step in ("b", 0):
        assert alias is not anchor
        anchor, alias = step_into(anchor, step), step_into(alias, step)
    assert alias is not anchor


def test_a_byte_order_mark_is_ignored() -> None:
    document, _ = read_document(b"\xef\xbb\xbfa: 1\n", "file.yaml")
    assert document == {"a": 1}


def test_a_file_too_large_is_not_parsed() -> None:
    with pytest.raises(ConfigurationError, match="larger than 16 MiB"):
        read_document(b"a" * (16 * 1024 * 1024 + 1), "file.yaml")


def problems_of(content: bytes) -> Sequence[Problem]:
    try:
        return read_document(content, "file.yaml")[1]
    except ConfigurationError as error:
        return error.problems


YAML_LIKE = st.text(alphabet=st.sampled_from("ab:- \n\t[]{}&*!|>'\"%@`#,?<~0.${}\x07\x85é"), max_size=60)


@settings(max_examples=300)
@given(YAML_LIKE | st.text(max_size=60))
@example("? ")
@example("%YAML 9.0\n---\na: 1")
@example("a: !!binary x")
@example("a: '\n\n")
@example("--- >\n\t")
def test_text_is_read_or_refused_with_its_file(text: str) -> None:
    problems = problems_of(text.encode("utf-8", "replace"))
    assert all(problem.file == "file.yaml" and problem.message for problem in problems)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_bytes_are_read_or_refused(content: bytes) -> None:
    assert all(problem.message for problem in problems_of(content))
