"""Every reason is explained, in words that a page can show."""

import pytest

from agent.core.explanations import explain
from agent.core.reasons import Blame, Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_phrase_a_meaning_and_something_to_try(reason: Reason) -> None:
    explanation = explain(reason)
    assert 8 <= len(explanation.phrase) <= 60
    assert explanation.phrase[0].islower(), "it completes a sentence"
    assert not explanation.phrase.endswith(".")
    assert 100 <= len(explanation.meaning) <= 500
    assert explanation.meaning.endswith(".")
    assert 2 <= len(explanation.try_first) <= 3
    assert all(len(step) <= 250 for step in explanation.try_first)
    assert "  " not in explanation.meaning


def test_no_two_reasons_say_the_same() -> None:
    assert len({explain(reason).phrase for reason in Reason}) == len(Reason)
    assert len({explain(reason).meaning for reason in Reason}) == len(Reason)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.blame is Blame.AGENT])
def test_a_failure_of_the_agent_says_nothing_about_the_target(reason: Reason) -> None:
    assert "This says nothing about the target" in explain(reason).meaning
