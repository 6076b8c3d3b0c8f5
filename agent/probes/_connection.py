"""A TCP connection made for one run, with or without TLS: every step timed, nothing waited for at its close.

Plain non-blocking sockets with the event loop's readiness callbacks, because the streams of asyncio cost twice as much
per connection, cannot read TCP_INFO after the fact and wait when closing.
"""

import errno
import os
import socket
import ssl
from asyncio import FIRST_COMPLETED, Task, create_task, wait
from asyncio import timeout as deadline
from contextlib import suppress
from socket import SocketType
from struct import Struct
from types import TracebackType

from agent.core.measures import Metric, MetricType
from agent.core.reasons import Phase, Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._address import ResolvedAddress, has_route, host_and_port, lacks_zone, no_interface, socket_address
from agent.probes._network import Network
from agent.probes._readiness import Readiness
from agent.probes._sockets import error_of_network, open_socket
from agent.probes._text import quote
from agent.probes._tls import TlsIdentity, handshake_failure, measure_tls, tls_failure

TCP_RTT = Metric(
    "probe_tcp_rtt_seconds", MetricType.GAUGE, "Smoothed round-trip time of the connection, as the kernel measured it."
)
TCP_RETRANSMITS = Metric(
    "probe_tcp_retransmits_total", MetricType.COUNTER, "TCP segments sent again, SYNs included, as the kernel counted."
)
TCP_METRICS = (TCP_RTT, TCP_RETRANSMITS)

_TCP_INFO_BYTES = 104
_TCP_INFO = Struct("=68xI28xI")  # tcpi_rtt in microseconds and tcpi_total_retrans: linux/tcp.h, struct tcp_info
_NEXT_ADDRESS_AFTER = 0.25
"""Seconds before the next address is tried beside a silent one (RFC 8305, section 5)."""
_LEAST_MOMENT = 0.1
"""Seconds that a target has at least to object to a client after the handshake."""
_CHUNK = 65536
_RESOLVE, _CONNECT = Phase.RESOLVE, Phase.CONNECT
_STREAM = int(socket.SOCK_STREAM)


class Connection:
    """An open connection. Use it as a context manager: at its end it is closed at once and its TCP facts are noted."""

    __slots__ = ("_incoming", "_outgoing", "_readiness", "_run", "_socket", "_tls", "forwarded")

    def __init__(self, run: Run, sock: SocketType, readiness: Readiness) -> None:
        self._run = run
        self._socket = sock
        self._readiness = readiness
        self.forwarded = False
        """Whether a proxy hands on each request, and so may answer in the target's place."""
        self._tls: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO | None = None
        self._outgoing: ssl.MemoryBIO | None = None

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def start_tls(self, network: Network, identity: TlsIdentity, server_name: str) -> None:
        """Makes the handshake in the phase `tls` and notes its facts. Raises ProbeFailure with a tls_* reason.

        Our last words of it wait for what is sent or received next: alone they cost a packet, and Nagle's algorithm
        would hold the first request back until the target acknowledges that one, up to 40 ms.
        """
        self._run.enter(Phase.TLS)
        context = network.tls.context(identity)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self._tls = tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=_certified(server_name))
        except ValueError as error:  # a name that cannot be sent, such as one with an empty label
            raise ProbeFailure(
                Reason.TLS_HOSTNAME_MISMATCH, f"{quote(server_name)} cannot be asked for: {error}"
            ) from error
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError as error:
                with suppress(OSError):  # our alert; the target may have gone already
                    await self._flush()
                raise handshake_failure(self._run, tls, error) from error
            else:
                break
        measure_tls(self._run, tls)

    async def await_objection(self) -> None:
        """Right after a handshake after which nothing is to be read: gives the target a moment to object to the client.

        A TLS 1.3 server judges the client's certificate, or its lack, only after the client's handshake is over (RFC
        8446, section 4.4.2.4); the phase is then `response`. Raises ProbeFailure when it objects, be it by leaving
        without a word, and OSError.
        """
        if self._tls is None or self._tls.version() != "TLSv1.3":
            return
        # An objection comes one round trip after our last message, and the handshake took at least as long.
        moment = max(_LEAST_MOMENT, 2 * self._run.in_phase())
        self._run.enter(Phase.RESPONSE)
        await self._flush()
        try:
            async with deadline(min(moment, self._run.time_to_judge())):
                stays = await self._fill()
        except TimeoutError:
            self._run.waited += self._run.in_phase()
            return
        if not stays:
            raise ProbeFailure(
                Reason.CONNECTION_CLOSED,
                "the target closed the connection right after the TLS handshake; it may want a client certificate",
            )
        try:
            self._tls.read(1)
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            return
        except ssl.SSLError as error:
            raise tls_failure(error) from error

    async def send(self, data: bytes) -> None:
        """Sends all of `data`. Raises OSError."""
        if self._tls is None:
            await self._send_all(data)
            return
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise tls_failure(error) from error
        await self._flush()

    async def receive(self, limit: int = _CHUNK) -> bytes:
        """The next bytes, at most `limit`; empty at the end of the stream. Raises OSError, or ProbeFailure for TLS."""
        if self._tls is None:
            return await self._receive_raw(limit)
        while True:
            try:
                return self._tls.read(limit)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                if isinstance(error, ssl.SSLEOFError):
                    return b""
                raise tls_failure(error) from error

    def close(self) -> None:
        """Closes the connection at once, and notes what the kernel knows of it."""
        sock = self._socket
        if sock.fileno() < 0:
            return
        if self._outgoing is not None and self._outgoing.pending:
            with suppress(OSError):  # the end of a handshake after which nothing was said
                sock.send(self._outgoing.read())
        measure_tcp(self._run, sock)
        sock.close()

    async def _receive_raw(self, limit: int) -> bytes:
        while True:
            await self._readiness.readable(self._socket.fileno())
            try:
                return self._socket.recv(limit)
            except (BlockingIOError, InterruptedError):
                continue

    async def _send_all(self, data: bytes) -> None:
        view = memoryview(data)
        while True:
            try:
                view = view[self._socket.send(view) :]
            except (BlockingIOError, InterruptedError):
                await self._readiness.writable(self._socket.fileno())
            if not view:
                return

    async def _fill(self) -> bool:
        assert self._incoming is not None  # noqa: S101 - for the type checker: only called once TLS has begun
        data = await self._receive_raw(_CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)

    async def _flush(self) -> None:
        if self._outgoing is not None and self._outgoing.pending:
            await self._send_all(self._outgoing.read())


