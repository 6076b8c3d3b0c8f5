"""Errors of the system in plain words."""

import errno
from urllib.error import URLError

import pytest

from agent.commands.words import words_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (URLError(ConnectionRefusedError(errno.ECONNREFUSED, "whatever")), "Connection refused"),
        (OSError(errno.EADDRINUSE, "error while attempting to bind on address ('::1', 1)"), "Address already in use"),
        (OSError("the Broker ended: no words"), "the Broker ended: no words"),
        (URLError("unknown url type"), "unknown url type"),
        (ValueError("no number"), "no number"),
    ],
)
def test_words(error: Exception, words: str) -> None:
    assert words_of(error) == words
