"""The tcp probe: ports, dialogues in any segmentation, ports that must be closed."""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter, create_task, sleep
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.core.outcome import Verdict
from agent.core.reasons import Phase, Reason
from agent.core.secrets import remember
from agent.probes import settings_of
from agent.probes._connection import TCP_RETRANSMITS, TCP_RTT
from agent.probes._network import Network
from agent.probes._resolve import Resolver
from tests.probes.bounds import enough_for, probe_in_time, two_hundred_in_time
from tests.probes.dns_server import name_server, records, silence
from tests.probes.support import (
    Script,
    answering,
    assert_failed,
    assert_up,
    ca_file,
    closing,
    dripping,
    endless,
    measured,
    probe,
    refusing,
    resetting,
    saying,
    server_context,
    serving,
    silent,
    unaccepting,
)
from tests.servers.run import redis_server

Steps = Sequence[Mapping[str, str]]


async def test_an_open_port_is_up() -> None:
    async with serving(silent) as server:
        outcome = await probe({"kind": "tcp", "address": server.address})
    assert_up(outcome)
    assert set(outcome.phase_seconds()) == {Phase.RESOLVE, Phase.CONNECT}
    assert 0 < measured(outcome, TCP_RTT) < 1
    assert measured(outcome, TCP_RETRANSMITS) == 0
    assert outcome.peer == server.address


@pytest.mark.parametrize("pause", [0.0, 0.01])
@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"expect": "^220 .*ready"}, {"send": "QUIT\r\n", "expect": "^221"}], [b"220 mail ready\r\n", b"221 bye\r\n"]),
        ([{"send": "PING\r\n", "expect": r"^\+PONG\r\n"}], [b"", b"+PONG\r\n"]),
        ([{"expect": "one"}, {"expect": "two"}, {"send": "x", "expect": "three"}], [b"one two", b"three"]),
        ([{"expect": "zwölf B.cher"}], ["zwölf Bücher".encode()]),
        ([{"send": "hello"}], [b""]),
        ([{"expect": "a"}, {"expect": "^b"}], [b"ab"]),
    ],
)
async def test_a_dialogue_may_come_in_any_pieces(steps: Steps, said: list[bytes], pause: float) -> None:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        for number, text in enumerate(said):
            if number:
                await reader.read(100)
            for byte in text:
                writer.write(bytes((byte,)))
                await sleep(pause and pause / len(text))
        await silent(reader, writer)

    async with serving(script) as server:
        outcome = await probe({"kind": "tcp", "address": server.address, "dialogue": steps}, timeout=5)
    assert_up(outcome)
    assert outcome.detail == ""


@pytest.mark.parametrize(
    ("script", "reason", "words"),
    [
        (saying(b"-ERR no\r\n"), Reason.BODY_MISMATCH, 'the target said "-ERR no\\r\\n", which does not match'),
        (answering(b"-ERR no\r\n", stay=True), Reason.BODY_MISMATCH, "within 0.3 s; the target said"),
        (endless(b"nonsense"), Reason.BODY_MISMATCH, "in its first 16384 bytes"),
        (dripping(b"drip"), Reason.BODY_MISMATCH, "within 0.3 s"),
        (closing, Reason.CONNECTION_CLOSED, "before '\\\\+PONG' came"),
        (resetting, Reason.CONNECTION_RESET, "reset"),
        (silent, Reason.RESPONSE_TIMEOUT, "no answer came within 0.3 s"),
    ],
)
async def test_a_dialogue_that_fails(script: Script, reason: Reason, words: str) -> None:
    async with serving(script) as server:
        dialogue = [{"send": "PING\r\n", "expect": r"\+PONG"}]
        outcome = await probe_in_time(
            {"kind": "tcp", "address": server.address, "dialogue": dialogue}, enough_for(reason, words)
        )
    assert_failed(outcome, reason)
    assert words in outcome.detail


