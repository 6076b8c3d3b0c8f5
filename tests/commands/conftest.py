"""Commands that wait do so in short steps."""

import pytest


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.engine.once.RECHECK_DELAY", 0.05)
    monkeypatch.setattr("agent.commands.check._WAIT_BETWEEN", 0.1)
