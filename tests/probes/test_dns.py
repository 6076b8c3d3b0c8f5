"""The dns probe: records of a chosen server, or of the system's."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import dns.message
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.core.outcome import Verdict
from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure
from agent.probes import settings_of
from agent.probes._endpoint import Endpoint
from agent.probes._network import Network
from agent.probes._resolve import Resolver
from agent.probes.dns import DNS_ANSWERS, DnsProbe, DnsSettings
from tests.probes.bounds import enough_for, probe_in_time, two_hundred_in_time
from tests.probes.dns_server import Answer, by_type, code, name_server, records, silence, truncated
from tests.probes.support import assert_failed, assert_up, measured, probe
from tests.servers.process import free_port
from tests.servers.run import dnsmasq

RECORDS = records(
    "@ A 127.0.0.1",
    "@ A 127.0.0.2",
    "@ AAAA ::1",
    "@ MX 10 Mail.test.",
    "@ NS ns1.test.",
    "@ NS ns2.test.",
    '@ TXT "v=spf1 " "-all"',
    "@ TXT other",
    "@ SRV 1 2 443 host.test.",
    '@ CAA 0 issue "ca.test"',
    "@ SOA ns1.test. admin.test. 7 3600 600 86400 60",
)


@pytest.mark.parametrize(
    ("record_type", "answers", "count"),
    [
        ("A", [], 2),
        ("A", ["127.0.0.2"], 2),
        ("A", ["127.0.0.2", "127.0.0.1"], 2),
        ("AAAA", ["0:0:0:0:0:0:0:1"], 1),
        ("MX", ["10 mail.TEST"], 1),
        ("NS", ["ns2.test.", "ns1.test"], 2),
        ("TXT", ["v=spf1 -all"], 2),
        ("TXT", ['"v=spf1 -all"', "other"], 2),
        ("SRV", ["1 2 443 host.test"], 1),
        ("CAA", ['0 issue "ca.test"'], 1),
        ("SOA", ["ns1.test. admin.test. 7 3600 600 86400 60"], 1),
    ],
)
async def test_records_that_must_be_there(record_type: str, answers: list[str], count: int) -> None:
    async with name_server({"a.test": RECORDS}) as server:
        outcome = await probe(
            {"kind": "dns", "name": "a.test", "type": record_type, "server": str(server.server), "answers": answers}
        )
    assert_up(outcome)
    assert measured(outcome, DNS_ANSWERS) == count
    assert outcome.peer == str(server.server)


@pytest.mark.parametrize(
    ("answer", "settings", "reason", "words"),
    [
        (RECORDS, {"answers": ["127.0.0.9"]}, Reason.BODY_MISMATCH, '127.0.0.9 is not among the answers: "127.0.0.1"'),
        (RECORDS, {"answers": ["127.0.0.8", "127.0.0.9"]}, Reason.BODY_MISMATCH, "127.0.0.8, 127.0.0.9 are not among"),
        (RECORDS, {"type": "MX", "answers": ["20 mail.test"]}, Reason.BODY_MISMATCH, "20 mail.test"),
        (RECORDS, {"type": "CNAME"}, Reason.DNS_NO_ADDRESS, "a.test. has no record of type CNAME"),
        (code("NXDOMAIN"), {}, Reason.DNS_NXDOMAIN, "a.test. does not exist"),
        (code("NXDOMAIN", "@ CNAME gone.test."), {}, Reason.DNS_NXDOMAIN, "what a.test. is an alias of does not exist"),
        (records("@ CNAME gone.test."), {}, Reason.DNS_NO_ADDRESS, "a.test. is an alias of has no record of type A"),
        (code("SERVFAIL"), {}, Reason.DNS_SERVER_FAILURE, "SERVFAIL"),
        (code("REFUSED"), {}, Reason.DNS_REFUSED, "REFUSED"),
        (silence, {}, Reason.DNS_TIMEOUT, "no answer came within 0.3 s"),
        (truncated, {}, Reason.CONNECT_REFUSED, "Connection refused over TCP, where the whole"),
        (lambda _: [b"nonsense"] * 50, {}, Reason.DNS_SERVER_FAILURE, "what is no answer"),
        (records("@ CNAME b.test.", "b.test. CNAME a.test."), {}, Reason.DNS_SERVER_FAILURE, "malformed"),
    ],
)
async def test_failures(answer: Answer, settings: Mapping[str, object], reason: Reason, words: str) -> None:
    async with name_server({"*": answer}) as server:
        question = {"kind": "dns", "name": "a.test", "server": str(server.server)}
        outcome = await probe_in_time({**question, **settings}, enough_for(reason, words))
    assert_failed(outcome, reason)
    assert outcome.verdict is Verdict.DOWN
    assert words in outcome.detail
    assert outcome.phase in (Phase.RESPONSE, Phase.TRANSFER)


async def test_an_alias_is_followed_and_not_counted() -> None:
    chain = records("@ CNAME b.test.", "b.test. CNAME c.test.", "c.test. A 127.0.0.1")
    async with name_server({"a.test": chain}) as server:
        outcome = await probe({"kind": "dns", "name": "a.test", "server": str(server.server), "answers": ["127.0.0.1"]})
    assert_up(outcome)
    assert measured(outcome, DNS_ANSWERS) == 1


async def test_reverse_names() -> None:
    async with name_server({"1.0.0.127.in-addr.arpa": records("@ PTR host.test.")}) as server:
        for name in ("127.0.0.1", "1.0.0.127.in-addr.arpa"):
            settings = {"kind": "dns", "name": name, "type": "PTR", "server": str(server.server)}
            assert_up(await probe({**settings, "answers": ["host.test"]}))


async def test_a_long_answer_comes_over_tcp() -> None:
    many = records(*(f"@ A 10.0.{number}.1" for number in range(250)))
    async with name_server({"a.test": truncated}, over_tcp={"a.test": many}) as server:
        outcome = await probe(
            {"kind": "dns", "name": "a.test", "server": str(server.server), "answers": ["10.0.249.1"]}
        )
        assert_up(outcome)
        assert measured(outcome, DNS_ANSWERS) == 250
        outcome = await probe({"kind": "dns", "name": "a.test", "server": str(server.server), "answers": ["10.1.1.1"]})
        assert len(outcome.detail) < 300
    too_many = records(*(f"@ A 10.{number // 200}.{number % 200}.1" for number in range(1200)))
    async with name_server({"a.test": truncated}, over_tcp={"a.test": too_many}) as server:
        outcome = await probe({"kind": "dns", "name": "a.test", "server": str(server.server)})
        assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


async def test_a_chosen_server_that_is_not_there_is_the_targets_fault_and_the_systems_is_the_paths() -> None:
    closed = Endpoint("127.0.0.1", free_port())
    outcome = await probe({"kind": "dns", "name": "a.test", "server": str(closed)})
    assert_failed(outcome, Reason.CONNECT_REFUSED)
    outcome = await probe({"kind": "dns", "name": "a.test"}, network=Network(Resolver(servers=[closed])))
    assert_failed(outcome, Reason.DNS_REFUSED)


async def test_the_systems_servers_are_asked_for_the_very_name_and_a_server_may_have_a_name() -> None:
    names: dict[str, Answer] = {"a.test": RECORDS, "ns.test": by_type(A=records("@ A 127.0.0.1"), AAAA=records())}
    async with name_server(names) as server:
        network = Network(Resolver(servers=[server.server]))
        assert_up(await probe({"kind": "dns", "name": "a.test"}, network=network))
        named = {"kind": "dns", "name": "a.test", "server": f"ns.test.:{server.server.port}"}
        outcome = await probe(named, network=network)
        assert_up(outcome)
        assert outcome.peer == str(server.server)


async def test_a_broadcast_address_may_not_be_asked() -> None:
    outcome = await probe({"kind": "dns", "name": "a.test", "server": "127.255.255.255"})
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert outcome.verdict is Verdict.UNKNOWN


async def test_two_hundred_silent_servers_keep_their_deadline() -> None:
    async with name_server({"a.test": silence}) as server:
        settings = {"kind": "dns", "name": "a.test", "server": str(server.server)}
        outcomes = await two_hundred_in_time(settings)
    assert {outcome.reason for outcome in outcomes} == {Reason.DNS_TIMEOUT}


@given(st.binary(max_size=60), st.integers(0, 120), st.sampled_from(["A", "MX", "TXT", "CAA", "SOA", "SRV"]))
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
def test_a_damaged_answer_is_a_failure_at_most(noise: bytes, at: int, record_type: str) -> None:
    query = dns.message.make_query("a.test", record_type)
    wire = RECORDS(query)
    assert isinstance(wire, bytes)
    checked = DnsProbe(DnsSettings(name="a.test", type=record_type), Network())
    position = 12 + at
    with suppress(ProbeFailure):
        checked._judge(checked._records(wire[:position] + noise + wire[position + len(noise) :]))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"type": "ANY"}, "Input should be 'A', 'AAAA'"),
        ({"name": "a..b"}, "not a valid name"),
        ({"name": "127.0.0.1"}, "only the type PTR"),
        ({"name": "http://x.y/z"}, "no colon and no white space; write the name alone"),
        ({"name": "a.test:53"}, "no colon and no white space"),
        ({"name": "a b"}, "no colon and no white space"),
        ({"name": "a.test\n"}, "no colon and no white space"),
        ({"answers": ["x"]}, "'x' in answers is no record of type A"),
        ({"type": "MX", "answers": ["mail"]}, "'mail' in answers is no record of type MX"),
        ({"server": "dns.test:0"}, "expected host:port"),
        ({"server": "http://dns.test"}, "expected host:port"),
        ({"expect": {}}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be(settings: Mapping[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings_of("dns").model_validate({"kind": "dns", "name": "a.test", **settings})


@pytest.mark.parametrize(
    ("name", "record_type"), [("0/25.2.0.192.in-addr.arpa", "PTR"), ("::1", "PTR"), ("_sip._tcp.a.test.", "SRV")]
)
def test_names_that_look_odd(name: str, record_type: str) -> None:
    settings = settings_of("dns").model_validate({"kind": "dns", "name": name, "type": record_type})
    assert settings.target() == f"{name} {record_type}"


@pytest.mark.parametrize(
    ("server", "endpoint", "target"),
    [
        (None, "system-resolver:53", "a.test MX"),
        ("10.0.0.10", "10.0.0.10:53", "a.test MX at 10.0.0.10:53"),
        ("dns.test", "dns.test:53", "a.test MX at dns.test:53"),
        ("10.0.0.10:5353", "10.0.0.10:5353", "a.test MX at 10.0.0.10:5353"),
        ("2001:db8::1", "[2001:db8::1]:53", "a.test MX at [2001:db8::1]:53"),
        ("[2001:db8::1]", "[2001:db8::1]:53", "a.test MX at [2001:db8::1]:53"),
        ("[2001:db8::1]:5353", "[2001:db8::1]:5353", "a.test MX at [2001:db8::1]:5353"),
    ],
)
def test_servers(server: str | None, endpoint: str, target: str) -> None:
    settings = settings_of("dns").model_validate({"kind": "dns", "name": "a.test", "type": "MX", "server": server})
    assert str(settings.endpoint()) == endpoint
    assert settings.target() == target


@pytest.mark.servers("dnsmasq")
async def test_dnsmasq() -> None:
    with dnsmasq("--local=/test/", "--mx-host=a.test,mail.test,10", "--txt-record=a.test,words") as server:
        settings: dict[str, object] = {"kind": "dns", "name": "a.test", "server": server.address}
        assert_up(await probe({**settings, "type": "MX", "answers": ["10 mail.test"]}))
        assert_up(await probe({**settings, "type": "TXT", "answers": ["words"]}))
        assert_failed(await probe({**settings, "type": "A"}), Reason.DNS_NO_ADDRESS)
        assert_failed(await probe({**settings, "name": "b.test"}), Reason.DNS_NXDOMAIN)
        assert_failed(await probe({**settings, "name": "b.example"}), Reason.DNS_REFUSED)
        server.pause()
        assert_failed(await probe(settings, timeout=0.2), Reason.DNS_TIMEOUT)
        server.resume()
        server.stop()
        assert_failed(await probe(settings), Reason.CONNECT_REFUSED)