@pytest.mark.parametrize("stay", [False, True], ids=["closes", "waits"])
@pytest.mark.parametrize("echoes", [1, 20])
async def test_the_last_words_of_the_target_are_quoted_without_the_end_of_a_secret(stay: bool, echoes: int) -> None:
    remember("s3cret" * 100)
    said = b"INFO " + b"x" * 400 + b"s3cret" * 100 * echoes + b"\r\n-ERR 'Authorization Violation'\r\n"

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        await saying(said)(reader, writer)
        await reader.readline()
        if stay:
            await silent(reader, writer)

    async with serving(script) as server:
        dialogue = [{"expect": "^INFO "}, {"send": "PING\r\n", "expect": "^PONG"}]
        outcome = await probe({"kind": "tcp", "address": server.address, "dialogue": dialogue}, timeout=1)
    assert_failed(outcome, Reason.BODY_MISMATCH)
    assert 'the target said "…' in outcome.detail
    assert "<secret>\\r\\n-ERR 'Authorization Violation'\\r\\n\", which does not match '^PONG'" in outcome.detail
    assert "s3cret" not in outcome.detail


async def test_a_later_step_does_not_match_what_an_earlier_one_used_up() -> None:
    async with serving(saying(b"ready")) as server:
        outcome = await probe(
            {"kind": "tcp", "address": server.address, "dialogue": [{"expect": "ready"}, {"expect": "ready"}]}
        )
    assert_failed(outcome, Reason.CONNECTION_CLOSED)


async def test_what_the_target_says_is_escaped_and_bounded() -> None:
    async with serving(saying(b'\x1b[31m"\xff\x00' + b"x" * 5000)) as server:
        outcome = await probe({"kind": "tcp", "address": server.address, "dialogue": [{"expect": "ready"}]})
    assert_failed(outcome, Reason.BODY_MISMATCH)
    assert outcome.detail.isprintable()
    assert len(outcome.detail) < 300


async def test_a_dialogue_over_tls(tmp_path: Path) -> None:
    settings: dict[str, object] = {"kind": "tcp", "dialogue": [{"expect": "ready"}]}
    async with serving(saying(b"ready"), tls=server_context()) as server:
        settings["address"] = server.address
        outcome = await probe({**settings, "tls": {"ca_file": ca_file(tmp_path)}})
        assert_up(outcome)
        assert Phase.TLS in outcome.phase_seconds()
        assert_failed(await probe({**settings, "tls": {}}), Reason.TLS_UNTRUSTED)


async def test_closed_and_silent_ports_are_told_apart() -> None:
    with refusing() as address:
        outcome = await probe({"kind": "tcp", "address": address})
        assert_failed(outcome, Reason.CONNECT_REFUSED)
        assert outcome.phase is Phase.CONNECT
        assert outcome.peer == ""
    with refusing("::1") as address:
        assert_failed(await probe({"kind": "tcp", "address": address}), Reason.CONNECT_REFUSED)
    with unaccepting() as address:
        outcome = await probe({"kind": "tcp", "address": address}, timeout=0.2)
        assert_failed(outcome, Reason.CONNECT_TIMEOUT)
        assert outcome.detail == "the connection was not accepted within 0.2 s"


async def test_a_port_that_must_be_closed() -> None:
    def settings(address: str) -> dict[str, object]:
        return {"kind": "tcp", "address": address, "expect_closed": True}

    async with serving(silent) as server:
        outcome = await probe(settings(server.address))
        assert_failed(outcome, Reason.UNEXPECTEDLY_OPEN)
        assert server.address in outcome.detail
    with refusing() as address:
        outcome = await probe(settings(address))
        assert_up(outcome)
        assert outcome.detail == "closed: Connection refused"
    with unaccepting() as address:
        outcome = await probe(settings(address), timeout=0.3)
        assert_up(outcome)
        assert outcome.detail == "closed: nothing answers"
        assert 0.2 < outcome.waited <= outcome.phase_seconds()[Phase.CONNECT]
    outcome = await probe(settings("127.255.255.255:80"))  # a broadcast address: no TCP can reach it
    assert_up(outcome)


