"""Names in the DNS whose answers are checked, beside a running agent and a real or a scripted name server."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from agent.probes._endpoint import Endpoint
from agent.probes._system_names import parse_resolv_conf
from tests.agent.support import Client, check, local_agent, until, until_true
from tests.engine.test_supervisor import web_server
from tests.probes.dns_server import Answer, code, name_server, records, truncated
from tests.servers.run import dnsmasq

NAME = "_web._tcp.example.test"
TEMPLATE = {"name": "web", "every": "200ms", "timeout": "200ms", "probe": {"kind": "tcp", "address": "{host}:{port}"}}


@dataclass
class Scene:
    """A running agent that asks a name server for a name."""

    agent: Client

    async def until_checks(self, *names: str) -> None:
        """Waits until these checks are found and no others."""

        async def found() -> bool:
            return set(await self.agent.states()) - {"static"} == set(names)

        await until_true(found)

    async def problem(self) -> str:
        """What is wrong with discovery."""
        lines = (await self.agent.text("/healthz/ready?verbose=1")).splitlines()
        return "".join(line for line in lines if line.startswith("[i]discovery "))

    async def until_problem(self, words: str) -> None:
        """Waits until the agent says that something is wrong with discovery."""

        async def said() -> bool:
            return words in await self.problem()

        await until_true(said)

    async def until_well(self) -> None:
        """Waits until the agent says no such thing."""

        async def well() -> bool:
            return not await self.problem()

        await until_true(well)

    async def last_success(self) -> float:
        """What the agent exports of the source."""
        return (await self.agent.values("reachd_source_last_success_timestamp_seconds", source="dns"))[""]

    async def until_success(self) -> None:
        """Waits until the name server has been asked with success once more."""
        at = await self.last_success()

        async def later() -> bool:
            return await self.last_success() > at

        await until_true(later)


@asynccontextmanager
async def scene(tmp_path: Path, server: Endpoint | str, **target: object) -> AsyncIterator[Scene]:
    """An agent with one name in the DNS."""
    async with local_agent(tmp_path, asking(server, **target)) as agent:
        yield Scene(agent)


def asking(server: Endpoint | str, **target: object) -> dict[str, object]:
    """A configuration with one check, and with one name in the DNS."""
    asked = {"name": NAME, "server": str(server), "every": "100ms", "check": TEMPLATE, **target}
    return {"checks": [check("static", "tcp", address="127.0.0.1:1")], "discovery": {"dns": [asked]}}


def srv(*targets: str) -> Answer:
    """SRV records."""
    return records(*[f"@ SRV {target}" for target in targets])


def reply(name: str, *, zone: str = "", authoritative: bool = False, alias: str = "") -> Answer:
    """A response code, with the SOA of a zone, the bit of an authoritative server, or an alias to another name."""

    def answer(query: dns.message.Message) -> bytes:
        message = dns.message.make_response(query)
        message.set_rcode(dns.rcode.from_text(name))
        message.flags |= dns.flags.AA if authoritative else 0
        if alias:
            message.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "CNAME", alias))
        if zone:
            message.authority.append(dns.rrset.from_text(zone, 60, "IN", "SOA", "ns.test. root.test. 1 2 3 4 5"))
        return message.to_wire()

    return answer


def cut_short(query: dns.message.Message) -> bytes:
    """An answer whose end is missing."""
    whole = srv("0 0 80 a.example.test.")(query)
    assert isinstance(whole, bytes)
    return whole[:-3]


@pytest.mark.servers("dnsmasq")
async def test_a_real_name_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = parse_resolv_conf("options timeout:1 attempts:1")
    monkeypatch.setattr("agent.probes._resolve.parse_resolv_conf", lambda _: impatient)
    async with AsyncExitStack() as stack:
        web = await stack.enter_async_context(web_server())
        hosts = tmp_path / "hosts"
        hosts.write_text("127.0.0.1 web.test\n127.0.0.2 web.test\n")
        server = stack.enter_context(
            dnsmasq(
                "--auth-server=ns.test,127.0.0.1",
                "--auth-zone=test",
                f"--addn-hosts={hosts}",
                f"--srv-host=_web._tcp.test,localhost,{web.port}",
            )
        )
        by_service = await stack.enter_async_context(scene(tmp_path, server.address, name="_web._tcp.test", type="SRV"))
        await by_service.agent.until_states(30.0, **{f"web__localhost_{web.port}": "up"})
        folder = tmp_path / "addresses"
        folder.mkdir()
        by_address = await stack.enter_async_context(
            scene(folder, server.address, name="web.test", type="A", port=web.port)
        )
        first, second = (f"web--127-0-0-{number}-{web.port}" for number in (1, 2))
        await by_address.until_checks(first, second)
        server.pause()
        await by_address.until_problem("web.test A: no answer from the name servers")
        await by_address.until_checks(first, second)
        server.resume()
        await by_address.until_well()
        hosts.write_text("127.0.0.2 web.test\n")
        server.signal(signal.SIGHUP)
        await by_address.until_checks(second)
        hosts.write_text("")
        server.signal(signal.SIGHUP)
        await by_address.until_checks()
        assert not await by_address.problem()
        server.stop()
        await by_service.until_problem("_web._tcp.test SRV: ")
        await by_service.until_checks(f"web--localhost-{web.port}")


NOTHING = "the name server knows no answer, but not from the zone that would have it"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (code("SERVFAIL"), "the name server failed to answer for _web._tcp.example.test (SERVFAIL)"),
        (code("REFUSED"), "the name server refuses to answer"),
        (code("NXDOMAIN"), NOTHING),
        (code("NOERROR"), NOTHING),
        (reply("NXDOMAIN", zone="other.test."), NOTHING),
        (reply("NXDOMAIN", zone="_web._tcp.example.test.", alias="gone.other.test."), NOTHING),
        (truncated, f"the answer for {NAME} has 17006 bytes, over the limit of 16384"),
        (cut_short, f"the answer for {NAME} is malformed (FormError)"),
    ],
    ids=["servfail", "refused", "nxdomain", "no data", "other zone", "alias", "too long", "cut short"],
)
async def test_what_is_no_answer_changes_nothing(answer: Answer, problem: str, tmp_path: Path) -> None:
    names = {NAME: srv("0 0 81 a.example.test.", "0 0 80 a.example.test.")}
    long = {NAME: srv(*[f"0 0 {port} a.example.test." for port in range(1, 500)])}
    async with name_server(names, over_tcp=long) as server, scene(tmp_path, server.server) as it:
        known = "web--a-example-test-80", "web--a-example-test-81"
        await it.until_checks(*known)
        names[NAME] = answer
        await it.until_problem(f"dns: {NAME} SRV: {problem}")
        at = await it.last_success()
        asked = server.asked.total()
        await until(lambda: server.asked.total() > asked + 2)
        await it.until_checks(*known)
        assert await it.last_success() == at > 0
        names[NAME] = srv("0 0 82 a.example.test.")
        await it.until_checks("web--a-example-test-82")
        await it.until_well()


async def test_a_name_that_is_asked_for_more_or_less_often_is_the_same(tmp_path: Path) -> None:
    names = {NAME: srv("0 0 80 a.example.test.")}
    async with name_server(names) as server, scene(tmp_path, server.server) as it:
        await it.until_checks("web--a-example-test-80")
        names[NAME] = code("SERVFAIL")
        await it.until_problem("(SERVFAIL)")
        at = await it.last_success()
        asked = server.asked.total()
        assert (await it.agent.reload(asking(server.server, every="110ms")))[0] == 200
        await until(lambda: server.asked.total() > asked + 2)
        await it.until_checks("web--a-example-test-80")
        assert await it.last_success() == at
        assert (await it.agent.reload(asking(server.server, type="A", port=80)))[0] == 200
        await it.until_checks()


async def test_a_name_server_that_policy_forbids_is_not_asked(tmp_path: Path) -> None:
    async with name_server({NAME: srv("0 0 80 a.example.test.")}) as server:
        forbidding = asking(server.server) | {"forbidden_addresses": ["127.0.0.0/8"]}
        async with local_agent(tmp_path, forbidding) as agent:
            it = Scene(agent)
            await it.until_problem(f"dns: {NAME} SRV: 127.0.0.1 is in 127.0.0.0/8, which the policy forbids")
            assert not server.asked
            await agent.reload(asking(server.server))
            await it.until_checks("web--a-example-test-80")
            await agent.reload(forbidding)
            await it.until_problem("which the policy forbids")
            await it.until_checks("web--a-example-test-80")


@pytest.mark.parametrize(
    "answer",
    [
        reply("NXDOMAIN", zone="example.test."),
        reply("NXDOMAIN", authoritative=True),
        reply("NOERROR", zone="."),
        reply("NXDOMAIN", zone="other.test.", alias="gone.other.test."),
        srv("0 0 0 ."),
    ],
    ids=["of the zone", "of its server", "of the root", "through an alias", "no such service"],
)
async def test_the_zones_own_word_that_there_is_nothing_empties_the_list(answer: Answer, tmp_path: Path) -> None:
    names = {NAME: srv("0 0 80 a.example.test.")}
    async with name_server(names) as server, scene(tmp_path, server.server) as it:
        await it.until_checks("web--a-example-test-80")
        names[NAME] = answer
        await it.until_checks()
        await it.until_success()
        assert not await it.problem()


async def test_what_is_found_is_blocked_by_a_check_of_the_configuration(tmp_path: Path) -> None:
    blocked = {**TEMPLATE, "depends_on": ["static"]}
    async with (
        name_server({"_web._tcp.example.test": srv("0 0 80 a.example.test.")}) as names,
        scene(tmp_path, names.server, check=blocked) as found,
    ):
        await found.agent.until_states(static="down", web__a_example_test_80="blocked")


async def test_answers_in_another_order_are_the_same_checks(tmp_path: Path) -> None:
    targets = [f"0 0 80 {host}.example.test." for host in "abc"]
    names = {NAME: srv(*targets)}
    async with name_server(names) as server, scene(tmp_path, server.server) as it:
        await it.until_checks(*[f"web--{host}-example-test-80" for host in "abc"])
        starts = await it.agent.values("probe_runs_total")
        names[NAME] = srv(*reversed(targets), targets[0])
        await it.until_success()
        await it.until_success()
        runs = await it.agent.values("probe_runs_total")
        assert all(runs[name] >= starts[name] for name in starts)
        assert set(await it.agent.states()) == set(starts)


async def test_hostile_answers_are_left_out_and_hurt_no_other(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = srv(
        "0 0 80 good.example.test.",
        "0 0 0 no-port.example.test.",
        r"0 0 80 evil\010line.example.test.",
        r"0 0 80 \<script\>.example.test.",
        "0 0 80 " + ".".join(["x" * 60] * 4) + ".",
    )
    async with name_server({NAME: answer}) as server, scene(tmp_path, server.server) as it:
        await it.until_problem(NAME)
        states = await it.agent.states()
        assert "web--good-example-test-80" in states
        assert len(states) == 3  # the long name is a name
        assert "<script>" not in await it.agent.text("/")
    log = capfd.readouterr().err
    for words in ("no-port.example.test:0", "evil\\\\010line", "<script", "not the name of a host"):
        assert words in log


async def test_the_number_of_answers_is_bounded_and_their_order_does_not_matter(tmp_path: Path) -> None:
    answers = [f"@ A 127.0.0.{number}" for number in range(1, 121)]
    names = {NAME: records(*answers)}
    async with name_server(names) as server, scene(tmp_path, server.server, type="A", port=80) as it:
        await it.until_problem("has 120 answers; only the first 100 are checked")
        found = set(await it.agent.states()) - {"static"}
        hosts = sorted(f"127.0.0.{number}" for number in range(1, 121))[:100]
        assert found == {f"web--{host.replace('.', '-')}-80" for host in hosts}
        names[NAME] = records(*reversed(answers))
        await it.until_success()
        await it.until_success()
        assert set(await it.agent.states()) - {"static"} == found


async def test_addresses_of_the_other_family_stand_in_brackets(tmp_path: Path) -> None:
    async with (
        name_server({NAME: records("@ AAAA fd00::1", "@ A 127.0.0.1")}) as server,
        scene(tmp_path, server.server, type="AAAA", port=80) as it,
    ):
        (name,) = await names_found(it)
        assert (await it.agent.check(name))["target"] == "[fd00::1]:80"


async def names_found(it: Scene) -> set[str]:
    """The checks that were found, as soon as there are any."""

    async def names() -> set[str]:
        return set(await it.agent.states()) - {"static"}

    await until_true(names)
    return await names()
