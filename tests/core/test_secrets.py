"""Secrets are found in whatever dress a target gives them."""

import html
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from time import process_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import secrets
from agent.core.secrets import CONCEALED, conceal, conceal_in_url, remember, remember_in_urls
from agent.probes._text import quote as quoted

SECRET = 'hünter2"/+pass'
MARKUP = "Pa&ss<w\"o'r>d+99"


@pytest.mark.parametrize(
    ("secret", "dressed"),
    [
        (SECRET, SECRET),
        (SECRET, SECRET.lower()),
        (SECRET, SECRET.upper()),
        (SECRET, SECRET.title()),
        (SECRET, json.dumps(SECRET)[1:-1]),
        (SECRET, json.dumps(SECRET, ensure_ascii=False)[1:-1]),
        (SECRET, quote(SECRET, safe="")),
        (SECRET, quote(SECRET, safe="").lower()),
        (SECRET, SECRET.encode().decode("latin-1")),
        (MARKUP, html.escape(MARKUP)),
        (MARKUP, html.escape(MARKUP, quote=False)),
        (MARKUP, "Pa&amp;ss&lt;w&#34;o&#39;r&gt;d+99"),  # html.EscapeString of Go
        (MARKUP, "Pa&amp;ss&lt;w&#34;o&#39;r&gt;d&#43;99"),  # html/template of Go
        (MARKUP, "Pa&amp;ss&lt;w&quot;o&#39;r&gt;d+99"),
        (MARKUP, r"Pa\u0026ss\u003cw\"o'r\u003ed+99"),  # encoding/json of Go
        (MARKUP, r"Pa\u0026ss\u003Cw\"o'r\u003Ed+99"),
        ("Straße/İΣ", "STRASSE/İΣ"),
        ("Straße/İΣ", "straße/i̇ς"),
        ("tok-en-123456\n", "tok-en-123456"),
        (" \ttok-en-123456\r\n", "tok-en-123456"),
        ("first-line\nX-Other: second-line", "first-line"),
        ("first-line\r\n  X-Other: second-line\r\n", "X-Other: second-line"),
        ("first-line\nsecond-line", "first-line\nsecond-line"),
        ("first-line\nsecond-line", r"first-line\nsecond-line"),
    ],
)
def test_each_dress(secret: str, dressed: str) -> None:
    remember(secret)
    assert conceal(f"before {dressed} after") == f"before {CONCEALED} after"


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
def test_base64_of_something_longer(before: str) -> None:
    remember("hunter2-password")
    shown = conceal(b64encode(f"{before}hunter2-password!".encode()).decode())
    assert CONCEALED in shown
    assert len(shown.replace(CONCEALED, "")) <= len(b64encode(before.encode())) + 4


def test_a_secret_at_a_cut_end() -> None:
    remember("hunter2-password")
    assert conceal("it is hunter2-pa", cut=True) == f"it is {CONCEALED}"
    assert conceal("it is hun", cut=True) == "it is hun"
    assert quoted("it is hunter2-pa") == f'"it is {CONCEALED}"'
    assert quoted(b"it is hunter2-pa") == f'"it is {CONCEALED}"'


@pytest.mark.parametrize("text", ["prod", "reprod", "prod-7", "the check is prod"])
def test_a_whole_text_may_end_as_a_secret_begins(text: str) -> None:
    remember("prod-7Hq2xLw9")
    assert conceal(text) == text


def test_a_url_is_without_what_the_environment_has_put_into_one() -> None:
    remember("base-pass-1")
    remember("of-a-file")
    assert conceal_in_url("/base-pass-1/of-a-file") == "/base-pass-1/of-a-file"
    remember_in_urls("/hook/T0/s3cret-7/")
    remember_in_urls("/hook/T0")
    remember_in_urls("/v1")
    for text in ("/hook/T0/s3cret-7/up", "/hook/T0/up"):
        assert conceal_in_url(text) == conceal(text) == f"{CONCEALED}/up"
    assert conceal_in_url("/hook/T0/s3cret-7") == CONCEALED
    assert conceal_in_url("/v1/base") == "/v1/base"


