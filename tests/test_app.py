"""The composition root: what happens when a reload meets the start, and when it fails half-way."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.app import Agent
from agent.probes import tcp
from agent.settings.load import load
from agent.settings.model import Configuration
from tests.agent.support import check, write

CLOSED = "127.0.0.1:9"


def _checks(*names: str) -> dict[str, object]:
    return {"checks": [check(name, "tcp", address=CLOSED, every="1h") for name in names]}


def _loops() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("check ")}


async def test_a_reload_during_the_start_waits_for_its_end(tmp_path: Path) -> None:
    file = write(tmp_path / "reachd.yaml", _checks(*[f"old-{number}" for number in range(2000)]))
    agent = Agent([file])
    write(file, _checks("new"))
    starting = asyncio.create_task(agent.start())
    try:
        async with asyncio.timeout(30):
            while not agent.address:
                await asyncio.sleep(0)
            await asyncio.gather(starting, agent.reload())
        assert _loops() == {"check default/new"}
    finally:
        await agent.close()
    assert _loops() == set()


async def test_a_change_while_the_start_reads_the_files_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_and_change(paths: Sequence[Path]) -> Configuration:
        monkeypatch.undo()
        read = load(paths)
        write(file, _checks("new"))
        return read

    file = write(tmp_path / "reachd.yaml", _checks("old"))
    monkeypatch.setattr("agent.app.load", load_and_change)
    agent = Agent([file])
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.05)
    await agent.start()
    try:
        assert _loops() == {"check default/old"}
        async with asyncio.timeout(30):
            while _loops() != {"check default/new"}:
                await asyncio.sleep(0.05)
    finally:
        await agent.close()


async def test_a_reload_that_fails_changes_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def exported() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(agent.address.rpartition(":")[2]))
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
        return text

    def cannot_be_built(self: object, *_: object) -> None:
        raise ImportError("a library is missing")

    file = write(tmp_path / "reachd.yaml", _checks("old"))
    agent = Agent([file])
    await agent.start()
    try:
        assert "reachd_config_last_reload_successful 1.0" in await exported()
        monkeypatch.setattr(tcp.TcpProbe, "__init__", cannot_be_built)
        write(file, {**_checks("new"), "proxy": "http://127.0.0.1:9"})
        with pytest.raises(ImportError):
            await agent.reload()
        assert _loops() == {"check default/old"}
        assert "reachd_config_last_reload_successful 0.0" in await exported()
        monkeypatch.undo()
        write(file, _checks("old", "new"))
        await agent.reload()
        assert _loops() == {"check default/old", "check default/new"}
        assert "reachd_config_last_reload_successful 1.0" in await exported()
    finally:
        await agent.close()
