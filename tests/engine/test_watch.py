"""What counts as a change of the configuration files."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from agent.engine.watch import Signature, changes, signature


def rewritten(folder: Path) -> None:
    (folder / "a.yaml").write_text("longer than it was")


def touched(folder: Path) -> None:
    os.utime(folder / "a.yaml", (1, 1))


def replaced(folder: Path) -> None:
    status = (folder / "a.yaml").stat()
    (folder / "new").write_text("text")
    os.utime(folder / "new", ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "new").replace(folder / "a.yaml")


def added(folder: Path) -> None:
    (folder / "b.yaml").write_text("text")


def removed(folder: Path) -> None:
    (folder / "a.yaml").unlink()


@pytest.mark.parametrize("change", [rewritten, touched, replaced, added, removed])
def test_changes_in_a_folder(change: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("text")
    before = signature([tmp_path])
    assert signature([tmp_path]) == before
    change(tmp_path)
    assert signature([tmp_path]) != before


def test_what_a_link_leads_to(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text("text")
    (tmp_path / "data").symlink_to("1")
    link = tmp_path / "a.yaml"
    link.symlink_to("data/a.yaml")
    before = signature([link])
    (tmp_path / "fresh").symlink_to("2")
    (tmp_path / "fresh").replace(tmp_path / "data")
    assert signature([link]) != before


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert signature([tmp_path / "nowhere", tmp_path]) == ()


async def test_changes_are_told_until_they_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.01)
    file = tmp_path / "a.yaml"
    file.write_text("text")
    known = signature([file])
    watch = changes([file], lambda: known)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 0.1)
    watch = changes([file], lambda: known)
    file.write_text("longer than it was")
    async with asyncio.timeout(30):
        await anext(watch)
        await anext(watch)
    known = signature([file])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 0.1)


async def test_what_is_still_being_written_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("text")
    before, pieces = signature([file]), ["", "half", "half and half"]

    def look(paths: Sequence[Path]) -> Signature:
        """A look at the files, before each of which the writer gets on."""
        if pieces:
            file.write_text(pieces.pop(0))
        return signature(paths)

    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.0)
    monkeypatch.setattr("agent.engine.watch.signature", look)
    async with asyncio.timeout(30):
        await anext(changes([file], lambda: before))
    assert file.read_text() == "half and half"