def test_of_what_the_environment_puts_into_urls_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_MOST", 2)
    for part in ("/first", "/second", "/first", "/third"):
        remember_in_urls(part)
    assert conceal_in_url("/first/second/third") == f"{CONCEALED}/second{CONCEALED}"


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


def test_words_in_lines_shred_no_text() -> None:
    remember("# user\ntrue\nhunter2-password\n")
    assert conceal("it is true that the user hunter2-password ends") == (f"it is true that the user {CONCEALED} ends")


def assert_nothing_is_left_over() -> None:
    """The index holds the forms of what is remembered, and no others."""
    remembered = [form for values in secrets._forms_by_origin.values() for forms in values.values() for form in forms]
    assert Counter(remembered) == secrets._uses
    assert sorted(form for forms in secrets._by_beginning.values() for form in forms) == sorted(set(remembered))
    assert all(list(forms) == sorted(forms) != [] for forms in secrets._by_beginning.values())


def test_the_origin_unheard_of_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_MOST", 2)
    for secret in ("first-secret", "second-secret", "first-secret", "third-secret"):
        remember(secret)
    assert conceal("first-secret second-secret third-secret") == f"{CONCEALED} second-secret {CONCEALED}"
    assert_nothing_is_left_over()


def test_renewals_of_one_file_forget_no_secret_of_another() -> None:
    remember("of-the-environment")
    remember("of-a-file-that-stays", "/static")
    for number in range(3000):
        remember(f"renewed-{number:04}", "/rotated")
    assert conceal("of-the-environment of-a-file-that-stays") == f"{CONCEALED} {CONCEALED}"
    assert conceal("renewed-2999 renewed-2998 renewed-0001") == f"{CONCEALED} {CONCEALED} renewed-0001"
    assert_nothing_is_left_over()


def test_a_secret_in_two_places_is_known_until_both_have_another() -> None:
    remember("shared-secret", "/a")
    remember("shared-secret", "/b")
    for number in range(secrets._VERSIONS):
        remember(f"renewed-{number}", "/a")
    assert conceal("shared-secret") == CONCEALED
    for number in range(secrets._VERSIONS):
        remember(f"renewed-{number}", "/b")
    assert conceal("shared-secret") == "shared-secret"
    assert_nothing_is_left_over()


@given(st.lists(st.tuples(st.text("aAb<\n", min_size=4, max_size=12), st.sampled_from(["", "/a", "/b"])), max_size=30))
def test_what_is_kept_is_what_is_found(told: list[tuple[str, str]]) -> None:
    for name in ("_forms_by_origin", "_uses", "_by_beginning"):
        getattr(secrets, name).clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "_MOST", 5)
        for secret, origin in told:
            remember(secret, origin)
    assert_nothing_is_left_over()


def test_many_tokens_that_begin_alike_cost_little() -> None:
    for number in range(secrets._MOST):
        remember(f"eyJhbGciOiJSUzI1NiIsImtpZCI6I{number:04}{'x' * 800}")
    hostile = "eyJh" * 16_000
    begin = process_time()
    assert conceal(hostile, 160) == hostile[:160]
    assert process_time() - begin < 0.25  # 1 ms; with a comparison in Python for each token, 20 ms and more


def test_bytes_of_the_environment_that_are_no_text() -> None:
    secret = b"hunter2-\xff-password".decode("utf-8", "surrogateescape")
    remember(secret)
    assert conceal(f"a {secret} b") == f"a {CONCEALED} b"


@given(st.text(min_size=4), st.text(), st.text(), st.sampled_from([str, str.lower, str.upper]))
def test_no_secret_is_left(secret: str, before: str, after: str, spelled: Callable[[str], str]) -> None:
    remember(secret)
    if len(secret.strip()) >= 4:
        shown = conceal(before + spelled(secret.strip()) + after)
        assert spelled(secret.strip()) not in shown.replace(CONCEALED, "\0")


@given(st.text())
def test_folding_keeps_every_place(text: str) -> None:
    assert [secrets._fold(character) for character in text] == list(secrets._fold(text))
