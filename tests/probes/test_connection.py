"""Connections: addresses tried, failures told apart, nothing left behind."""

from __future__ import annotations

import json
import sys
from asyncio import create_subprocess_exec, gather, sleep
from asyncio.subprocess import PIPE
from ipaddress import ip_network
from pathlib import Path
from socket import AF_INET, AF_INET6, if_nametoindex
from time import perf_counter

import pytest
import uvloop

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.core.run import Run
from agent.probes._address import ResolvedAddress, socket_address
from agent.probes._connection import TCP_RETRANSMITS, TCP_RTT
from agent.probes._http_target import HttpTarget
from agent.probes._network import Network
from agent.probes._proxy import Proxies, Proxy
from agent.probes._resolve import Resolver
from tests.probes.bounds import OVERSHOOT
from tests.probes.dns_server import name_server, records
from tests.probes.namespaces import in_namespace
from tests.probes.support import (
    answering,
    assert_failed,
    assert_up,
    ca_file,
    measured,
    probe,
    refusing,
    resetting,
    server_context,
    serving,
    silent,
    unaccepting,
)
from tests.servers.catalogue import SERVERS, find
from tests.servers.process import free_port

IPV4, IPV6 = "/proc/sys/net/ipv4", "/proc/sys/net/ipv6/conf"


class Addresses(Resolver):
    """A resolver whose every name has the same addresses."""

    def __init__(self, *found: tuple[int, str]) -> None:
        super().__init__()
        self._found = [ResolvedAddress(*address) for address in found]

    async def addresses(self, host: str) -> list[ResolvedAddress]:
        return self._found


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def connect_to(address: str, *, timeout: float = 2.0, network: Network | None = None) -> Outcome:
    return await probe({"kind": "tcp", "address": address}, timeout=timeout, network=network)


async def test_an_address_without_a_route_is_unreachable() -> None:
    outcome = await connect_to(
        "127.255.255.255:80"
    )  # the broadcast address of the loopback network: no TCP leads there
    assert_failed(outcome, Reason.CONNECT_UNREACHABLE)
    assert outcome.phase is Phase.CONNECT


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "tcp", "address": "[fe80::1%no-such]:80"}, "this machine has no interface no-such"),
        ({"kind": "tcp", "address": "[fe80::1%987654]:80"}, "Network is unreachable"),
        ({"kind": "tcp", "address": "[fe80::1]:80"}, "fe80::1 needs an interface, as in %eth0"),
        ({"kind": "http", "url": "http://[fe80::1%25no-such]/"}, "this machine has no interface no-such"),
        ({"kind": "http", "url": "http://[fe80::1%no-such]/"}, "this machine has no interface no-such"),
        ({"kind": "dns", "name": "a.test", "server": "fe80::1%no-such"}, "this machine has no interface no-such"),
    ],
)
async def test_a_zone_that_is_no_interface_of_this_machine(settings: dict[str, object], words: str) -> None:
    outcome = await probe(settings)
    assert_failed(outcome, Reason.CONNECT_UNREACHABLE)
    assert outcome.detail == words


ONE_RUN_EACH = """
import asyncio, json, sys
from agent.probes import settings_of
from agent.probes._door import run_probe
from agent.probes._network import Network

network, outcomes = Network(), []
for settings in json.loads(sys.argv[1]):
    probe = settings_of(settings["kind"]).model_validate(settings).probe(network)
    outcomes.append(asyncio.run(run_probe(probe, 5)))
print(json.dumps([[outcome.verdict, outcome.reason, outcome.detail] for outcome in outcomes]))
"""
NO_IPV6 = f"echo 1 > {IPV6}/all/disable_ipv6"
BLACK_HOLES = " && ".join(
    f"ip -{family} route add blackhole {network}"
    for family, network in ((4, "10.7.0.0/24"), (4, "169.254.0.0/16"), (6, "2001:db8::/48"))
)
NEEDS_IPTABLES = pytest.mark.servers("xtables-nft-multi")
EXTENSIONS = [f"XTABLES_LIBDIR={folder}" for folder in SERVERS.glob("debian/usr/lib/*/xtables")]
IPTABLES = " ".join([*EXTENSIONS, str(find("xtables-nft-multi"))])
REJECT = "-A INPUT -p tcp -j REJECT --reject-with"
REJECTED_BY_IPV6 = f"{IPTABLES} ip6tables {REJECT} icmp6-adm-prohibited"
REJECTED_BY_IPV4 = f"{IPTABLES} iptables {REJECT} icmp-proto-unreachable"


