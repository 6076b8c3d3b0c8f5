"""Names to addresses, against name servers on loopback."""

from __future__ import annotations

import socket
from asyncio import CancelledError, all_tasks, create_task, gather, shield, sleep, timeout
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes import _dns_query, _files, _resolve
from agent.probes._address import ResolvedAddress
from agent.probes._dns_query import PATIENCE
from agent.probes._dns_wire import AAAA, A, addresses, is_reply, query, question
from agent.probes._endpoint import DNS_PORT, Endpoint
from agent.probes._resolve import Resolver
from agent.probes._system_names import parse_hosts, parse_resolv_conf
from tests.probes.dns_server import Answer, NameServer, by_type, code, name_server, records, silence, truncated
from tests.probes.support import refusing
from tests.servers.run import dnsmasq

HOST = records("@ A 127.0.0.1")
ANSWERED = ["127.0.0.1"]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent servers are left after a twentieth of the usual time."""
    monkeypatch.setattr(_dns_query, "PATIENCE", 0.05)


def resolver_of(folder: Path, *servers: Endpoint, conf: str = "", hosts: str = "") -> Resolver:
    """A resolver that knows only what is written in the folder, and asks `servers`."""
    (folder / "resolv.conf").write_text(conf)
    (folder / "hosts").write_text(hosts)
    return Resolver(folder / "resolv.conf", folder / "hosts", servers)


async def resolved(resolver: Resolver, host: str) -> list[str]:
    return [address.address for address in await resolver.addresses(host)]


async def failure_of(resolver: Resolver, host: str) -> ProbeFailure:
    with pytest.raises(ProbeFailure) as caught:
        await resolver.addresses(host)
    return caught.value


def times_asked(server: NameServer, name: str, record_type: str = "A", transport: str = "udp") -> int:
    return server.asked[f"{transport} {name} {record_type}"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "255.255.255.255", "::1", "2001:db8::7", "fe80::1%lo", "::ffff:10.0.0.1"]
)
async def test_an_ip_address_is_its_own_and_parsed_once(host: str) -> None:
    resolver = Resolver(servers=[Endpoint("127.0.0.1", 1)])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    assert await resolver.addresses(host) == [ResolvedAddress(family, host)]
    assert await resolver.addresses(host) is await resolver.addresses(host)


@pytest.mark.parametrize("host", ["127.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5", "127.0.0.1%lo"])
async def test_no_other_spelling_of_an_address_is_taken_for_one(host: str, tmp_path: Path) -> None:
    async with name_server({}) as server:
        assert (await failure_of(resolver_of(tmp_path, server.server), host)).reason is Reason.DNS_NXDOMAIN


def without_question(answer: Answer) -> Answer:
    """The header of an answer, and nothing else."""
    return lambda asked: bytes(answer(asked)[:4]) + bytes(8)  # type: ignore[arg-type]


def cut_short(answer: Answer) -> Answer:
    """An answer without its end."""
    return lambda asked: answer(asked)[:-2]


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (code("NXDOMAIN"), Reason.DNS_NXDOMAIN, "a.test does not exist"),
        (code("NXDOMAIN", "@ CNAME gone.test."), Reason.DNS_NXDOMAIN, "what a.test is an alias of does not exist"),
        (records("@ CNAME gone.test."), Reason.DNS_NO_ADDRESS, "what a.test is an alias of exists but has no address"),
        (records("@ TXT text"), Reason.DNS_NO_ADDRESS, "a.test exists but has no address"),
        (records("@ CNAME b.test."), Reason.DNS_NO_ADDRESS, "no address"),
        (code("SERVFAIL"), Reason.DNS_SERVER_FAILURE, "SERVFAIL"),
        (code("NOTIMP"), Reason.DNS_SERVER_FAILURE, "NOTIMP"),
        (code("FORMERR"), Reason.DNS_SERVER_FAILURE, "FORMERR"),
        (code("REFUSED"), Reason.DNS_REFUSED, "REFUSED"),
        (by_type(A=code("NXDOMAIN"), AAAA=silence), Reason.DNS_NXDOMAIN, "does not exist"),
        (by_type(A=records(), AAAA=code("SERVFAIL")), Reason.DNS_SERVER_FAILURE, "SERVFAIL"),
        (without_question(code("REFUSED")), Reason.DNS_REFUSED, "REFUSED"),
        (by_type(A=cut_short(HOST), AAAA=records()), Reason.DNS_SERVER_FAILURE, "malformed"),
    ],
)
async def test_failures_are_told_apart(answer: Answer, reason: Reason, words: str, tmp_path: Path) -> None:
    async with name_server({"a.test": answer}) as server:
        failure = await failure_of(resolver_of(tmp_path, server.server), "a.test")
        assert times_asked(server, "a.test") == 1, "who has answered is not asked again"
    assert failure.reason is reason
    assert words in failure.detail


async def test_a_denial_of_aaaa_does_not_end_the_wait_for_a(tmp_path: Path) -> None:
    async with name_server({"a.test": by_type(AAAA=code("NXDOMAIN"))}) as server:
        waiting = create_task(resolved(resolver_of(tmp_path, server.server), "a.test"))
        await _until(lambda: times_asked(server, "a.test") == times_asked(server, "a.test", "AAAA") == 1)
        with pytest.raises(TimeoutError):
            async with timeout(4 * _resolve._GRACE):
                await shield(waiting)
        server.answer_late(HOST)
        assert await waiting == ANSWERED


async def test_a_denial_of_a_waits_a_moment_for_aaaa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_resolve, "_GRACE", 30.0)
    async with name_server({"a.test": by_type(A=code("NXDOMAIN"))}) as server:
        waiting = create_task(resolved(resolver_of(tmp_path, server.server), "a.test"))
        await _until(lambda: times_asked(server, "a.test") == times_asked(server, "a.test", "AAAA") == 1)
        with pytest.raises(TimeoutError):
            async with timeout(0.2):
                await shield(waiting)
        server.answer_late(records("@ AAAA ::1"))
        assert await waiting == ["::1"]


async def test_an_address_at_which_no_name_server_runs(tmp_path: Path) -> None:
    with refusing() as address:  # its UDP port is free as well, with all likelihood
        closed = Endpoint("127.0.0.1", int(address.rpartition(":")[2]))
        failure = await failure_of(resolver_of(tmp_path, closed), "a.test")
    assert failure.reason is Reason.DNS_REFUSED
    assert f"the name servers {closed} take no questions" in failure.detail


async def test_a_silent_name_server_is_a_timeout(tmp_path: Path, hurried: None) -> None:
    async with name_server({"a.test": silence}) as server:
        resolver = resolver_of(tmp_path, server.server, conf="options timeout:1 attempts:3")
        begin = perf_counter()
        failure = await failure_of(resolver, "a.test")
        assert 1.05 < perf_counter() - begin < 2.1
        assert times_asked(server, "a.test") == 3
    assert failure.reason is Reason.DNS_TIMEOUT
    assert str(server.server) in failure.detail


@pytest.mark.parametrize("first", [silence, code("SERVFAIL"), code("REFUSED")])
async def test_the_second_name_server_is_reached(first: Answer, tmp_path: Path, hurried: None) -> None:
    async with name_server({"*": first}) as bad, name_server({"a.test": HOST, "b.test": code("NXDOMAIN")}) as good:
        resolver = resolver_of(tmp_path, bad.server, good.server, conf="search test other\noptions ndots:2")
        begin = perf_counter()
        assert await resolved(resolver, "a") == ANSWERED
        async with timeout(5):
            assert (await failure_of(resolver, "b")).reason is Reason.DNS_NXDOMAIN
        assert times_asked(bad, "b.test") == 1
        assert times_asked(bad, "b.other") == (0 if first is silence else 1)
        assert perf_counter() - begin < 2 * PATIENCE, "who is silent costs a twentieth, and who refuses nothing"


async def test_a_question_ends_though_the_last_name_server_cannot_even_be_asked(tmp_path: Path, hurried: None) -> None:
    async with name_server({"*": silence}) as silent, timeout(3):
        broadcast = Endpoint("255.255.255.255", DNS_PORT)  # refused by our own kernel
        resolver = resolver_of(tmp_path, silent.server, broadcast, conf="options timeout:1 attempts:1")
        with pytest.raises(PermissionError):
            await resolver.addresses("a.test")


async def test_a_slow_answer_is_taken_though_another_server_has_been_asked(tmp_path: Path, hurried: None) -> None:
    async with name_server({"*": silence}) as slow, name_server({"*": silence}) as silent:
        waiting = create_task(resolved(resolver_of(tmp_path, slow.server, silent.server), "a.test"))
        await _until(lambda: bool(silent.asked))
        # The very first question is answered late, through the server's own socket.
        slow.answer_late(HOST)
        assert await waiting == ANSWERED


async def test_answers_are_never_cached(tmp_path: Path) -> None:
    async with name_server({"a.test": HOST}) as server:
        resolver = resolver_of(tmp_path, server.server)
        for _ in range(3):
            assert await resolved(resolver, "a.test") == ANSWERED
        assert times_asked(server, "a.test") == times_asked(server, "a.test", "AAAA") == 3


async def test_those_who_ask_for_one_name_at_once_share_one_question(tmp_path: Path) -> None:
    async with name_server({"a.test": HOST, "b.test": code("NXDOMAIN")}) as server:
        resolver = resolver_of(tmp_path, server.server)
        assert await gather(*(resolved(resolver, "a.test") for _ in range(50))) == [ANSWERED] * 50
        assert times_asked(server, "a.test") == 1
        failures = await gather(*(failure_of(resolver, "B.test") for _ in range(20)))
        assert {failure.reason for failure in failures} == {Reason.DNS_NXDOMAIN}
        assert times_asked(server, "b.test") == 1


async def test_who_gives_up_leaves_the_question_to_the_others_and_the_last_one_ends_it(tmp_path: Path) -> None:
    async with name_server({"*": silence}) as server:
        resolver = resolver_of(tmp_path, server.server)
        impatient, patient = (create_task(resolved(resolver, "a.test")) for _ in range(2))
        await _until(lambda: times_asked(server, "a.test") == 1)
        impatient.cancel()
        with pytest.raises(CancelledError):
            await impatient
        server.answer_late(HOST)
        assert await patient == ANSWERED

        last = create_task(resolved(resolver, "b.test"))
        await _until(lambda: times_asked(server, "b.test") == 1)
        last.cancel()
        with pytest.raises(CancelledError):
            await last
        await sleep(0)
        assert not [task for task in all_tasks() if task.get_name() == "resolve b.test"]
        server.names = {"b.test": HOST}
        assert await resolved(resolver, "b.test") == ANSWERED, "a new question is asked"
        assert times_asked(server, "b.test") == 2


async def test_dead_names_delay_no_other(tmp_path: Path) -> None:
    async with name_server({"live.test": HOST, "*": silence}) as server:
        resolver = resolver_of(tmp_path, server.server, hosts="10.0.0.9 known.test")
        dead = [create_task(failure_of(resolver, f"dead-{number}.test")) for number in range(100)]
        await _until(lambda: len(server.asked) == 200)
        begin = perf_counter()
        assert await resolved(resolver, "live.test") == ANSWERED
        assert await resolved(resolver, "known.test") == ["10.0.0.9"]
        assert perf_counter() - begin < PATIENCE / 2
        for task in dead:
            task.cancel()
        await gather(*dead, return_exceptions=True)


@pytest.mark.parametrize(
    ("conf", "host", "asked"),
    [
        ("", "a", ["a"]),
        ("search x.test y.test", "a", ["a.x.test", "a.y.test", "a"]),
        ("search x.test y.test", "a.", ["a"]),
        ("search x.test y.test", "a.b", ["a.b", "a.b.x.test", "a.b.y.test"]),
        ("search x.test\noptions ndots:2", "a.b", ["a.b.x.test", "a.b"]),
        ("search x.test\noptions ndots:5 edns0", "a.b.svc", ["a.b.svc.x.test", "a.b.svc"]),
        ("domain z.test", "a", ["a.z.test", "a"]),
        ("search x.test\nsearch y.test # last counts", "a", ["a.y.test", "a"]),
    ],
)
async def test_search_domains_and_ndots(conf: str, host: str, asked: list[str], tmp_path: Path) -> None:
    conf = conf.replace(" # last counts", "")
    async with name_server({}) as server:
        failure = await failure_of(resolver_of(tmp_path, server.server, conf=conf), host)
        assert failure.reason is Reason.DNS_NXDOMAIN
        assert [key.split()[1] for key in server.asked if key.endswith(" A")] == asked
        assert ("the search domains" in failure.detail) == (len(asked) > 1)


async def test_a_search_domain_that_fails_is_told_when_no_other_has_the_name(tmp_path: Path) -> None:
    names = {"a.x.test": code("SERVFAIL"), "b.x.test": code("SERVFAIL"), "b": HOST}
    async with name_server(names) as server:
        resolver = resolver_of(tmp_path, server.server, conf="search x.test")
        assert (await failure_of(resolver, "a")).reason is Reason.DNS_SERVER_FAILURE
        assert await resolved(resolver, "b") == ANSWERED


async def test_names_that_cannot_be_are_not_asked_for(tmp_path: Path) -> None:
    async with name_server({"*": HOST}) as server:
        resolver = resolver_of(tmp_path, server.server)
        for host in ("a..test", f"{'a' * 64}.test", ".".join(["a" * 60] * 5), "", ".", "\u2024"):
            assert (await failure_of(resolver, host)).reason is Reason.DNS_NXDOMAIN, host
        assert not server.asked
        assert await resolved(resolver, "bücher.test") == ANSWERED
        assert times_asked(server, "xn--bcher-kva.test") == 1


async def test_files_are_read_again_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(_files, "monotonic", lambda: now)
    async with name_server({"a.test": HOST}, host="127.0.0.1") as server:
        resolver = resolver_of(
            tmp_path, server.server, hosts="10.0.0.1 b.test # not c.test\n::2 B.test\nnonsense b.test"
        )
        assert await resolved(resolver, "b.test") == ["10.0.0.1", "::2"]
        assert (await failure_of(resolver, "a")).reason is Reason.DNS_NXDOMAIN
        (tmp_path / "hosts").write_text("10.0.0.22 b.test")
        (tmp_path / "resolv.conf").write_text("search test")
        assert await resolved(resolver, "b.test") == ["10.0.0.1", "::2"], "looked at once a second at most"
        now = 2.0
        assert await resolved(resolver, "b.test") == ["10.0.0.22"]
        assert await resolved(resolver, "a") == ANSWERED
        (tmp_path / "hosts").unlink()
        now = 4.0
        assert (await failure_of(resolver, "b.test")).reason is Reason.DNS_NXDOMAIN


async def test_localhost_needs_no_name_server(tmp_path: Path) -> None:
    resolver = resolver_of(tmp_path, Endpoint("127.0.0.1", 1))
    for name in ("localhost", "LOCALHOST.", "a.localhost"):
        assert await resolved(resolver, name) == ["127.0.0.1", "::1"]


async def test_a_truncated_answer_is_fetched_over_tcp(tmp_path: Path) -> None:
    many = records(*(f"@ A 10.0.{number}.1" for number in range(200)))
    async with name_server({"a.test": truncated}, over_tcp={"a.test": many}) as server:
        found = await resolved(resolver_of(tmp_path, server.server), "a.test")
        assert found == [f"10.0.{number}.1" for number in range(32)], "bounded"
        assert times_asked(server, "a.test", transport="tcp") == 1
    async with name_server({"a.test": truncated}) as server:
        failure = await failure_of(resolver_of(tmp_path, server.server), "a.test")
        assert failure.reason is Reason.DNS_REFUSED, "over TCP it listens to nobody"
        assert failure.detail.endswith("Connection refused over TCP, where the whole answer is to be had")
    async with name_server({"a.test": truncated}, over_tcp={"a.test": lambda _: [b"x" * 100]}) as server:
        failure = await failure_of(resolver_of(tmp_path, server.server), "a.test")
        assert failure.reason is Reason.DNS_SERVER_FAILURE
    async with name_server({"a.test": truncated}, over_tcp={"a.test": silence}) as server:
        failure = await failure_of(resolver_of(tmp_path, server.server), "a.test")
        assert failure.reason is Reason.DNS_SERVER_FAILURE
        assert "closed the connection in the middle" in failure.detail


@pytest.mark.parametrize("families", [("A", "AAAA"), ("AAAA", "A")])
@pytest.mark.parametrize("other", [silence, code("SERVFAIL"), code("NXDOMAIN"), records()])
async def test_one_family_is_enough(families: tuple[str, str], other: Answer, tmp_path: Path) -> None:
    data = {"A": "127.0.0.1", "AAAA": "::1"}[families[0]]
    answers = {families[0]: records(f"@ {families[0]} {data}"), families[1]: other}
    async with name_server({"a.test": by_type(**answers)}) as server:
        begin = perf_counter()
        assert await resolved(resolver_of(tmp_path, server.server), "a.test") == [data]
        assert perf_counter() - begin < PATIENCE


@pytest.mark.parametrize(
    ("routable", "order"),
    [
        (True, ["2001:db8::1", "10.0.0.1", "2001:db8::2", "10.0.0.2", "10.0.0.3"]),
        (False, ["10.0.0.1", "2001:db8::1", "10.0.0.2", "2001:db8::2", "10.0.0.3"]),
    ],
)
async def test_families_take_turns(
    routable: bool, order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_resolve, "has_route", lambda address: routable or address.family == socket.AF_INET)
    both = records("@ A 10.0.0.1", "@ A 10.0.0.2", "@ A 10.0.0.3", "@ AAAA 2001:db8::1", "@ AAAA 2001:db8::2")
    async with name_server({"a.test": both}) as server:
        assert await resolved(resolver_of(tmp_path, server.server), "a.test") == order


async def test_aliases_are_followed(tmp_path: Path) -> None:
    chain = records("@ CNAME b.test.", "b.test. CNAME c.test.", "c.test. A 127.0.0.1")
    async with name_server({"a.test": chain}) as server:
        assert await resolved(resolver_of(tmp_path, server.server), "a.test") == ANSWERED


async def test_forged_answers_are_not_taken(tmp_path: Path) -> None:
    def forged(asked: dns.message.Message) -> list[bytes]:
        true, false = (records(f"@ A {address}")(asked) for address in ("10.0.0.1", "10.0.0.2"))
        assert isinstance(true, bytes)
        assert isinstance(false, bytes)
        wrong_id = bytes((false[0] ^ 1,)) + false[1:]
        wrong_name = false.replace(b"\x01a\x04test", b"\x01b\x04test")
        no_reply = false[:2] + bytes((false[2] & 0x7F,)) + false[3:]
        return [wrong_id, wrong_name, no_reply, b"", false[:11], b"\xff" * 600, true]

    async with name_server({"a.test": by_type(A=forged, AAAA=records())}) as server:
        assert await resolved(resolver_of(tmp_path, server.server), "a.test") == ["10.0.0.1"]


async def test_a_flood_of_nonsense_ends_the_question(tmp_path: Path) -> None:
    async with name_server({"a.test": lambda _: [b"nonsense"] * 50}) as server:
        failure = await failure_of(resolver_of(tmp_path, server.server), "a.test")
    assert failure.reason is Reason.DNS_SERVER_FAILURE
    assert "no answer" in failure.detail


@given(st.binary(max_size=80), st.integers(0, 60))
def test_malformed_answers_are_a_value_error_at_most(noise: bytes, cut: int) -> None:
    asked = dns.message.make_query("a.test", "A")
    reply = dns.message.make_response(asked)
    reply.answer.append(dns.rrset.from_text("a.test.", 5, "IN", "A", "10.0.0.1", "10.0.0.2"))
    wire = reply.to_wire()
    damaged = wire[: 12 + cut] + noise
    assert is_reply(wire, asked.to_wire())
    try:
        found = addresses(damaged)
    except ValueError:
        return
    assert len(found) <= 32


@pytest.mark.parametrize(("record_type", "text"), [(A, "A"), (AAAA, "AAAA")])
def test_questions_are_those_of_dnspython(record_type: int, text: str) -> None:
    for name in ("a.test", "a.test.", "meshery-nats.meshery.svc.cluster.local", "."):
        theirs = dns.message.make_query(name, text, id=0x1234).to_wire()
        assert query(b"\x12\x34", question(name, record_type)) == theirs


@pytest.mark.parametrize(
    ("text", "servers", "others"),
    [
        ("", ["127.0.0.1:53"], (1, 5.0, 2)),
        (
            "nameserver 10.0.0.10\nnameserver fe80::1%eth0\nnameserver x",
            ["10.0.0.10:53", "[fe80::1%eth0]:53"],
            (1, 5.0, 2),
        ),
        ("nameserver 1.1.1.1\n" * 5, ["1.1.1.1:53"] * 3, (1, 5.0, 2)),
        ("options ndots:99 timeout:0 attempts:100", ["127.0.0.1:53"], (15, 1.0, 5)),
        ("options ndots:5 timeout:x attempts:-1 rotate\n;comment\n#comment", ["127.0.0.1:53"], (5, 5.0, 2)),
    ],
)
def test_resolv_conf(text: str, servers: list[str], others: tuple[int, float, int]) -> None:
    conf = parse_resolv_conf(text)
    assert [str(server) for server in conf.servers] == servers
    assert (conf.ndots, conf.timeout, conf.attempts) == others


def test_hosts() -> None:
    hosts = parse_hosts("127.0.0.1 localhost\n10.0.0.1\tA.test a # b\n\n10.0.0.1 a\nx y\n")
    assert {name: [each.address for each in found] for name, found in hosts.items()} == {
        "localhost": ["127.0.0.1"],
        "a.test": ["10.0.0.1"],
        "a": ["10.0.0.1"],
    }


@pytest.mark.servers("dnsmasq")
async def test_dnsmasq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_resolve, "_GRACE", 5.0)  # for both families to answer, whatever else the machine does
    with dnsmasq(
        "--host-record=both.test,127.0.0.1,::1",
        "--cname=alias.test,both.test",
        "--txt-record=text.test,words",
        "--local=/test/",
    ) as server:
        resolver = resolver_of(tmp_path, Endpoint("127.0.0.1", server.port), conf="search test")
        assert sorted(await resolved(resolver, "both.test")) == ["127.0.0.1", "::1"]
        assert sorted(await resolved(resolver, "alias")) == ["127.0.0.1", "::1"]
        assert (await failure_of(resolver, "text.test.")).reason is Reason.DNS_NO_ADDRESS
        assert (await failure_of(resolver, "nx.test.")).reason is Reason.DNS_NXDOMAIN
        assert (await failure_of(resolver, "elsewhere.example.")).reason is Reason.DNS_REFUSED
        server.pause()
        with pytest.raises(TimeoutError):
            async with timeout(0.3):
                await resolver.addresses("both.test")
        server.resume()
        assert sorted(await resolved(resolver, "both.test")) == ["127.0.0.1", "::1"]
        server.stop()
        assert (await failure_of(resolver, "both.test")).reason is Reason.DNS_REFUSED


async def _until(condition: Callable[[], bool]) -> None:
    async with timeout(5):
        while not condition():
            await sleep(0.005)
