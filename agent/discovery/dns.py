"""A source of checks: a name in the DNS, with one check for each answer."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import time
from typing import ClassVar

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
from dns.rdata import Rdata
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV

from agent.core.run import ProbeFailure
from agent.discovery.names import name_of
from agent.probes._address import parse_literal
from agent.probes._dns_answer import chosen_server, read_reply
from agent.probes._endpoint import Endpoint, name_server_endpoint
from agent.probes._network import Network
from agent.probes._text import quote
from agent.settings.checks import CheckSettings
from agent.settings.discovery import DnsTargets
from agent.settings.problems import ConfigurationError, Problem
from agent.settings.snapshot import Snapshot, Source
from agent.settings.targets import targets_of

_MOST_ANSWERS = 100
_PATIENCE = 20.0
"""Seconds for one question, whatever resolv.conf allows."""
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?)*")


class _UnansweredError(Exception):
    """The question was not answered, for the reason in its text."""


@dataclass
class DnsSource:
    """Asks again and again. Only an answer, or the zone's own word that there is none, replaces what is known."""

    name: ClassVar[str] = "dns"

    settings: DnsTargets
    network: Callable[[], Network] = field(compare=False)
    """The way to the network that is in force: its policy may change while the source goes on."""
    _latest: Snapshot = field(default=Snapshot(name), init=False, compare=False)

    def goes_on_from(self, other: Source) -> bool:
        if not isinstance(other, DnsSource):
            return False
        as_often = self.settings.model_copy(update={"every": other.settings.every})
        if as_often != other.settings:
            return False
        self._latest = other._latest
        return True

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while True:
            try:
                self._latest = self._snapshot(await self._answers())
            except _UnansweredError as error:
                self._latest = self._latest._replace(problems=(f"{self._asked}: {error}",))
            yield self._latest
            await asyncio.sleep(self.settings.every)

    @property
    def _asked(self) -> str:
        return f"{self.settings.name} {self.settings.type}"

    async def _answers(self) -> list[Endpoint]:
        """All answers, in an order that does not depend on that of the reply. Raises _UnansweredError."""
        settings, network = self.settings, self.network()
        chosen = name_server_endpoint(settings.server) if settings.server is not None else None
        try:
            async with asyncio.timeout(_PATIENCE):
                server = await chosen_server(network, chosen) if chosen is not None else None
                reply = await network.resolver.ask(settings.name, dns.rdatatype.from_text(settings.type), server)
            return await asyncio.to_thread(_read, reply, settings)
        except TimeoutError:
            raise _UnansweredError("no answer from the name server") from None
        except ProbeFailure as failure:
            raise _UnansweredError(failure.detail) from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise _UnansweredError(f"the name server cannot be asked: {why}") from None

    def _snapshot(self, answers: list[Endpoint]) -> Snapshot:
        checks: list[CheckSettings] = []
        problems: list[str] = []
        for answer in answers[:_MOST_ANSWERS]:
            try:
                checks += self._check(answer)
            except ConfigurationError as error:
                problems += [str(problem) for problem in error.problems]
        if len(answers) > _MOST_ANSWERS:
            problems.append(f"{self._asked} has {len(answers)} answers; only the first {_MOST_ANSWERS} are checked")
        return Snapshot(self.name, tuple(checks), problems=tuple(problems), at=time())

    def _check(self, answer: Endpoint) -> tuple[CheckSettings, ...]:
        found_in = f"{self._asked}, the answer {quote(str(answer))}"
        if parse_literal(answer.host) is None and not _HOST.fullmatch(answer.host):
            raise ConfigurationError([Problem(found_in, 0, "", "not the name of a host")])
        check = self.settings.check.filled(*answer)
        check["name"] = name_of(str(check["name"]), f"{answer.host}-{answer.port}")
        depends_on = check.pop("depends_on", ())  # checks of the configuration, which knows them
        found = targets_of({"checks": [check]}, found_in).checks
        names = tuple([str(name) for name in depends_on]) if isinstance(depends_on, list) else ()
        return tuple([it.model_copy(update={"depends_on": names}) for it in found])


def _read(reply: bytes, settings: DnsTargets) -> list[Endpoint]:
    """The answers in a reply; none where the zone itself says that there is none.

    Raises _UnansweredError and ProbeFailure.
    """
    message, chain = read_reply(reply, settings.name)
    if not chain.answer and not _is_authoritative(message, chain.canonical_name):
        raise _UnansweredError("the name server knows no answer, but not from the zone that would have it")
    return sorted(set(_endpoints(chain.answer or (), settings.port)))


def _endpoints(records: Iterable[Rdata], port: int | None) -> Iterator[Endpoint]:
    for record in records:
        if isinstance(record, A | AAAA) and port is not None:
            yield Endpoint(record.address, port)
        elif isinstance(record, SRV) and record.target != dns.name.root:  # the root means: no such service (RFC 2782)
            yield Endpoint(record.target.to_text(omit_final_dot=True).lower(), record.port)


def _is_authoritative(message: dns.message.Message, name: dns.name.Name) -> bool:
    """Whether it is the word of the zone that the name does not exist, or has no such record (RFC 2308, section 2).

    Anything less may come from a server that is cut off from the zone.
    """
    zones = [records.name for records in message.authority if records.rdtype == dns.rdatatype.SOA]
    return bool(message.flags & dns.flags.AA) or any(name.is_subdomain(zone) for zone in zones)