@pytest.mark.parametrize(
    ("prepare", "host", "words"),
    [
        (NO_IPV6, "[::1]", "Network is unreachable"),
        (BLACK_HOLES, "10.7.0.9", "Network is unreachable"),
        (BLACK_HOLES, "169.254.169.254", "Network is unreachable"),
        (BLACK_HOLES, "[2001:db8::1]", "Network is unreachable"),
        pytest.param(REJECTED_BY_IPV6, "[::1]", "No route to host", marks=NEEDS_IPTABLES),
        pytest.param(REJECTED_BY_IPV4, "127.0.0.1", "No route to host", marks=NEEDS_IPTABLES),
    ],
    ids=["no-ipv6", "black-hole-v4", "black-hole-v4-link-local", "black-hole-v6", "rejected-v6", "rejected-v4"],
)
def test_what_keeps_packets_from_their_way(prepare: str, host: str, words: str) -> None:
    # The kernel's own words are: cannot assign, invalid argument, permission denied, protocol not available.
    settings = {"kind": "tcp", "address": f"{host}:4222"}
    is_open, closed = in_namespace(prepare, ONE_RUN_EACH, json.dumps([settings, {**settings, "expect_closed": True}]))
    assert is_open == ["down", "connect_unreachable", words]
    assert closed == ["up", None, f"closed: {words}"]


@NEEDS_IPTABLES
def test_a_name_server_behind_a_firewall_that_turns_questions_down() -> None:
    settings = {"kind": "dns", "name": "a.test", "server": "::1"}
    rejected = REJECTED_BY_IPV6.replace("-p tcp", "-p udp")
    ((verdict, reason, detail),) = in_namespace(rejected, ONE_RUN_EACH, json.dumps([settings]))
    assert (verdict, reason) == ("down", "connect_unreachable")
    assert str(detail) == "no way to the name servers [::1]:53: No route to host"


TRUNCATED = """
import asyncio, json
from agent.probes.dns import DnsSettings
from agent.probes._door import run_probe
from agent.probes._network import Network
from tests.probes.dns_server import name_server, truncated

async def outcome():
    async with name_server({"a.test": truncated}) as server:
        settings = DnsSettings.model_validate({"kind": "dns", "name": "a.test", "server": str(server.server)})
        return await run_probe(settings.probe(Network()), 5)

found = asyncio.run(outcome())
print(json.dumps([[found.verdict, found.reason, found.detail]]))
"""


@NEEDS_IPTABLES
def test_a_name_server_behind_a_firewall_that_turns_tcp_down() -> None:
    ((verdict, reason, detail),) = in_namespace(REJECTED_BY_IPV4, TRUNCATED)
    assert (verdict, reason) == ("down", "connect_unreachable")
    assert "No route to host over TCP, where the whole answer is to be had" in str(detail)


def test_a_name_server_in_a_black_hole() -> None:
    settings = [{"kind": "dns", "name": "a.test", "server": server} for server in ("10.7.0.9", "2001:db8::1")]
    for verdict, reason, detail in in_namespace(BLACK_HOLES, ONE_RUN_EACH, json.dumps(settings)):
        assert (verdict, reason) == ("down", "connect_unreachable")
        assert str(detail).startswith("no way to the name servers ")


async def test_a_family_that_the_kernel_does_not_have_is_unreachable() -> None:
    outcome = await connect_to("a.test:80", network=Network(Addresses((12345, "::1"))))
    assert_failed(outcome, Reason.CONNECT_UNREACHABLE)


@pytest.mark.parametrize(("closed", "expected"), [(False, ["down", "connect_refused"]), (True, ["up", None])])
def test_a_connection_to_itself_is_none(closed: bool, expected: list[object]) -> None:
    # The kernel may take the very port that is connected to for our end, where nobody listens at it.
    settings = {"kind": "tcp", "address": "127.0.0.1:40000", "expect_closed": closed}
    prepare = f"echo 40000 40000 > {IPV4}/ip_local_port_range"
    assert in_namespace(prepare, ONE_RUN_EACH, json.dumps([settings]))[0][:2] == expected


async def test_an_address_with_a_zone_that_is_no_interface_does_not_hide_the_others() -> None:
    async with serving(silent) as server:
        network = Network(Addresses((AF_INET6, "fe80::1%no-such"), (AF_INET, "127.0.0.1")))
        assert_up(await connect_to(f"named.test:{server.port}", network=network))


