"""A reload: what is new begins, what is gone leaves nothing behind, what is unchanged does not even notice."""

import asyncio
import gc
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import yaml

from agent.settings import restart
from agent.settings.mask import masked_yaml
from agent.settings.model import Configuration
from tests.agent.support import (
    AgentProcess,
    Client,
    agent_of,
    agent_process,
    check,
    local_agent,
    until,
    wait_until,
    write,
)
from tests.engine.test_supervisor import WebServer, web_server
from tests.probes.support import serving


def web(name: str, server: WebServer, **keys: object) -> dict[str, object]:
    return check(name, "http", url=f"http://127.0.0.1:{server.port}/", **keys)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[tuple[Client, WebServer, dict[str, object]]]:
    """An agent whose checks `kept`, `changed` and `gone` are up, and the configuration that it gets next."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(web_server())
        before = [web(name, server) for name in ("kept", "changed", "gone")]
        agent = await stack.enter_async_context(local_agent(folder, {"checks": before}))
        await agent.until_states(kept="up", changed="up", gone="up")
        after = [web("kept", server), web("changed", server, every="300ms"), web("new", server)]
        yield agent, server, {"checks": after}


async def assert_reloaded(agent: Client, runs: dict[str, float], since: dict[str, float]) -> None:
    """The plan is the new one, and of the old one nothing is left but what goes on."""
    await agent.until_states(kept="up", changed="up", new="up")
    text = await agent.text("/metrics")
    assert 'check="gone"' not in text
    assert set(await agent.states()) == {"kept", "changed", "new"}
    assert (await agent.values("probe_interval_seconds"))["changed"] == 0.3
    after = await agent.values("probe_runs_total")
    assert after["kept"] >= runs["kept"]
    assert after["changed"] >= runs["changed"]
    assert after["new"] < runs["kept"] + 5
    assert {**since, **await agent.values("probe_state_since_timestamp_seconds")}["kept"] == since["kept"]
    kept = await agent.check("kept")
    assert kept["runs"] == len(kept["history"])
    assert await agent.values("reachd_config_last_reload_successful") == {"": 1.0}


async def test_a_post_reloads_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 3.0)  # not before the request
    async with scene(tmp_path) as (agent, server, configuration):
        runs = await agent.values("probe_runs_total")
        since = await agent.values("probe_state_since_timestamp_seconds")
        assert await agent.reload(configuration) == (200, "reloaded\n")
        await assert_reloaded(agent, runs, since)
        monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.05)
        write(agent.file, {"checks": [web("later", server)]})
        await agent.until_states(later="up")  # the file has been looked at since, and only this change was new
    assert capfd.readouterr().err.count("configuration reloaded") == 2


async def test_a_changed_file_reloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.05)
    async with scene(tmp_path) as (agent, _, configuration):
        runs = await agent.values("probe_runs_total")
        since = await agent.values("probe_state_since_timestamp_seconds")
        write(agent.file, configuration)
        await agent.until_states(new="up")
        await assert_reloaded(agent, runs, since)


async def test_a_file_that_changes_while_the_agent_starts_reloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.05)
    async with web_server() as server:
        first, second = {"checks": [web("first", server)]}, {"checks": [web("second", server)]}
        async with local_agent(tmp_path, first, meanwhile=lambda: write(tmp_path / "reachd.yaml", second)) as agent:
            await agent.until_states(second="up")
            assert set(await agent.states()) == {"second"}


@pytest.mark.parametrize("named", [".", "checks.yaml"], ids=["its folder", "a file in it"])
async def test_a_config_map_is_renewed_by_its_swap_of_links(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.05)
    async with web_server() as server:

        def renew(version: str, name: str) -> None:
            """As the kubelet does: a new folder, and then `..data` comes to mean it in one step."""
            folder = tmp_path / f"..{version}"
            folder.mkdir()
            write(folder / "checks.yaml", {"checks": [web(name, server)]})
            link = tmp_path / "..data_tmp"
            link.symlink_to(folder.name)
            link.replace(tmp_path / "..data")

        renew("2026_01", "first")
        (tmp_path / "checks.yaml").symlink_to("..data/checks.yaml")
        async with agent_of(tmp_path / named) as agent:
            await agent.until_states(first="up")
            renew("2026_02", "second")
            await agent.until_states(second="up")
            assert set(await agent.states()) == {"second"}


async def test_a_folder_that_is_away_for_a_moment_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.02)
    folder = tmp_path / "mounted"
    folder.mkdir()
    async with web_server() as server:
        write(folder / "checks.yaml", {"checks": [web("first", server)]})
        async with agent_of(folder) as agent:
            await agent.until_states(first="up")
            folder.rename(tmp_path / "away")
            await until_value(agent, "reachd_config_last_reload_successful", 0)
            assert await agent.states() == {"first": "up"}
            (tmp_path / "away").rename(folder)
            await until_value(agent, "reachd_config_last_reload_successful", 1)


async def until_value(agent: Client, metric: str, value: float) -> None:
    async with asyncio.timeout(30):
        while list((await agent.values(metric)).values()) != [value]:
            await asyncio.sleep(0.01)


async def test_what_is_unchanged_does_not_even_notice(tmp_path: Path) -> None:
    async with web_server() as server, web_server() as other:
        kept = web("kept", server, timeout="1s", every="1s")
        async with local_agent(tmp_path, {"checks": [kept]}) as agent:
            server.hold = asyncio.Event()
            await until(lambda: server.requests == 1)
            for number in range(3):
                assert (await agent.reload({"checks": [kept, web(f"more-{number}", other)]}))[0] == 200
            server.hold.set()
            await agent.until_states(kept="up")
            assert server.requests == 1


async def test_a_removed_check_leaves_nothing_though_its_run_was_under_way(tmp_path: Path) -> None:
    async with (
        web_server() as server,
        local_agent(tmp_path, {"checks": [web("gone", server, timeout="1s", every="1s")]}) as agent,
    ):
        server.hold = asyncio.Event()
        await until(lambda: server.requests == 1)
        assert (await agent.reload({"checks": [check("other", "tcp", address=f"127.0.0.1:{server.port}")]}))[0] == 200
        server.hold.set()
        await agent.until_states(other="up")
        assert "gone" not in await agent.text("/metrics")
        assert set(await agent.states()) == {"other"}
        async with agent.session.get("/api/v1/checks/default/gone") as response:
            assert response.status == 404


async def test_a_check_that_no_longer_depends_on_one_that_is_down_runs(tmp_path: Path) -> None:
    async with web_server() as server, web_server() as broken:
        broken.status = 503
        base = web("base", broken)
        async with local_agent(tmp_path, {"checks": [base, web("page", server, depends_on=["base"])]}) as agent:
            await agent.until_states(base="down", page="blocked")
            await agent.reload({"checks": [base, web("page", server)]})
            await agent.until_states(page="up")
            assert (await agent.check("page"))["blocked_by"] == []


BAD = """\
listen: 127.0.0.1:0
checks:
  - name: kept
    probe: {kind: http, url: "http://127.0.0.1:1/", methd: GET}