def _certified(server_name: str) -> str:
    """The name as certificates have it: without a last dot, and an address without a zone."""
    return server_name.partition("%")[0].rstrip(".")


async def connect(run: Run, network: Network, host: str, port: int, *, proxy: str = "") -> Connection:
    """Resolves `host` and connects to the first of its addresses that answers, each family tried.

    proxy: what to call the host where it is a proxy. Leaves the run in the phase `connect`. Raises ProbeFailure for the
    name and for an interface that is not there, OSError for the connection.
    """
    run.proxy = proxy
    run.peer = ""
    run.enter(_RESOLVE)
    addresses = await network.resolver.addresses(host)
    run.enter(_CONNECT)
    for address in addresses:
        network.admit(address.address)
    readiness = network.readiness()
    if len(addresses) == 1:
        address = addresses[0]
        sock = await _connect_one(run, readiness, address, port)
    else:
        sock, address = await _connect_any(run, readiness, addresses, port)
    run.peer = host_and_port(address.address, port)
    return Connection(run, sock, readiness)


async def connect_tls(
    run: Run, network: Network, host: str, port: int, identity: TlsIdentity, server_name: str | None
) -> Connection:
    """Like `connect`, with a TLS handshake. Leaves the run in the phase `tls`.

    Raises ProbeFailure with a tls_* reason.
    """
    connection = await connect(run, network, host, port)
    try:
        await connection.start_tls(network, identity, server_name or host)
    except BaseException:
        connection.close()
        raise
    return connection


def measure_tcp(run: Run, sock: SocketType) -> None:
    """Notes round-trip time and retransmits of a TCP socket that is still open."""
    try:
        microseconds, retransmits = _TCP_INFO.unpack(
            sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        )
    except OSError:
        return
    if microseconds:
        run.measure(TCP_RTT, microseconds / 1e6)
    run.measure(TCP_RETRANSMITS, float(retransmits))


async def _connect_one(run: Run, readiness: Readiness, address: ResolvedAddress, port: int) -> SocketType:
    target = socket_address(address.address, port)
    sock = open_socket(address.family, _STREAM)
    try:
        error = sock.connect_ex(target)
        if error == errno.EINPROGRESS:
            # On loopback the handshake is over by now, and asking again is cheaper than a turn of the event loop.
            error = sock.connect_ex(target)
            if error in (errno.EALREADY, errno.EINPROGRESS):
                await readiness.writable(sock.fileno())
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            error = error_of_network(error)
        if error and error != errno.EISCONN:
            raise _not_connected(error, address)
        if sock.getsockname()[:2] == target[:2]:  # nobody listens at a port that the kernel then gave to our end
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
    except BaseException:
        measure_tcp(run, sock)
        sock.close()
        raise
    return sock


def _not_connected(error: int, address: ResolvedAddress) -> OSError | ProbeFailure:
    """What the kernel means, which has words of its own for some ways of having no way to an address."""
    if error == errno.EINVAL:
        if lacks_zone(address):
            return no_interface(address.address)
        error = errno.ENETUNREACH  # a route leads into a black hole, as Calico has them for addresses without a Pod
    elif error == errno.EADDRNOTAVAIL and not has_route(address):  # IPv6 is switched off; else the ports have run out
        error = errno.ENETUNREACH
    return OSError(error, os.strerror(error))


async def _connect_any(
    run: Run, readiness: Readiness, addresses: list[ResolvedAddress], port: int
) -> tuple[SocketType, ResolvedAddress]:
    """Tries the addresses in order, the next one beside a silent one, and keeps the first connection."""
    waiting = list(addresses)
    attempts: dict[Task[SocketType], ResolvedAddress] = {}
    failure: OSError | ProbeFailure | None = None
    try:
        while waiting or attempts:
            if waiting:
                address = waiting.pop(0)
                attempts[create_task(_connect_one(run, readiness, address, port))] = address
            done, _ = await wait(
                attempts, timeout=_NEXT_ADDRESS_AFTER if waiting else None, return_when=FIRST_COMPLETED
            )
            for attempt in done:
                error = attempt.exception()
                if error is None:
                    return attempt.result(), attempts.pop(attempt)
                del attempts[attempt]
                if not isinstance(error, OSError | ProbeFailure):
                    raise error
                failure = failure or error
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_discard)
    raise failure or OSError(errno.EHOSTUNREACH, "no address to connect to")


def _discard(attempt: "Task[SocketType]") -> None:
    # An attempt may have ended in the very moment in which another won or the deadline came.
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
