"""Names of what is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.discovery.names import name_of
from agent.profiles.fields import check_name

PART = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("shop", "cart"), "shop--cart"),
        (("nats", "nats-0.nats.svc-4222"), "nats--nats-0-nats-svc-4222"),
        (("shop-a", "b"), "shop-a--b"),
        (("shop", "a-b"), "shop--a-b"),
    ],
)
def test_names_are_readable(parts: tuple[str, ...], name: str) -> None:
    assert name_of(*parts) == name


@given(PART, PART, PART, PART)
def test_names_of_services_are_allowed_and_differ(one: str, two: str, three: str, four: str) -> None:
    first, second = name_of(one, two), name_of(three, four)
    assert check_name(first) == first
    assert (first == second) is ((one, two) == (three, four))


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_whatever_it_is_made_of_a_name_is_allowed(parts: list[str]) -> None:
    name = name_of(*parts)
    assert check_name(name) == name


def test_what_could_be_taken_for_another_gets_a_hash() -> None:
    assert len({name_of("a--b", "c"), name_of("a", "b--c"), name_of("fd00::1", "x"), name_of("fd00-1", "x")}) == 4