"""


async def test_a_bad_file_changes_nothing_and_says_where_it_is_wrong(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with web_server() as server:
        configuration = {"checks": [web("kept", server), web("also", server)]}
        async with local_agent(tmp_path, configuration) as agent:
            await agent.until_states(kept="up", also="up")
            since = await agent.values("probe_state_since_timestamp_seconds")
            at = await agent.values("reachd_config_last_reload_success_timestamp_seconds")
            agent.file.write_text(BAD)
            status, answer = await agent.reload()
            place = f"{agent.file}:4: checks[kept].probe.methd: "
            assert status == 400
            assert answer.startswith("rejected; the old configuration goes on\n")
            assert place in answer
            assert "method" in answer
            assert await agent.values("reachd_config_last_reload_successful") == {"": 0.0}
            assert "the configuration on disk is rejected (1 problem) and the old one goes on" in await agent.text("/")
            assert "methd" in await agent.text("/healthz/ready?verbose=1")
            assert await agent.values("reachd_config_last_reload_success_timestamp_seconds") == at
            runs = (await agent.check("also"))["runs"]
            await until_runs(agent, "also", runs + 2)
            assert await agent.values("probe_state_since_timestamp_seconds") == since
            assert (await agent.reload(configuration))[0] == 200
            assert await agent.values("reachd_config_last_reload_successful") == {"": 1.0}
            assert "rejected" not in await agent.text("/")
            assert await agent.values("probe_state_since_timestamp_seconds") == since
        log = capfd.readouterr().err
        (line,) = [json.loads(line) for line in log.splitlines() if "configuration rejected" in line]
        assert line["problems"][0].startswith(place)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "listen: 127.0.0.1:0\nlimits: {in_flight: 7}\n"])
async def test_a_file_with_nothing_to_check_is_refused_while_there_is_something(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.engine.watch._LOOK_EVERY", 0.05)
    async with web_server() as server:
        configuration = {"checks": [web("kept", server)]}
        async with local_agent(tmp_path, configuration) as agent:
            await agent.until_states(kept="up")
            agent.file.write_text(text)
            await until_value(agent, "reachd_config_last_reload_successful", 0)
            status, answer = await agent.reload()
            assert status == 400
            assert f"{agent.file}: there is nothing to check any more" in answer
            assert "on purpose, restart the agent" in await agent.text("/healthz/ready?verbose=1")
            assert await agent.states() == {"kept": "up"}
            assert "in_flight: 500" in await agent.text("/config")
            assert (await agent.reload(configuration))[0] == 200


async def test_an_agent_may_begin_with_nothing_to_check(tmp_path: Path) -> None:
    async with web_server() as server, local_agent(tmp_path, {}) as agent:
        assert await agent.states() == {}
        assert (await agent.reload({"limits": {"in_flight": 7}}))[0] == 200
        assert (await agent.reload({"checks": [web("new", server)]}))[0] == 200
        await agent.until_states(new="up")


async def test_a_check_that_comes_back_keeps_since_when_it_is_up(tmp_path: Path) -> None:
    async with web_server() as server:
        both = {"checks": [web("kept", server), web("back", server)]}
        async with local_agent(tmp_path, both) as agent:
            await agent.until_states(kept="up", back="up")
            since = (await agent.check("back"))["since"]
            assert (await agent.reload({"checks": [web("kept", server)]}))[0] == 200
            assert set(await agent.states()) == {"kept"}
            assert (await agent.reload(both))[0] == 200
            await agent.until_states(back="up")
            assert (await agent.check("back"))["since"] == since


def test_the_documentation_names_every_key_that_waits_for_a_restart() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    (keys,) = re.findall(r"((?:`\w+`(?:,\s| and\s|\s))+)take effect after a restart", text)
    assert set(re.findall(r"\w+", keys)) - {"and"} == set(restart._KEYS)


async def test_what_takes_a_restart_is_not_said_to_be_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USER_BEFORE", "first")
    monkeypatch.setenv("USER_AFTER", "second")
    password = tmp_path / "password"
    password.write_text("s3cret")
    (first, second) = ({"checks": [check(name, "tcp", address="127.0.0.1:1")]} for name in ("first", "second"))
    start = {**first, "environment": "${USER_BEFORE}", "log": {"level": "info"}}
    changed = {
        **second,
        "environment": "${USER_AFTER}",
        "log": {"level": "error"},
        "web": {"basic_auth": {"username": "a", "password_file": str(password)}},
    }
    waits = "takes effect after a restart: web, environment, log"
    async with local_agent(tmp_path, start) as agent:
        for _ in range(2):  # what counts is what runs, not what was read last
            assert await agent.reload(changed) == (200, f"reloaded\n{waits}\n")
            shown = yaml.safe_load(await agent.text("/config"))
            assert shown["checks"][0]["name"] == "second"
            assert (shown["web"], shown["environment"]) == ({}, "${USER_BEFORE}")
            assert shown["log"]["level"] == "info"
            assert f"a change on disk {waits}" in await agent.text("/")
            (line,) = [it for it in (await agent.text("/healthz/ready?verbose=1")).splitlines() if it[:3] == "[i]"]
            assert line.startswith("[i]restart since ")
            assert line.endswith(waits)
        assert (await agent.reload({**changed, "web": {}}))[1].endswith(": environment, log\n")
        agent.file.write_text(BAD)
        assert (await agent.reload())[0] == 400
        assert "[i]restart since " in await agent.text("/healthz/ready?verbose=1")
        assert await agent.reload({**start, **second}) == (200, "reloaded\n")
        assert "restart" not in await agent.text("/healthz/ready?verbose=1")
        assert "after a restart" not in await agent.text("/")
    keys = [json.loads(line)["key"] for line in capfd.readouterr().err.splitlines() if "after a restart" in line]
    assert keys == [*(["web", "environment", "log"] * 2), "environment", "log"]


async def test_the_effective_configuration_is_made_once_and_anew_after_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Configuration] = []

    def counted(configuration: Configuration) -> str:
        made.append(configuration)
        return masked_yaml(configuration)

    monkeypatch.setattr("agent.app.masked_yaml", counted)
    async with local_agent(tmp_path, {"checks": [check("first", "tcp", address="127.0.0.1:1")]}) as agent:
        assert "name: first" in await agent.text("/config")
        assert "name: first" in await agent.text("/config")
        assert len(made) == 1
        await agent.reload({"checks": [check("second", "tcp", address="127.0.0.1:1")]})
        text = await agent.text("/config")
        assert "name: second" in text
        assert "name: first" not in text


async def until_runs(agent: Client, name: str, runs: int) -> None:
    async with asyncio.timeout(30):
        while (await agent.check(name))["runs"] < runs:
            await asyncio.sleep(0.01)


async def holding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never answers, and is gone when its client is."""
    while await reader.read(65536):
        pass


