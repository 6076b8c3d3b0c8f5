"""One DNS question to name servers in turn.

Sockets with the event loop's callbacks, one socket for each question sent: a fresh port is half of the protection
against forged answers, and A and AAAA from one port lose packets in the connection tracking of older Linux kernels.
"""

import os
import socket
from asyncio import AbstractEventLoop, Future, Task, TimerHandle
from collections import deque
from secrets import token_bytes
from socket import SocketType

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._address import parse_literal, socket_address
from agent.probes._dns_wire import Rcode, is_reply, is_truncated, query, rcode
from agent.probes._endpoint import Endpoint
from agent.probes._sockets import error_of_network, open_socket

PATIENCE = 1.0
"""Seconds until a silent server is asked again, or the next one is, while it may still answer."""
_MAX_STRAYS = 16
"""Datagrams that are no answer to the question until the server counts as broken."""
_MAX_DATAGRAM = 4096
_CONCLUSIVE = (Rcode.NOERROR, Rcode.NXDOMAIN)

Reply = bytes | OSError | ProbeFailure
"""What comes of a question: the wire bytes of an answer, or the last error."""


class _Exchange:
    """One question sent to one server, while its answer may come."""

    __slots__ = ("sent", "server", "sock", "strays", "tcp")

    def __init__(self, server: Endpoint, sock: SocketType, sent: bytes) -> None:
        self.server = server
        self.sock = sock
        self.sent = sent
        self.strays = 0
        self.tcp: Task[None] | None = None


class Query:
    """A question that is being asked, and the future of its reply.

    A server that refuses, fails or cannot be reached is left for the next one at once, a silent one after a moment. A
    refusal is the reply only when no server has answered better. Close it when the reply is no longer wanted.
    """

    __slots__ = (
        "_asked",
        "_error",
        "_loop",
        "_open",
        "_refusal",
        "_servers",
        "_timeout",
        "_timer",
        "_turns",
        "reply",
    )

    def __init__(
        self, loop: AbstractEventLoop, asked: bytes, servers: list[Endpoint], attempts: int, timeout: float
    ) -> None:
        """asked: a question section. timeout: seconds to wait for an answer after the last attempt.

        servers: by their IP addresses, in the order in which to ask them; one that stays silent is moved to the end of
        this list.
        """
        self.reply: Future[Reply] = loop.create_future()
        self._loop = loop
        self._asked = asked
        self._servers = servers
        self._timeout = timeout
        self._turns = deque(servers * attempts)
        self._open: set[_Exchange] = set()
        self._timer: TimerHandle | None = None
        self._refusal: bytes | None = None
        self._error: OSError | ProbeFailure | None = None
        self._ask_next()

    def close(self) -> None:
        """Stops asking."""
        if self._timer is not None:
            self._timer.cancel()
        for exchange in list(self._open):
            self._end(exchange)

    def _ask_next(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._turns:
            server = self._turns.popleft()
            try:
                exchange = self._send(server)
            except (OSError, ProbeFailure) as error:
                self._give_up(server, error)
                continue
            self._timer = (
                self._loop.call_later(PATIENCE, self._move_on, server)
                if self._turns
                else self._loop.call_later(self._timeout, self._finish)
            )
            self._open.add(exchange)
            self._loop.add_reader(exchange.sock.fileno(), self._receive, exchange)
            return
        if self._open:
            self._timer = self._loop.call_later(self._timeout, self._finish)
        else:
            self._finish()

    def _send(self, server: Endpoint) -> _Exchange:
        sent = query(token_bytes(2), self._asked)
        sock = open_socket(_family(server), socket.SOCK_DGRAM)
        try:
            sock.connect(socket_address(*server))  # from now on the kernel drops what comes from elsewhere
            sock.send(sent)
        except BaseException:
            sock.close()
            raise
        return _Exchange(server, sock, sent)

    def _receive(self, exchange: _Exchange) -> None:
        try:
            reply = exchange.sock.recv(_MAX_DATAGRAM)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(exchange, _of_network(error))
            return
        if not is_reply(reply, exchange.sent):
            exchange.strays += 1
            if exchange.strays > _MAX_STRAYS:
                self._fail(exchange, _broken(exchange.server, "sends what is no answer"))
        elif is_truncated(reply):
            self._loop.remove_reader(exchange.sock.fileno())
            exchange.tcp = self._loop.create_task(self._ask_over_tcp(exchange), name=f"dns tcp {exchange.server}")
        else:
            self._judge(exchange, reply)

    async def _ask_over_tcp(self, exchange: _Exchange) -> None:
        try:
            reply = await _exchange_over_tcp(self._loop, exchange.server, exchange.sent)
        except OSError as error:
            self._fail(exchange, _of_network(error, " over TCP, where the whole answer is to be had"))
        except ProbeFailure as failure:
            self._fail(exchange, failure)
        else:
            self._judge(exchange, reply)

    def _judge(self, exchange: _Exchange, reply: bytes) -> None:
        if rcode(reply) in _CONCLUSIVE:
            self._settle(reply)
        else:
            self._refusal = reply
            self._fail(exchange, None)

    def _fail(self, exchange: _Exchange, error: OSError | ProbeFailure | None) -> None:
        self._end(exchange)
        self._give_up(exchange.server, error)
        if self._turns or not self._open:
            self._ask_next()

    def _give_up(self, server: Endpoint, error: OSError | ProbeFailure | None) -> None:
        self._error = error or self._error
        self._turns = deque(turn for turn in self._turns if turn != server)

    def _move_on(self, silent: Endpoint) -> None:
        self._servers.remove(silent)
        self._servers.append(silent)
        self._ask_next()

    def _finish(self) -> None:
        self._settle(self._refusal or self._error or TimeoutError("no name server has answered"))

    def _settle(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)
        self.close()

    def _end(self, exchange: _Exchange) -> None:
        self._open.discard(exchange)
        if exchange.tcp is not None:
            exchange.tcp.cancel()
        self._loop.remove_reader(exchange.sock.fileno())
        exchange.sock.close()


def _family(server: Endpoint) -> int:
    literal = parse_literal(server.host)
    return literal.family if literal is not None else socket.AF_INET


async def _exchange_over_tcp(loop: AbstractEventLoop, server: Endpoint, sent: bytes) -> bytes:
    """Asks over TCP, where two bytes of length go before each message (RFC 1035, section 4.2.2).

    Raises OSError or ProbeFailure.
    """
    with socket.socket(fileno=open_socket(_family(server), socket.SOCK_STREAM).detach()) as sock:
        await loop.sock_connect(sock, socket_address(*server))
        await loop.sock_sendall(sock, len(sent).to_bytes(2) + sent)
        length = int.from_bytes(await _receive_exactly(loop, sock, server, 2))
        reply = await _receive_exactly(loop, sock, server, length)
    if not is_reply(reply, sent):
        raise _broken(server, "sends what is no answer")
    return reply


async def _receive_exactly(loop: AbstractEventLoop, sock: socket.socket, server: Endpoint, size: int) -> bytes:
    received = b""
    while len(received) < size:
        data = await loop.sock_recv(sock, size - len(received))
        if not data:
            raise _broken(server, "closed the connection in the middle of its answer")
        received += data
    return received


def _broken(server: Endpoint, what: str) -> ProbeFailure:
    return ProbeFailure(Reason.DNS_SERVER_FAILURE, f"the name server {server} {what}")


def _of_network(error: OSError, more: str = "") -> OSError:
    """The error of a question that was sent, by its name in the network; `more`: what follows the system's words."""
    number = error_of_network(error.errno or 0)
    return OSError(number, f"{os.strerror(number)}{more}")