def test_a_zone_tells_the_socket_its_interface_and_the_target_nothing() -> None:
    target = HttpTarget(Network(), "http://[fe80::1%25lo]:81/")
    assert target.host == "fe80::1%lo"
    assert socket_address(target.host, target.port) == ("fe80::1%lo", 81, 0, if_nametoindex("lo"))
    assert b"\r\nHost: [fe80::1]:81\r\n" in target.request(Run(1))


async def test_a_proxy_that_resets_the_connection_while_a_tunnel_is_made() -> None:
    async with serving(resetting) as proxy:
        network = Network(proxies=Proxies(https=Proxy(proxy.host, proxy.port, "")))
        outcome = await probe({"kind": "http", "url": "https://far.test/"}, network=network)
    assert_failed(outcome, Reason.PROXY_REFUSED)
    assert outcome.detail == f"the proxy {proxy.address} takes no connections: Connection reset by peer"
    assert outcome.phase is Phase.CONNECT


async def test_syns_that_are_sent_again_are_counted() -> None:
    with unaccepting() as address:
        outcome = await connect_to(address, timeout=1.3)  # the kernel repeats the first SYN after a second
    assert_failed(outcome, Reason.CONNECT_TIMEOUT)
    assert measured(outcome, TCP_RETRANSMITS) >= 1
    assert outcome.value(TCP_RTT.name) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "named.test."])
async def test_forbidden_addresses_are_never_connected_to(address: str) -> None:
    forbidden = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    async with serving(silent) as server, name_server({"*": records("@ A 127.0.0.1")}) as names:
        network = Network(Resolver(servers=[names.server]), forbidden=forbidden)
        outcome = await connect_to(f"{address}:{server.port}", network=network)
        assert server.connections == 0
    assert_failed(outcome, Reason.ADDRESS_FORBIDDEN)
    assert outcome.verdict is Verdict.UNKNOWN


async def test_a_forbidden_name_server_is_never_asked() -> None:
    async with name_server({"*": records("@ A 127.0.0.1")}) as names:
        settings = {"kind": "dns", "name": "a.test", "server": str(names.server)}
        outcome = await probe(settings, network=Network(forbidden=(ip_network("127.0.0.0/8"),)))
        assert not names.asked
    assert_failed(outcome, Reason.ADDRESS_FORBIDDEN)


async def test_a_redirect_does_not_lead_to_a_forbidden_address() -> None:
    async with serving(silent, host="127.0.0.2") as inner:
        location = f"HTTP/1.1 302 Found\r\nLocation: http://{inner.address}/\r\nContent-Length: 0\r\n\r\n".encode()
        async with serving(answering(location)) as outer:
            outcome = await probe(
                {"kind": "http", "url": f"http://{outer.address}/", "follow_redirects": True},
                network=Network(forbidden=(ip_network("127.0.0.2/32"),)),
            )
        assert inner.connections == 0
    assert_failed(outcome, Reason.ADDRESS_FORBIDDEN)


async def test_the_next_address_is_tried_beside_a_silent_one() -> None:
    with unaccepting() as dead:
        port = int(dead.rpartition(":")[2])
        async with serving(silent, host="127.0.0.2", port=port) as live:
            network = Network(Addresses((2, "127.0.0.1"), (2, "127.0.0.2")))
            outcome = await connect_to(f"any.test:{port}", network=network)
            assert_up(outcome)
            assert outcome.peer == live.address
            assert 0.25 <= outcome.duration < 1.0


async def test_addresses_that_all_refuse() -> None:
    with refusing() as address:
        network = Network(Addresses((2, "127.0.0.1"), (10, "::1"), (2, "127.0.0.1")))
        outcome = await connect_to(f"any.test:{address.rpartition(':')[2]}", network=network)
    assert_failed(outcome, Reason.CONNECT_REFUSED)


async def test_addresses_that_are_all_silent() -> None:
    with unaccepting() as address:
        network = Network(Addresses((2, "127.0.0.1"), (2, "127.0.0.1")))
        outcome = await connect_to(f"any.test:{address.rpartition(':')[2]}", network=network, timeout=0.4)
    assert_failed(outcome, Reason.CONNECT_TIMEOUT)
    assert outcome.duration < 0.4 + OVERSHOOT


