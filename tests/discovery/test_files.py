"""Files of targets beside a running agent: they change, turn bad, mend and go."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time

import pytest
import yaml

from tests.agent.support import Client, check, local_agent, until, until_true
from tests.engine.test_supervisor import WebServer, web_server

EVERY = "100ms"


@dataclass
class Scene:
    """A running agent, a server whose checks are up, and the folder of targets."""

    agent: Client
    server: WebServer
    folder: Path

    def entry(self, name: str, **keys: object) -> dict[str, object]:
        """A check that is up."""
        return check(name, "tcp", address=f"127.0.0.1:{self.server.port}", **keys)

    def write(self, file: str, *names: str) -> None:
        """Writes a file of checks that are up, at once."""
        self.write_text(file, yaml.safe_dump({"checks": [self.entry(name) for name in names]}))

    def write_text(self, file: str, text: str) -> None:
        """Writes a file at once."""
        fresh = self.folder.parent / f"{file}.fresh"
        fresh.write_text(text)
        fresh.replace(self.folder / file)

    async def until_checks(self, *names: str) -> None:
        """Waits until there are these checks of the files and no others."""
        await until_true(lambda: self._has(set(names)))

    async def until_problem(self, words: str) -> None:
        """Waits until the agent says that something is wrong with discovery."""

        async def said() -> bool:
            return words in await self.agent.text("/healthz/ready?verbose=1")

        await until_true(said)

    async def until_well(self) -> None:
        """Waits until the agent says no such thing."""

        async def well() -> bool:
            return "discovery" not in await self.agent.text("/healthz/ready?verbose=1")

        await until_true(well)

    async def last_success(self) -> float | None:
        """What the agent exports of the source."""
        return (await self.agent.values("reachd_source_last_success_timestamp_seconds", source="files")).get("")

    async def _has(self, names: set[str]) -> bool:
        return set(await self.agent.states()) - {"static"} == names


@asynccontextmanager
async def scene(
    tmp_path: Path, pattern: str = "*.yaml", files: Mapping[str, str] | None = None, **more: object
) -> AsyncIterator[Scene]:
    """An agent that follows the files in `targets`."""
    folder = tmp_path / "targets"
    folder.mkdir()
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    async with web_server() as server:
        discovery = {"files": [{"path": str(folder / pattern), "every": EVERY}]}
        static = check("static", "tcp", address=f"127.0.0.1:{server.port}")
        async with local_agent(tmp_path, {"checks": [static], "discovery": discovery, **more}) as agent:
            yield Scene(agent, server, folder)


async def test_files_bring_checks_and_take_them_away(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.write("a.yaml", "one", "two")
        await it.until_checks("one", "two")
        await it.agent.until_states(30.0, one="up", two="up", static="up")
        assert (await it.agent.values("probe_target_info", source="files")).keys() == {"one", "two"}
        runs = await it.agent.values("probe_runs_total")
        it.write("b.yaml", "three")
        it.write(".hidden.yaml", "four")
        await it.until_checks("one", "two", "three")
        it.write("a.yaml", "two")
        await it.until_checks("two", "three")
        assert (await it.agent.values("probe_runs_total"))["two"] >= runs["two"]
        (it.folder / "a.yaml").unlink()
        await it.until_checks("three")
        assert 'check="two"' not in await it.agent.text("/metrics")


async def test_a_deployment_may_be_found_too(tmp_path: Path) -> None:
    async with scene(tmp_path, defaults={"every": "200ms", "timeout": "200ms"}) as it:
        it.write_text("a.yaml", "deployments: [{name: east, profile: meshery, server: 'http://127.0.0.1:1'}]\n")
        await it.agent.until_states(30.0, server_live="down")


async def test_a_file_that_turns_bad_goes_on_and_hurts_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with scene(tmp_path) as it:
        it.write("bad.yaml", "one")
        it.write("good.yaml", "two")
        await it.until_checks("one", "two")
        it.write_text("bad.yaml", "checks:\n  - name: one\n    probe: {kind: tpc}\n")
        await it.until_problem("unknown probe kind 'tpc'; did you mean 'tcp'?")
        at = await it.last_success()
        assert at is not None
        assert 0 < at <= time()
        it.write("good.yaml", "three")
        await it.until_checks("one", "three")
        assert await it.last_success() == at
        it.write("bad.yaml", "four")
        await it.until_checks("three", "four")
        await it.until_well()
        assert (await it.last_success() or 0) > at
    log = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    told = [line["problem"] for line in log if line["event"] == "discovery"]
    assert told == [
        f"files: {it.folder}/bad.yaml:3: checks[one].probe.kind: unknown probe kind 'tpc'; did you mean 'tcp'?",
        f"files: {it.folder}/bad.yaml: what it held when it was good last goes on",
    ]
    assert [line for line in log if line["event"] == "discovery has no problem any more"]


async def test_a_file_that_is_bad_from_the_start_names_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, files={"a.yaml": "checks: {"}) as it:
        await it.until_problem("a.yaml:1:")
        assert "goes on" not in await it.agent.text("/healthz/ready?verbose=1")
        assert await it.last_success() == 0.0
        it.write("b.yaml", "one")
        await it.until_checks("one")


async def test_a_folder_that_is_away_changes_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.write("a.yaml", "one")
        await it.until_checks("one")
        it.folder.rename(tmp_path / "away")
        await it.until_problem(f"{it.folder} cannot be listed: No such file or directory")
        assert set(await it.agent.states()) == {"static", "one"}
        (tmp_path / "away").rename(it.folder)
        (it.folder / "a.yaml").unlink()
        await it.until_checks()


async def test_what_cannot_be_read_is_told_and_goes_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with scene(tmp_path) as it:
        it.write("a.yaml", "one")
        await it.until_checks("one")
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "nowhere")
        link.replace(it.folder / "a.yaml")  # at once: a look in between would find the file gone
        os.mkfifo(it.folder / "b.yaml")
        (it.folder / "c.yaml").mkdir()
        await it.until_problem("a.yaml cannot be read: No such file or directory (3 more in the log)")
        assert set(await it.agent.states()) == {"static", "one"}
        log = ""

        def told() -> bool:
            nonlocal log
            log += capfd.readouterr().err
            return all(f"{it.folder}/{name} is no regular file" in log for name in ("b.yaml", "c.yaml"))

        await until(told, 30.0)


async def test_a_name_of_the_configuration_is_not_taken(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.write_text("a.yaml", yaml.safe_dump({"checks": [check("static", "tcp", address="127.0.0.1:1")]}))
        await it.until_problem("the check static is left out: the configuration has one of this name already")
        await it.agent.until_states(30.0, static="up")


async def test_a_check_depends_on_checks_of_its_own_file_only(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        first = [it.entry("base"), it.entry("on-base", depends_on=["base"])]
        needed = ["static", "base", "next"]
        second = [*(it.entry(name) for name in needed), it.entry("on-all", depends_on=needed)]
        it.write_text("a.yaml", yaml.safe_dump({"checks": first}))
        it.write_text("b.yaml", yaml.safe_dump({"checks": second}))
        await it.until_checks("base", "on-base", "next", "on-all")
        assert (await it.agent.check("on-base"))["depends_on"] == ["base"]
        assert (await it.agent.check("on-all"))["depends_on"] == ["next"]


async def test_a_reload_starts_and_stops_sources_and_leaves_the_others_alone(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.write("a.yaml", "one")
        it.write("b.json", "two")
        await it.until_checks("one")
        yaml_files, json_files = (
            {"path": str(it.folder / pattern), "every": EVERY} for pattern in ("*.yaml", "*.json")
        )
        it.write_text("a.yaml", "[")
        await it.until_problem("a.yaml:1:")
        assert (await it.agent.reload({"discovery": {"files": [yaml_files, json_files]}}))[0] == 200
        await it.until_checks("one", "two")  # what is bad now is still known
        assert (await it.agent.reload({"discovery": {"files": [json_files]}}))[0] == 200
        await it.until_checks("two")
        await it.until_well()
        assert (await it.agent.reload({"checks": [it.entry("static")]}))[0] == 200
        await it.until_checks()
        assert await it.last_success() is None


async def test_files_that_are_looked_at_more_or_less_often_are_the_same(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        it.write("a.yaml", "one")
        it.write("b.yaml", "two")
        await it.until_checks("one", "two")
        it.write_text("a.yaml", "[")
        await it.until_problem("a.yaml:1:")
        at, runs = await it.last_success(), await it.agent.values("probe_runs_total")
        less_often = {"path": str(it.folder / "*.yaml"), "every": "300ms"}
        assert (await it.agent.reload({"checks": [it.entry("static")], "discovery": {"files": [less_often]}}))[0] == 200
        it.write("b.yaml", "two", "three")
        await it.until_checks("one", "two", "three")
        assert (await it.agent.values("probe_runs_total"))["two"] >= runs["two"]
        assert await it.last_success() == at


async def test_a_change_of_the_defaults_holds_for_what_was_found(tmp_path: Path) -> None:
    async with scene(tmp_path, defaults={"slo": 0.9}) as it:
        it.write("a.yaml", "one")
        await it.until_checks("one")
        assert (await it.agent.values("probe_slo_ratio"))["one"] == 0.9
        discovery = {"files": [{"path": str(it.folder / "*.yaml"), "every": EVERY}]}
        assert (await it.agent.reload({"discovery": discovery, "defaults": {"slo": 0.8}}))[0] == 200
        assert (await it.agent.values("probe_slo_ratio"))["one"] == 0.8
