"""A name server on loopback that answers from a table, or misbehaves as told."""

from __future__ import annotations

from asyncio import BaseTransport, DatagramProtocol, DatagramTransport, StreamReader, StreamWriter, get_running_loop
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from agent.probes._endpoint import Endpoint
from tests.probes.support import serving

Answer = Callable[[dns.message.Message], "bytes | list[bytes]"]
"""What to send for a query: one datagram, several, or none."""


def records(*lines: str) -> Answer:
    """Records in presentation form, `NAME TYPE DATA`; the owner `@` is the name that was asked for.

    Only those of the asked type are sent, and every CNAME.
    """
    return code("NOERROR", *lines)


def code(name: str, *lines: str) -> Answer:
    """A reply with a response code, and with records as `records` takes them."""

    def answer(query: dns.message.Message) -> bytes:
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.from_text(name))
        asked = query.question[0]
        for line in lines:
            owner, record_type, data = line.split(" ", 2)
            if record_type in ("CNAME", dns.rdatatype.to_text(asked.rdtype)):
                name_of_record = asked.name.to_text() if owner == "@" else owner
                reply.answer.append(dns.rrset.from_text(name_of_record, 60, "IN", record_type, data))
        return reply.to_wire()

    return answer


def silence(query: dns.message.Message) -> list[bytes]:
    """No reply at all."""
    return []


def truncated(query: dns.message.Message) -> bytes:
    """A reply that says: ask over TCP."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.TC
    return reply.to_wire()


def by_type(**answers: Answer) -> Answer:
    """Another answer for each record type; silence for the others."""

    def answer(query: dns.message.Message) -> bytes | list[bytes]:
        return answers.get(dns.rdatatype.to_text(query.question[0].rdtype), silence)(query)

    return answer


UNBOUND = Endpoint("127.0.0.1", 0)


@dataclass
class NameServer(DatagramProtocol):
    """A running name server: its address, its table, and how often it was asked for what over which transport."""

    names: Mapping[str, Answer]
    over_tcp: Mapping[str, Answer]
    server: Endpoint = UNBOUND
    asked: Counter[str] = field(default_factory=Counter)
    received: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    transport: DatagramTransport | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Part of DatagramProtocol."""
        self.transport = cast("DatagramTransport", transport)  # its class says less in some versions of Python

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Part of DatagramProtocol."""
        assert self.transport is not None
        self.received.setdefault(data, address)
        for datagram in self._replies("udp", self.names, data):
            self.transport.sendto(datagram, address)

    def answer_late(self, answer: Answer) -> None:
        """Answers every question that has come so far."""
        for data, address in self.received.items():
            reply = answer(dns.message.from_wire(data))
            assert self.transport is not None
            assert isinstance(reply, bytes)
            self.transport.sendto(reply, address)

    async def converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Script of a TCP connection."""
        length = int.from_bytes(await reader.readexactly(2))
        for message in self._replies("tcp", self.over_tcp, await reader.readexactly(length)):
            writer.write(len(message).to_bytes(2) + message)
        await writer.drain()

    def _replies(self, transport: str, names: Mapping[str, Answer], data: bytes) -> list[bytes]:
        query = dns.message.from_wire(data)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        self.asked[f"{transport} {name} {dns.rdatatype.to_text(asked.rdtype)}"] += 1
        replies = (names.get(name) or names.get("*") or code("NXDOMAIN"))(query)
        return [replies] if isinstance(replies, bytes) else replies


@asynccontextmanager
async def name_server(
    names: Mapping[str, Answer], *, over_tcp: Mapping[str, Answer] | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[NameServer]:
    """A name server for `names`, `*` for all others; a name it does not know does not exist (NXDOMAIN).

    Over TCP it answers from `over_tcp`, or refuses connections.
    """
    loop = get_running_loop()
    running = NameServer(names, over_tcp or {})
    if over_tcp is None:
        transport, _ = await loop.create_datagram_endpoint(lambda: running, (host, 0))
        running.server = Endpoint(host, transport.get_extra_info("sockname")[1])
        try:
            yield running
        finally:
            transport.close()
        return
    async with serving(running.converse, host=host) as tcp:
        transport, _ = await loop.create_datagram_endpoint(lambda: running, (host, tcp.port))
        running.server = Endpoint(host, tcp.port)
        try:
            yield running
        finally:
            transport.close()
