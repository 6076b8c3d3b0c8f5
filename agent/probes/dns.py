"""Asks a name server for the records of a name, and judges the answer."""

import re
import shlex
from typing import Annotated, ClassVar, Literal

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
import dns.reversename
from dns.rdtypes.txtbase import TXTBase
from pydantic import AfterValidator, model_validator

from agent.core.measures import Metric, MetricType
from agent.core.ports import Probe
from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure, Run
from agent.core.words import are
from agent.probes._address import parse_literal
from agent.probes._dns_answer import chosen_server, read_reply
from agent.probes._dns_wire import Rcode, rcode
from agent.probes._endpoint import DNS_PORT, Endpoint, name_server_endpoint
from agent.probes._network import Network
from agent.probes._resolve import denied
from agent.probes._settings import NameServer, ProbeSettings
from agent.probes._text import quote

DNS_ANSWERS = Metric(
    "probe_dns_answers", MetricType.GAUGE, "Records of the type that was asked for in the answer, aliases not counted."
)

_MOST_SHOWN = 8


def _name(value: str) -> str:
    if parse_literal(value) is None:
        if re.search(r"[:\s]", value):
            raise ValueError(
                "a name has no colon and no white space; write the name alone, as in docs.example.com, and whom to ask "
                "as server"
            )
        try:
            dns.name.from_text(value)
        except dns.exception.DNSException as error:
            raise ValueError(f"not a valid name: {error}") from None
    return value


class DnsSettings(ProbeSettings):
    """Keys of the `dns` probe."""

    summary: ClassVar[str] = "Asks a name server for records of a name, over UDP and where it must be TCP."
    metrics: ClassVar[tuple[Metric, ...]] = (DNS_ANSWERS,)
    transport: ClassVar[str] = "udp"

    kind: Literal["dns"] = "dns"
    name: Annotated[str, AfterValidator(_name)]
    """The whole name; search domains are not tried. For PTR, an IP address will do."""
    type: Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] = "A"
    """Type of the records to ask for."""
    server: NameServer | None = None
    """The name server to ask, as host:port or as an address alone; default: those of the system."""
    answers: tuple[str, ...] = ()
    """Records that must all be in the answer, as in a zone file; others may be there too. Default: any one record."""

    @model_validator(mode="after")
    def _answers_can_be_read(self) -> "DnsSettings":
        if parse_literal(self.name) and self.type != "PTR":
            raise ValueError("name is an IP address, which only the type PTR can ask for")
        for text in self.answers:
            try:
                _expected(self.type, text)
            except dns.exception.DNSException as error:
                raise ValueError(f"{text!r} in answers is no record of type {self.type}: {error}") from None
        return self

    def endpoint(self) -> Endpoint:
        return name_server_endpoint(self.server) if self.server is not None else Endpoint("system-resolver", DNS_PORT)

    def endpoint_problem(self) -> str:
        return "" if self.server is not None else "it asks the name servers of the machine it runs on"

    def target(self) -> str:
        at = f" at {self.endpoint()}" if self.server is not None else ""
        return f"{self.name} {self.type}{at}"

    def by_hand(self) -> str:
        """Implements `agent.core.ports.AskedByHand`."""
        words = ["-x", self.name] if parse_literal(self.name) else [self.name, self.type]
        if self.server is not None:
            host, port = self.endpoint()
            words = [*(["-p", str(port)] if port != DNS_PORT else []), *words, f"@{host}"]
        return shlex.join(["dig", *words])

    def probe(self, network: Network) -> Probe:
        return DnsProbe(self, network)


class DnsProbe:
    """Asks once, past every cache of this machine.

    A chosen server is the target itself, so that a closed port there is `connect_refused`; the system's servers are the
    way to the target, so that the same means `dns_refused`.
    """

    def __init__(self, settings: DnsSettings, network: Network) -> None:
        self._network = network
        self._server = settings.endpoint() if settings.server is not None else None
        name = settings.name
        self._name = dns.reversename.from_address(name) if parse_literal(name) else dns.name.from_text(name)
        self._type = dns.rdatatype.from_text(settings.type)
        self._expected = {_expected(settings.type, text): text for text in settings.answers}

    async def run(self, run: Run) -> None:
        server = await chosen_server(self._network, self._server) if self._server is not None else None
        run.peer = str(server) if server is not None else ""
        run.enter(Phase.RESPONSE)
        run.timeout_reason = Reason.DNS_TIMEOUT
        reply = await self._network.resolver.ask(self._name.to_text(), self._type, server)
        run.enter(Phase.TRANSFER)
        found = self._records(reply)
        run.measure(DNS_ANSWERS, float(len(found)))
        if not found:
            kind, shown = dns.rdatatype.to_text(self._type), denied(reply, self._name.to_text())
            raise ProbeFailure(Reason.DNS_NO_ADDRESS, f"{shown} has no record of type {kind}")
        self._judge(found)

    def _records(self, reply: bytes) -> list[dns.rdata.Rdata]:
        name = self._name.to_text()
        if rcode(reply) == Rcode.NXDOMAIN:
            raise ProbeFailure(Reason.DNS_NXDOMAIN, f"{denied(reply, name)} does not exist (NXDOMAIN)")
        _, found = read_reply(reply, name)
        return list(found.answer or ())

    def _judge(self, found: list[dns.rdata.Rdata]) -> None:
        keys = {_comparable(record) for record in found}
        missing = [text for key, text in self._expected.items() if key not in keys]
        if missing:
            shown = ", ".join(quote(record.to_text()) for record in found[:_MOST_SHOWN])
            more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
            raise ProbeFailure(
                Reason.BODY_MISMATCH, f"{', '.join(missing)} {are(len(missing))} not among the answers: {shown}{more}"
            )


def _expected(record_type: str, text: str) -> object:
    """What a configured answer is compared by. Raises DNSException."""
    if record_type == "TXT" and not text.startswith('"'):
        return text.encode()
    return _comparable(dns.rdata.from_text("IN", record_type, text, origin=dns.name.root, relativize=False))


def _comparable(record: dns.rdata.Rdata) -> object:
    """The record itself, which takes names in either case; of a TXT record its text, however it was cut up."""
    return b"".join(record.strings) if isinstance(record, TXTBase) else record


SETTINGS = DnsSettings