async def test_limits_change_in_place(tmp_path: Path) -> None:
    async with serving(holding) as server:
        checks = [
            check(f"held-{number}", "http", url=f"http://{server.address}/", timeout="1s", every="1s")
            for number in range(6)
        ]
        async with local_agent(tmp_path, {"checks": checks, "limits": {"per_host": 2}}) as agent:
            await until(lambda: len(server.tasks) == 2)
            await agent.reload({"checks": checks, "limits": {"per_host": 5}})
            await until(lambda: len(server.tasks) == 5)
            await agent.reload({"checks": checks, "limits": {"in_flight": 3}})
            await until(lambda: len(server.tasks) == 3)
            most = 0
            for _ in range(100):
                await asyncio.sleep(0.005)
                most = max(most, len(server.tasks))
            assert most == 3


async def test_reloads_at_the_same_time_end_with_one_plan(tmp_path: Path) -> None:
    async with web_server() as server:
        plans = [{"checks": [web(f"web-{number}", server), web("kept", server)]} for number in range(4)]
        async with local_agent(tmp_path, plans[0]) as agent:
            answers = await asyncio.gather(*[agent.reload(plan) for plan in plans for _ in range(3)])
            assert {status for status, _ in answers} == {200}
            await agent.until_states(web_3="up", kept="up")
            assert set(await agent.states()) == {"web-3", "kept"}
            loops = [task for task in asyncio.all_tasks() if task.get_name().startswith("check ")]
            assert sorted(task.get_name() for task in loops) == ["check default/kept", "check default/web-3"]


