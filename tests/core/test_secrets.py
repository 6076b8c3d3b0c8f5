"""Secrets are found in whatever dress a target gives them."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import secrets
from agent.core.secrets import CONCEALED, conceal, remember

SECRET = 'hünter2"/+pass'


@pytest.mark.parametrize(
    "dressed",
    [
        SECRET,
        SECRET.lower(),
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        SECRET.encode().decode("latin-1"),
    ],
)
def test_each_dress(dressed: str) -> None:
    remember(SECRET)
    assert conceal(f"before {dressed} after") == f"before {CONCEALED} after"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
def test_base64_of_something_longer(before: str) -> None:
    remember("hunter2-password")
    shown = conceal(b64encode(f"{before}hunter2-password!".encode()).decode())
    assert CONCEALED in shown
    assert len(shown.replace(CONCEALED, "")) <= len(b64encode(before.encode())) + 4


def test_a_secret_at_a_cut_end() -> None:
    remember("hunter2-password")
    assert conceal("it is hunter2-pa") == f"it is {CONCEALED}"
    assert conceal("it is hun") == "it is hun"


def test_the_longest_wins() -> None:
    remember("hunter2")
    remember("hunter2-password")
    assert conceal("hunter2-password hunter2") == f"{CONCEALED} {CONCEALED}"


def test_the_limit_counts_what_is_shown() -> None:
    remember("x" * 5000)
    assert conceal("x" * 5000 + "after", 10) == f"{CONCEALED}af"
    assert conceal("no secret", 2) == "no"


def test_short_values_shred_no_text() -> None:
    remember("ab")
    remember("")
    assert conceal("about") == "about"


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_MOST", 2)
    for secret in ("first-secret", "second-secret", "third-secret"):
        remember(secret)
    assert conceal("first-secret second-secret third-secret") == f"first-secret {CONCEALED} {CONCEALED}"
    assert not [forms for forms in secrets._by_beginning.values() if not forms]


def test_bytes_of_the_environment_that_are_no_text() -> None:
    secret = b"hunter2-\xff-password".decode("utf-8", "surrogateescape")
    remember(secret)
    assert conceal(f"a {secret} b") == f"a {CONCEALED} b"


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_is_left(secret: str, before: str, after: str) -> None:
    remember(secret)
    text = before + secret + after
    shown = conceal(text)
    assert secret not in shown.replace(CONCEALED, "\0")
