"""Names to addresses: asked anew each time, never blocking the event loop, with failures told apart.

An own client because caching ones hide an outage for the life of an answer, and because the C library's threads let
a few dead names hold up all others.
"""

from asyncio import FIRST_COMPLETED, AbstractEventLoop, Task, get_running_loop, shield, wait
from collections.abc import Sequence
from errno import EAFNOSUPPORT, EHOSTDOWN, EHOSTUNREACH, EINVAL, ENETDOWN, ENETUNREACH
from itertools import zip_longest
from pathlib import Path
from socket import AF_INET, AF_INET6

from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure
from agent.probes._address import ResolvedAddress, ascii_name, has_route, parse_literal
from agent.probes._dns_query import Query, Reply
from agent.probes._dns_wire import AAAA, A, Rcode, addresses, has_answers, question, rcode
from agent.probes._door import reason_of
from agent.probes._endpoint import Endpoint
from agent.probes._files import Files
from agent.probes._system_names import ResolvConf, WatchedFile, parse_hosts, parse_resolv_conf
from agent.probes._text import printable, quote

_GRACE = 0.05
"""Seconds to wait for the other family once one has answered (RFC 8305, section 3)."""
_MAX_LITERALS = 32768
_UNREACHABLE = (ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, EAFNOSUPPORT, EINVAL)
"""The last one is what the kernel says of a route into a black hole."""
_LOOPBACK = [ResolvedAddress(AF_INET, "127.0.0.1"), ResolvedAddress(AF_INET6, "::1")]

# Where a name was asked for in several ways, the first of these is what to tell: what could not be asked may exist.
_TELLING = (
    Reason.DNS_SERVER_FAILURE,
    Reason.DNS_REFUSED,
    Reason.CONNECT_UNREACHABLE,
    Reason.DNS_TIMEOUT,
    Reason.DNS_NO_ADDRESS,
    Reason.DNS_NXDOMAIN,
)
_ENDS_SEARCH = (Reason.DNS_TIMEOUT, Reason.CONNECT_UNREACHABLE)

Found = list[ResolvedAddress] | ProbeFailure


class _Lookup:
    """A name that is being looked up, and how many wait for it."""

    __slots__ = ("askers", "task")

    def __init__(self, task: Task[Found]) -> None:
        self.task = task
        self.askers = 0


class Resolver:
    """Resolves host names as this machine is told to: /etc/hosts first, then the name servers of resolv.conf."""

    def __init__(
        self,
        resolv_conf: Path = Path("/etc/resolv.conf"),
        hosts: Path = Path("/etc/hosts"),
        servers: Sequence[Endpoint] = (),
    ) -> None:
        """`servers`: name servers to ask instead of those of resolv.conf."""
        files = Files()
        self._resolv_conf = WatchedFile(files, resolv_conf, parse_resolv_conf)
        self._hosts = WatchedFile(files, hosts, parse_hosts)
        self._servers = tuple(servers)
        self._literals: dict[str, list[ResolvedAddress]] = {}
        self._lookups: dict[str, _Lookup] = {}

    async def addresses(self, host: str) -> list[ResolvedAddress]:
        """The addresses of `host`, in the order in which to try them; an IP address is its own. Not to be changed.

        Raises ProbeFailure with one of the dns_* reasons, or with `connect_unreachable` where no way leads to the name
        servers, and OSError where the agent itself cannot ask.
        """
        known = self._literals.get(host)
        if known is not None:
            return known
        literal = parse_literal(host)
        if literal is not None:
            return self._remember(host, literal)
        name = _dns_name(host)
        local = self._hosts.value().get(name.rstrip("."))
        if local is not None:
            return local
        if name.rstrip(".").rpartition(".")[2] == "localhost":  # RFC 6761, section 6.3
            return _LOOPBACK
        found = await self._shared(name)
        if isinstance(found, ProbeFailure):
            raise ProbeFailure(found.reason, found.detail)
        return found

    async def ask(self, name: str, record_type: int, server: Endpoint | None = None) -> bytes:
        """The reply to a question for an absolute name on the wire, whatever its response code.

        Asks `server`, or else the machine's name servers. Raises ProbeFailure, and OSError for what the agent itself is
        to blame for.
        """
        conf = self._conf()
        servers = [server] if server is not None else list(conf.servers)
        query = Query(get_running_loop(), question(name, record_type), servers, conf.attempts, conf.timeout)
        try:
            reply = await query.reply
        finally:
            query.close()
        if isinstance(reply, bytes):
            return reply
        if server is not None and isinstance(reply, ConnectionError):
            raise ProbeFailure(reason_of(reply, Phase.RESPONSE), str(reply.strerror))
        raise _failure(reply, servers)

    def _conf(self) -> ResolvConf:
        conf = self._resolv_conf.value()
        return conf._replace(servers=self._servers) if self._servers else conf

    def _remember(self, host: str, literal: ResolvedAddress) -> list[ResolvedAddress]:
        if len(self._literals) >= _MAX_LITERALS:
            self._literals.clear()
        known = self._literals[host] = [literal]
        return known

    async def _shared(self, name: str) -> Found:
        lookup = self._lookups.get(name)
        if lookup is None or lookup.task.done():
            task = get_running_loop().create_task(self._look_up(name), name=f"resolve {name}")
            lookup = self._lookups[name] = _Lookup(task)
        lookup.askers += 1
        try:
            return await shield(lookup.task)
        finally:
            lookup.askers -= 1
            if not lookup.askers:
                lookup.task.cancel()
                if self._lookups.get(name) is lookup:
                    del self._lookups[name]

    async def _look_up(self, name: str) -> Found:
        conf = self._conf()
        servers = list(conf.servers)
        failures: list[ProbeFailure] = []
        for candidate in conf.candidates(name):
            found = await _ask_both(get_running_loop(), candidate, servers, conf)
            if not isinstance(found, ProbeFailure):
                return found
            failures.append(found)
            if found.reason in _ENDS_SEARCH:
                break
        telling = min(failures, key=lambda failure: _TELLING.index(failure.reason))
        searched = f"; the search domains {', '.join(conf.search)} were tried too" if len(failures) > 1 else ""
        return ProbeFailure(telling.reason, f"{telling.detail}{searched}")


