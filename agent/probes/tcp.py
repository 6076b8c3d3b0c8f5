"""Connects to a port, and where that is asked for talks to what answers."""

import errno
from asyncio import CancelledError
from asyncio import timeout as deadline
from typing import ClassVar, Literal

from pydantic import model_validator

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Phase, Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._connection import TCP_METRICS, Connection, connect, connect_tls
from agent.probes._endpoint import Endpoint, parse_address
from agent.probes._network import Network
from agent.probes._regular_expression import RegularExpression
from agent.probes._settings import Address, Model, Pattern, ProbeSettings, TlsSettings
from agent.probes._text import quote_end
from agent.probes._tls import TLS_METRICS, tls_identity

_MAX_ANSWER = 16 * 1024
"""Bytes that are read for one step of a dialogue."""
_CLOSING_ERRORS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH)


class DialogueStep(Model):
    """One turn of a dialogue: first what to send, then what to wait for."""

    send: str = ""
    """Text to send, as UTF-8; an end of line is written as `\\r\\n` in double quotes."""
    expect: Pattern = ""
    """Regular expression to be found in what the target sends; `^` and `$` are begin and end of a line."""

    @model_validator(mode="after")
    def _not_empty(self) -> "DialogueStep":
        if not (self.send or self.expect):
            raise ValueError("a step needs send, expect or both")
        return self


class TcpSettings(ProbeSettings):
    """Keys of the `tcp` probe."""

    summary: ClassVar[str] = "Connects to a port; with a dialogue, sends text and waits for the answers it should get."
    metrics: ClassVar[tuple[Metric, ...]] = (*TCP_METRICS, *TLS_METRICS)

    kind: Literal["tcp"] = "tcp"
    address: Address
    """Where to connect, as host:port."""
    dialogue: tuple[DialogueStep, ...] = ()
    """What to say and to hear, step by step. Without it, a connection is enough."""
    tls: TlsSettings | None = None
    """Speak TLS before the dialogue, verified as said here; `{}` for the usual."""
    expect_closed: bool = False
    """The port must be closed: refused and silent is up, open is `unexpectedly_open`."""

    @model_validator(mode="after")
    def _closed_or_talking(self) -> "TcpSettings":
        if self.expect_closed and (self.dialogue or self.tls):
            raise ValueError("expect_closed goes without dialogue and tls: nothing can be said to a closed port")
        return self

    def endpoint(self) -> Endpoint:
        return parse_address(self.address)

    def probe(self, network: Network) -> Probe:
        return ClosedPortProbe(self, network) if self.expect_closed else TcpProbe(self, network)


class TcpProbe:
    """Connects, and goes through the dialogue if there is one."""

    def __init__(self, settings: TcpSettings, network: Network) -> None:
        self._network = network
        self._host, self._port = settings.endpoint()
        self._identity = tls_identity(settings.tls) if settings.tls is not None else None
        self._server_name = settings.tls.server_name if settings.tls is not None else None
        self._steps = tuple(
            (step.send.encode(), RegularExpression(step.expect, multiline=True) if step.expect else None)
            for step in settings.dialogue
        )
        self._listens = any(step.expect for step in settings.dialogue)

    async def run(self, run: Run) -> None:
        with await self._open(run) as connection:
            if not self._listens:
                await connection.await_objection()
            if self._steps:
                dialogue = _Dialogue(run, connection)
                for send, expected in self._steps:
                    if send:
                        run.enter(Phase.REQUEST)
                        await connection.send(send)
                    if expected is not None:
                        await dialogue.expect(expected)
            elif self._identity is None and await self._network.interception.hides(run):
                raise _intercepted(run)

    async def _open(self, run: Run) -> Connection:
        if self._identity is None:
            return await connect(run, self._network, self._host, self._port)
        return await connect_tls(run, self._network, self._host, self._port, self._identity, self._server_name)


class _Dialogue:
    """What the target has sent and no step has used up yet, in however many pieces it came."""

    def __init__(self, run: Run, connection: Connection) -> None:
        self._run = run
        self._connection = connection
        self._heard = b""

    async def expect(self, pattern: RegularExpression) -> None:
        """Reads until `pattern` is found, and uses up what came until its end.

        Raises ProbeFailure when the target ends the connection, or has sent too much, without it. A target that says
        something else and then waits is found out by the deadline.
        """
        run = self._run
        run.enter(Phase.TRANSFER if self._heard else Phase.RESPONSE)
        size = 0
        while (end := pattern.end_of_match(self._heard)) is None:
            if self._heard:
                run.timeout_reason = Reason.BODY_MISMATCH
            if size >= _MAX_ANSWER:
                raise ProbeFailure(Reason.BODY_MISMATCH, f"{self._mismatch(pattern)} in its first {_MAX_ANSWER} bytes")
            data = await self._receive(pattern, _MAX_ANSWER - size)
            if not data:
                self._raise_closed(pattern)
            run.enter(Phase.TRANSFER)
            size += len(data)
            self._heard += data
        self._heard = self._heard[end:]
        run.timeout_reason = None

    async def _receive(self, pattern: RegularExpression, limit: int) -> bytes:
        try:
            return await self._connection.receive(limit)
        except CancelledError:  # only the deadline wants to know what was heard, and it takes time to say
            self._run.detail = self._mismatch(pattern) if self._heard else ""
            raise

    def _raise_closed(self, pattern: RegularExpression) -> None:
        if self._heard:
            raise ProbeFailure(Reason.BODY_MISMATCH, f"{self._mismatch(pattern)}, and then closed the connection")
        raise ProbeFailure(Reason.CONNECTION_CLOSED, f"the target closed the connection before {pattern!r} came")

    def _mismatch(self, pattern: RegularExpression) -> str:
        return f"the target said {quote_end(self._heard)}, which does not match {pattern!r}"


class ClosedPortProbe:
    """Makes sure that nothing answers at a port."""

    def __init__(self, settings: TcpSettings, network: Network) -> None:
        self._network = network
        self._host, self._port = settings.endpoint()

    async def run(self, run: Run) -> None:
        try:
            async with deadline(run.time_to_judge()):
                (await connect(run, self._network, self._host, self._port)).close()
        except TimeoutError:
            if run.phase is not Phase.CONNECT:
                raise
            run.waited += run.in_phase()  # silence is what was wanted, and nobody is slow
            run.detail = "closed: nothing answers"
        except OSError as error:
            if error.errno not in _CLOSING_ERRORS:
                raise
            run.detail = f"closed: {error.strerror}"
        else:
            if await self._network.interception.hides(run):
                raise _intercepted(run)
            raise ProbeFailure(Reason.UNEXPECTEDLY_OPEN, f"{run.peer or self._host} accepts connections")


def _intercepted(run: Run) -> Inconclusive:
    return Inconclusive(
        f"something on this machine, such as a service mesh, accepts every connection, so the one to {run.peer} proves "
        "nothing",
        "Use a probe that speaks the target's protocol, add a dialogue, or leave the port out of the interception.",
    )


SETTINGS = TcpSettings