async def test_an_end_in_the_middle_of_a_reload_leaves_nothing_running(tmp_path: Path) -> None:
    def plan(count: int) -> dict[str, object]:
        return {"checks": [check(f"tcp-{number}", "tcp", address="127.0.0.1:1", every="1m") for number in range(count)]}

    def loops() -> int:
        return sum(task.get_name().startswith("check ") for task in asyncio.all_tasks())

    async with local_agent(tmp_path, plan(1)) as agent:
        write(agent.file, plan(500))
        reload = asyncio.create_task(agent.agent.reload())
        async with asyncio.timeout(30):
            while not 50 < loops() < 400:
                await asyncio.sleep(0)
    await reload
    assert loops() == 0


async def test_many_reloads_leave_no_memory_behind(tmp_path: Path) -> None:
    async with web_server() as server:

        def plan(number: int) -> dict[str, object]:
            return {"checks": [web(f"web-{place}", server, every="10s", slo=0.9 + number / 100) for place in range(20)]}

        async with local_agent(tmp_path, plan(0)) as agent:
            sizes = []
            for number in range(1, 7):
                assert (await agent.reload(plan(number)))[0] == 200
                gc.collect()
                sizes.append(gc.get_freeze_count())
    assert sizes[-1] - sizes[1] < 2000, sizes


def _ignores_hangups(agent: AgentProcess) -> bool:
    status = Path(f"/proc/{agent.process.pid}/status").read_text()
    ignored = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(ignored & 1 << signal.SIGHUP - 1)


def test_a_hangup_during_the_start_does_not_end_it(tmp_path: Path) -> None:
    checks = {"checks": [check("only", "tcp", address="127.0.0.1:1")]}
    with agent_process(tmp_path, checks, wait=False) as agent:
        wait_until(lambda: _ignores_hangups(agent) or agent.lines("started"))
        assert not agent.lines("started"), "it did not ignore them while it started"
        agent.signal(signal.SIGHUP)
        wait_until(lambda: agent.lines("started"))


async def test_hangups_that_come_together_are_one_reload(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def plan(name: str) -> dict[str, object]:
        return {"checks": [check(name, "tcp", address="127.0.0.1:1")]}

    async with local_agent(tmp_path, plan("before")) as agent:
        for _ in range(20):
            agent.agent.reload_soon()
        await asyncio.sleep(0)
        write(agent.file, plan("after"))
        for _ in range(20):
            agent.agent.reload_soon()
        await agent.until_states(after="down")
    assert capfd.readouterr().err.count("configuration reloaded") <= 2


def test_a_hangup_reloads(tmp_path: Path) -> None:
    first = {"checks": [check("first", "tcp", address="127.0.0.1:1")]}
    with agent_process(tmp_path, first) as agent:
        write(agent.file, {"checks": [check("second", "tcp", address="127.0.0.1:1")]})
        agent.signal(signal.SIGHUP)
        wait_until(lambda: set(agent.states()) == {"second"})
        wait_until(lambda: agent.lines("configuration reloaded"))
        agent.file.write_text(BAD)
        agent.signal(signal.SIGHUP)
        wait_until(lambda: agent.values("reachd_config_last_reload_successful") == {"": 0.0})
        assert set(agent.states()) == {"second"}
        wait_until(lambda: f"{agent.file}:4: " in agent.log())
