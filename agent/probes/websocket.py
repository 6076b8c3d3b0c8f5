"""Opens a WebSocket as a browser does, through everything in between, and keeps it."""

import re
from asyncio import timeout as deadline
from time import perf_counter
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from agent.core.measures import Metric, MetricType
from agent.core.ports import Probe
from agent.core.reasons import Phase, Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._connection import Connection
from agent.probes._frames import Opcode
from agent.probes._graphql import GRAPHQL_SUBPROTOCOLS, UNAUTHORIZED_CODES, GraphQLSocket
from agent.probes._http import exchange
from agent.probes._http_settings import HttpRequestSettings
from agent.probes._network import Network
from agent.probes._settings import Duration, WebSocketUrl
from agent.probes._sign_in import SignInExpectation, judge_sign_in, sign_in_wanted
from agent.probes._text import quote
from agent.probes._upgrade import judge_upgrade, new_key, upgrade_headers
from agent.probes._websocket import CLOSED_ABNORMALLY, WebSocket, WebSocketClosedError

PONG = Metric("probe_websocket_pong_seconds", MetricType.GAUGE, "Time from our ping to the pong, on an open WebSocket.")

_MAX_REFUSAL = 16 * 1024
_MAX_MESSAGES = 1000
_MAX_MESSAGES_PER_SECOND = 100
_PING = b"reachd"


def _token(value: str) -> str:
    if value and not re.fullmatch(r"[!#$%&'*+.^`|~\w-]+", value, re.ASCII):
        raise ValueError("expected one subprotocol, as in graphql-transport-ws")
    return value


class WebSocketSettings(HttpRequestSettings):
    """Keys of the `websocket` probe."""

    summary: ClassVar[str] = "Upgrades to a WebSocket, pings, and proves that the path lets it live."
    metrics: ClassVar[tuple[Metric, ...]] = (PONG, *HttpRequestSettings.metrics)

    kind: Literal["websocket"] = "websocket"
    url: WebSocketUrl
    """What to open."""
    subprotocol: Annotated[str, AfterValidator(_token)] = ""
    """Subprotocol that the server must choose; graphql-transport-ws and graphql-ws are also begun and acknowledged."""
    ping: bool = True
    """Send a ping and wait for its pong, again after the hold."""
    hold: Duration = 0.0
    """Say nothing for so long before the last ping: a proxy that cuts idle connections shows. Less than the timeout."""
    expect: SignInExpectation = SignInExpectation()
    """What to take for a sign-in, which says nothing about the WebSocket behind it."""

    def shortest_run(self) -> float:
        return self.hold

    def probe(self, network: Network) -> Probe:
        return WebSocketProbe(self, network)


class WebSocketProbe:
    """Upgrades, begins GraphQL where the subprotocol says so, pings, holds still, pings again, and leaves."""

    def __init__(self, settings: WebSocketSettings, network: Network) -> None:
        self._settings = settings
        self._target = settings.request_target(network, re.sub("^http", "ws", settings.url))

    async def run(self, run: Run) -> None:
        settings, target = self._settings, self._target
        self._require_time_to_hold(run)
        key = new_key()
        # Asked with its path, a request is not kept for the next run: each handshake has a key of its own.
        request = target.request(run, path=target.path, headers=upgrade_headers(key, settings.subprotocol))
        with await target.open(run) as connection:
            response = await exchange(run, connection, request, _MAX_REFUSAL)
            authenticated = target.authenticated
            judge_sign_in(response, settings.expect, url=target.url, authenticated=authenticated)
            judge_upgrade(response, key, settings.subprotocol, url=target.url, authenticated=authenticated)
            try:
                await self._converse(run, connection, response.remainder)
            except WebSocketClosedError as closed:
                if closed.code in UNAUTHORIZED_CODES:
                    raise sign_in_wanted(
                        f"{closed.code} {quote(closed.words)}", authenticated=authenticated
                    ) from closed
                raise closed.failure() from closed

    async def _converse(self, run: Run, connection: Connection, remainder: bytes) -> None:
        settings = self._settings
        max_messages = _MAX_MESSAGES + int(_MAX_MESSAGES_PER_SECOND * settings.hold)
        if settings.subprotocol in GRAPHQL_SUBPROTOCOLS:
            graphql = GraphQLSocket(connection, remainder, max_messages)
            run.enter(Phase.RESPONSE)
            await graphql.begin()
            socket: WebSocket = graphql
        else:
            socket = WebSocket(connection, remainder, max_messages)
        if settings.ping:
            run.measure(PONG, await _ping(run, socket, Reason.PONG_TIMEOUT))
        if settings.hold:
            await self._hold(run, socket)
        await socket.close()

    def _require_time_to_hold(self, run: Run) -> None:
        """Raises Inconclusive where the run would be over before the hold is."""
        hold = self._settings.hold
        if hold and hold >= run.time_to_judge():
            raise Inconclusive(
                f"a hold of {hold:g} s does not fit into the check's timeout",
                "Set the check's timeout to more than the hold and what comes before it.",
            )

    async def _hold(self, run: Run, socket: WebSocket) -> None:
        self._require_time_to_hold(run)
        run.enter(Phase.TRANSFER)
        begun, received = perf_counter(), socket.received
        try:
            await _stay_silent(socket, self._settings.hold)
            run.waited += perf_counter() - begun
            received = socket.received - received
            if self._settings.ping:
                await _ping(run, socket, Reason.IDLE_CUT)
        except (ConnectionError, WebSocketClosedError) as error:
            if isinstance(error, WebSocketClosedError) and error.code != CLOSED_ABNORMALLY:
                raise
            held = perf_counter() - begun
            raise ProbeFailure(Reason.IDLE_CUT, f"the connection was cut after {held:.1f} s of silence") from error
        run.detail = f"held for {self._settings.hold:g} s"
        if received:
            run.detail += f"; the server sent {received} messages meanwhile, so the connection was not idle"


async def _ping(run: Run, socket: WebSocket, timeout_reason: Reason) -> float:
    """Seconds from a ping to its pong."""
    run.enter(Phase.RESPONSE)
    run.timeout_reason = timeout_reason
    sent = perf_counter()
    await socket.send(Opcode.PING, _PING)
    while await socket.receive() != (Opcode.PONG, _PING):
        pass
    run.timeout_reason = None
    return perf_counter() - sent


async def _stay_silent(socket: WebSocket, seconds: float) -> None:
    """Waits, answering the server's keep-alives and no more. Raises like `receive` when the connection ends first."""
    try:
        async with deadline(seconds) as hold:
            while True:
                await socket.receive()
    except TimeoutError:
        if not hold.expired():
            raise


SETTINGS = WebSocketSettings