async def test_nothing_is_left_open(tmp_path: Path) -> None:
    async def every_kind(plain: str, secure: str, silent_address: str, closed: str) -> None:
        tls = {"ca_file": ca_file(tmp_path)}
        both = Network(Addresses((2, "127.0.0.1"), (2, "127.0.0.1")))
        await gather(
            connect_to(plain),
            connect_to(closed),
            connect_to(silent_address, timeout=0.05),
            connect_to(f"any.test:{silent_address.rpartition(':')[2]}", timeout=0.05, network=both),
            connect_to(f"any.test:{plain.rpartition(':')[2]}", network=both),
            probe({"kind": "tls", "address": secure, "tls": tls}),
            probe({"kind": "tls", "address": plain}, timeout=0.05),
            probe({"kind": "dns", "name": "a.test", "server": closed}, timeout=0.05),
        )

    async with serving(silent) as plain, serving(silent, tls=server_context()) as secure:
        with unaccepting() as silent_address, refusing() as closed:
            addresses = (plain.address, secure.address, silent_address, closed)
            await every_kind(*addresses)
            plain_before, secure_before = plain.connections, secure.connections
            await sleep(0.05)
            before = open_descriptors() - len(plain.tasks) - len(secure.tasks)
            for _ in range(10):
                await every_kind(*addresses)
            await sleep(0.05)
            assert open_descriptors() - len(plain.tasks) - len(secure.tasks) <= before
            assert plain.connections > plain_before
            assert secure.connections > secure_before


OVERLOADED = """
import asyncio, resource, socket, sys
from agent.probes import settings_of
from agent.probes._door import run_probe
from agent.probes._http_target import HttpTarget
from agent.probes._network import Network

async def main():
    network = Network()
    checks = [
        {"kind": "tcp", "address": sys.argv[1]},
        {"kind": "http", "url": f"http://{sys.argv[1]}/"},
        {"kind": "dns", "name": "a.test", "server": sys.argv[1]},
        {"kind": "tcp", "address": "unknown.test:80"},
    ]
    probes = [settings_of(check["kind"]).model_validate(check).probe(network) for check in checks]
    await run_probe(probes[0], 1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    taken = []
    try:
        while True:
            taken.append(socket.socket())
    except OSError:
        pass
    for probe in probes:
        outcome = await run_probe(probe, 1)
        print(outcome.verdict, outcome.reason, outcome.detail)
    taken.pop().close()
    for probe in probes:
        outcome = await run_probe(probe, 1)
        print(outcome.verdict, outcome.reason, outcome.detail)
    for descriptor in taken:
        descriptor.close()
    outcome = await run_probe(probes[0], 1)
    print(outcome.verdict, outcome.reason, outcome.detail)

asyncio.run(main())
"""


async def test_an_agent_out_of_descriptors_is_overloaded_leaves_the_last_ones_alone_and_recovers() -> None:
    async with serving(silent) as server:
        process = await create_subprocess_exec(sys.executable, "-c", OVERLOADED, server.address, stdout=PIPE)
        output, _ = await process.communicate()
    *starved, recovered = output.decode().splitlines()
    assert starved == ["unknown overloaded Too many open files"] * 8
    assert recovered.split() == ["up", "None"]


def test_the_same_on_uvloop(tmp_path: Path) -> None:
    async def every_kind() -> None:
        table = {"good.test": records("@ A 127.0.0.1", "@ AAAA ::1")}
        async with (
            serving(silent) as plain,
            serving(silent, tls=server_context()) as secure,
            name_server(table) as names,
        ):
            network = Network(Resolver(servers=[names.server]))
            assert_up(await connect_to(plain.address, network=network))
            assert_up(await connect_to(f"good.test.:{plain.port}", network=network))
            missing = await connect_to("bad.test.:80", network=network)
            assert_failed(missing, Reason.DNS_NXDOMAIN)
            assert_up(await probe({"kind": "dns", "name": "good.test", "server": str(names.server)}))
            tls = {"ca_file": ca_file(tmp_path)}
            assert_up(await probe({"kind": "tls", "address": secure.address, "tls": tls}))
            assert_failed(await probe({"kind": "tls", "address": plain.address}, timeout=0.1), Reason.TLS_TIMEOUT)
        with unaccepting() as address:
            assert_failed(await connect_to(address, timeout=0.1), Reason.CONNECT_TIMEOUT)
        closed = {"kind": "dns", "name": "a.test", "server": f"127.0.0.1:{free_port()}"}
        assert_failed(await probe(closed), Reason.CONNECT_REFUSED)

    begin = perf_counter()
    uvloop.run(every_kind())
    assert perf_counter() - begin < 4