async def _ask_both(loop: AbstractEventLoop, name: str, servers: list[Endpoint], conf: ResolvConf) -> Found:
    """Asks for A and AAAA at once, and goes without the one that keeps silent while the other has answered."""
    try:
        asked = [question(name, A), question(name, AAAA)]
    except ValueError as error:
        return ProbeFailure(Reason.DNS_NXDOMAIN, f"{printable(name)} cannot be a name: {error}")
    queries = [Query(loop, each, servers, conf.attempts, conf.timeout) for each in asked]
    try:
        of_a, of_aaaa = (query.reply for query in queries)
        await wait((of_a, of_aaaa), return_when=FIRST_COMPLETED)
        if not of_aaaa.done():
            await wait((of_aaaa,), timeout=_patience(_read(of_a.result(), name, servers), _GRACE))
        elif not of_a.done():
            await wait((of_a,), timeout=_patience(_read(of_aaaa.result(), name, servers), None))
        results = [_read(query.reply.result(), name, servers) for query in queries if query.reply.done()]
    finally:
        for query in queries:
            query.close()
    return _merge(results)


def _patience(found: Found, after_denial: float | None) -> float | None:
    """Seconds to wait for the other family when one has found this; None: for as long as it is asked for.

    That there is no such name holds for all families, but servers exist that say so of AAAA alone (RFC 4074, section
    4.2): a denial of AAAA never ends the wait for A. One of A does, soon: servers that drop AAAA exist too (section
    4.1), and each search domain without the name would take as long as is waited here.
    """
    if isinstance(found, ProbeFailure):
        return after_denial if found.reason is Reason.DNS_NXDOMAIN else None
    return _GRACE if has_route(found[0]) else None


def _merge(results: list[Found]) -> Found:
    families = [found for found in results if not isinstance(found, ProbeFailure)]
    if not families:
        failures = [found for found in results if isinstance(found, ProbeFailure)]
        return min(failures, key=lambda failure: _TELLING.index(failure.reason))
    if len(families) == 1:
        return families[0]
    families.sort(key=lambda family: family[0].family == AF_INET)
    if not has_route(families[0][0]):
        families.reverse()
    return [address for pair in zip_longest(*families) for address in pair if address is not None]


def _read(reply: Reply, name: str, servers: list[Endpoint]) -> Found:
    if not isinstance(reply, bytes):
        return _failure(reply, servers)
    code = rcode(reply)
    if code == Rcode.NXDOMAIN:
        return ProbeFailure(Reason.DNS_NXDOMAIN, f"{denied(reply, name)} does not exist (NXDOMAIN)")
    if code != Rcode.NOERROR:
        return refusal(code, name)
    try:
        found = addresses(reply)
    except ValueError as error:
        return ProbeFailure(Reason.DNS_SERVER_FAILURE, f"the answer for {printable(name)} is malformed: {error}")
    return found or ProbeFailure(Reason.DNS_NO_ADDRESS, f"{denied(reply, name)} exists but has no address")


def denied(reply: bytes, name: str) -> str:
    """Of what a reply says that it is not there, as people call it: the name that was asked for, or one behind it."""
    return f"what {printable(name)} is an alias of" if has_answers(reply) else printable(name)


def refusal(code: int, name: str) -> ProbeFailure:
    """What a response code says that is neither an answer nor NXDOMAIN."""
    if code == Rcode.REFUSED:
        return ProbeFailure(Reason.DNS_REFUSED, f"the name server refuses to answer for {printable(name)} (REFUSED)")
    shown = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP"}.get(code, f"response code {code}")
    return ProbeFailure(Reason.DNS_SERVER_FAILURE, f"the name server failed to answer for {printable(name)} ({shown})")


def _failure(error: OSError | ProbeFailure, servers: list[Endpoint]) -> ProbeFailure:
    """What it means that no name server could be asked. Raises errors that are the agent's own."""
    if isinstance(error, ProbeFailure):
        return error
    asked = ", ".join(str(server) for server in servers)
    if isinstance(error, TimeoutError):
        return ProbeFailure(Reason.DNS_TIMEOUT, f"no answer from the name servers {asked}")
    if isinstance(error, ConnectionError):
        return ProbeFailure(Reason.DNS_REFUSED, f"the name servers {asked} take no questions: {error.strerror}")
    if error.errno in _UNREACHABLE:
        return ProbeFailure(Reason.CONNECT_UNREACHABLE, f"no way to the name servers {asked}: {error.strerror}")
    raise error


def _dns_name(host: str) -> str:
    try:
        name = ascii_name(host).lower()
    except UnicodeError as error:
        raise ProbeFailure(Reason.DNS_NXDOMAIN, f"{quote(host)} cannot be a name") from error
    if not name.strip("."):
        raise ProbeFailure(Reason.DNS_NXDOMAIN, "the name is empty")
    return name
