"""Secret files: what is in use stays concealed, however many others are read or renewed."""

from pathlib import Path

import pytest

from agent.core import secrets
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.core.secrets import CONCEALED, conceal
from agent.probes._files import Files


def test_a_file_that_is_in_use_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_MOST", 3)
    files, static = Files(), tmp_path / "static"
    static.write_text("in-use-all-the-time\n")
    for number in range(10):
        assert files.secret(static) == "in-use-all-the-time"
        other = tmp_path / f"other-{number}"
        other.write_text(f"seen-once-{number}")
        files.secret(other)
    assert conceal("in-use-all-the-time, seen-once-0") == f"{CONCEALED}, seen-once-0"


def test_the_former_value_of_a_file_is_still_concealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.probes._files._LOOK_AGAIN_AFTER", 0.0)
    files, file = Files(), tmp_path / "token"
    for value in ("the-first-token", "the-second-token-"):
        file.write_text(value)
        assert files.secret(file) == value
    assert conceal("the-first-token, the-second-token-") == f"{CONCEALED}, {CONCEALED}"


def test_an_empty_file_holds_no_secret(tmp_path: Path) -> None:
    """As a file is for a moment that is being written anew: the target must not be blamed for refusing nothing."""
    path = tmp_path / "token"
    path.write_text(" \n")
    for read in (Files().secret, Files().secret_for_header):
        with pytest.raises(ProbeFailure) as raised:
            read(path)
        assert raised.value.reason is Reason.PERMISSION_DENIED
        assert raised.value.detail == f"the file {path} is empty"
    assert Files().text(path) == ""