async def test_a_name_that_does_not_resolve_is_no_closed_port() -> None:
    async with name_server({"a.test": silence}) as server:
        network = Network(Resolver(servers=[server.server]))
        for name, reason in (("a.test.", Reason.DNS_TIMEOUT), ("b.test.", Reason.DNS_NXDOMAIN)):
            settings = {"kind": "tcp", "address": f"{name}:80", "expect_closed": True}
            outcome = await probe(settings, timeout=0.2, network=network)
            assert_failed(outcome, reason)
            assert outcome.phase is Phase.RESOLVE
            assert outcome.verdict is Verdict.DOWN


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"address": "broker"}, "expected host:port"),
        ({"address": "h:1", "dialogue": [{}]}, "a step needs send, expect or both"),
        ({"address": "h:1", "dialogue": [{"expect": "("}]}, "not a valid regular expression"),
        ({"address": "h:1", "dialogue": [{"sent": "x"}]}, "Extra inputs are not permitted"),
        ({"address": "h:1", "expect_closed": True, "tls": {}}, "expect_closed goes without dialogue and tls"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        settings_of("tcp").model_validate({"kind": "tcp", **settings})


async def test_a_name_with_a_dead_and_a_live_address_is_up() -> None:
    both = records("@ A 127.0.0.1", "@ AAAA ::1")
    async with serving(silent) as server, name_server({"*": both}) as names:
        network = Network(Resolver(servers=[names.server]))
        outcome = await probe({"kind": "tcp", "address": f"both.test.:{server.port}"}, network=network)
        assert_up(outcome)
        assert outcome.peer == server.address
    async with serving(silent, host="::1") as server, name_server({"*": both}) as names:
        network = Network(Resolver(servers=[names.server]))
        outcome = await probe({"kind": "tcp", "address": f"both.test.:{server.port}"}, network=network)
        assert_up(outcome)
        assert outcome.peer == server.address


@pytest.mark.parametrize("script", [silent, dripping(b"x", every=0.01)])
async def test_two_hundred_hung_targets_keep_their_deadline_and_their_neighbours(script: Script) -> None:
    hung = {"kind": "tcp", "dialogue": [{"send": "x", "expect": "never"}]}
    async with (
        serving(script) as bad,
        serving(answering(b"ok")) as good,
        name_server({"good.test": records("@ A 127.0.0.1")}) as names,
    ):
        network = Network(Resolver(servers=[names.server]))
        runs = create_task(two_hundred_in_time({**hung, "address": bad.address}))
        await sleep(0.1)
        healthy = await probe(
            {"kind": "tcp", "address": f"good.test.:{good.port}", "dialogue": [{"send": "x", "expect": "ok"}]},
            network=network,
        )
        assert not runs.done()
        outcomes = await runs
    assert_up(healthy)
    assert {outcome.reason for outcome in outcomes} <= {Reason.RESPONSE_TIMEOUT, Reason.BODY_MISMATCH}


@pytest.mark.servers("redis-server")
async def test_redis() -> None:
    with redis_server() as redis:
        settings = {"kind": "tcp", "address": redis.address, "dialogue": [{"send": "PING\r\n", "expect": r"^\+PONG"}]}
        assert_up(await probe(settings))
        settings["dialogue"] = [{"send": "AUTH x\r\n", "expect": r"^\+OK"}]
        outcome = await probe(settings, timeout=0.3)
        assert_failed(outcome, Reason.BODY_MISMATCH)
        assert "-ERR" in outcome.detail
        redis.pause()
        settings["dialogue"] = [{"send": "PING\r\n", "expect": r"^\+PONG"}]
        assert_failed(await probe(settings, timeout=0.3), Reason.RESPONSE_TIMEOUT)
        redis.resume()
