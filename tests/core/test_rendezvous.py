"""Who owns a key: everybody agrees, nobody has much more than others, and little moves."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent.core.rendezvous import owner

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
KEYS = [f"prod/check-{number}" for number in range(2000)]


def test_nobody_owns_what_nobody_is_there_for() -> None:
    assert owner("key", []) is None


@given(names, st.sets(names, min_size=1))
def test_the_order_does_not_matter(key: str, members: set[str]) -> None:
    assert owner(key, sorted(members)) == owner(key, sorted(members, reverse=True))
    assert owner(key, members) in members


@given(names, st.sets(names, min_size=2), st.data())
def test_only_the_keys_of_a_lost_member_move(key: str, members: set[str], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(sorted(members)))
    before = owner(key, members)
    after = owner(key, members - {lost})
    assert after == before if before != lost else after in members - {lost}


def test_the_keys_are_spread_evenly() -> None:
    members = [f"reachd-{number}" for number in range(5)]
    shares = Counter(owner(key, members) for key in KEYS)
    assert shares.keys() == set(members)
    assert all(len(KEYS) / 5 * 0.8 < share < len(KEYS) / 5 * 1.2 for share in shares.values())


def test_the_answer_is_the_same_on_every_agent_and_in_every_release() -> None:
    assert [owner(f"check-{number}", "abc") for number in range(8)] == ["c", "c", "c", "a", "c", "c", "a", "b"]
