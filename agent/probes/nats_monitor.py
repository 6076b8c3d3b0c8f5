"""Reads the monitoring endpoint of a NATS server."""

from time import monotonic
from typing import ClassVar, Literal

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.core.words import are, counted
from agent.probes._http import Response
from agent.probes._http_session import HttpSession
from agent.probes._http_settings import WebServerSettings
from agent.probes._http_target import HttpTarget
from agent.probes._json import JsonObject, child, json_object, number_of, text_of
from agent.probes._nats_documents import (
    HEALTHY,
    NATS_SERVER_METRICS,
    measure_client,
    measure_jetstream,
    measure_server,
    timestamp_of,
)
from agent.probes._nats_protocol import server_name
from agent.probes._network import Network
from agent.probes._settings import AuthSettings, Duration, HttpUrl, Model
from agent.probes._text import quote
from agent.probes._verdict import judge_status

_MAX_HEALTH = 16 * 1024
_MAX_DOCUMENT = 256 * 1024
"""Bytes of an answer. Parsed JSON can take twenty times its size, so this keeps a hostile answer to a few MB."""
_PAGE = 256
"""Connections asked for at once: with 1 KB each, a page stays below the limit."""
_MAX_PAGES = 64
_MOST_SERVERS = 16
"""Servers that are told apart behind one address."""
_NOT_READY = "ready for connections"


class NatsMonitorExpectation(Model):
    """What the server must say of itself, besides being healthy."""

    clients: tuple[str, ...] = ()
    """Names of clients that must be connected."""
    no_slow_consumers_for: Duration | None = None
    """How long after a new slow consumer the server counts as degraded. Default: slow consumers are only measured."""


class NatsMonitorSettings(WebServerSettings):
    """Keys of the `nats_monitor` probe."""

    summary: ClassVar[str] = (
        "Reads /healthz, /varz, /connz and, with JetStream, /jsz of a NATS server: health, figures and clients."
    )
    metrics: ClassVar[tuple[Metric, ...]] = (*NATS_SERVER_METRICS, *WebServerSettings.metrics)

    kind: Literal["nats_monitor"] = "nats_monitor"
    url: HttpUrl
    """Base of the monitoring endpoint, usually on port 8222."""
    clients: tuple[str, ...] = ("meshery-server", "meshsync")
    """Names of clients to look for among the server's connections."""
    auth: AuthSettings | None = None
    """How to authenticate, where a proxy guards the endpoint; NATS itself does not."""
    expect: NatsMonitorExpectation = NatsMonitorExpectation()
    """What the server must say of itself."""

    def probe(self, network: Network) -> Probe:
        return NatsMonitorProbe(self, network)


class NatsMonitorProbe:
    """Asks for one document after the other over one connection; everything it can read it measures, then it judges."""

    def __init__(self, settings: NatsMonitorSettings, network: Network) -> None:
        self._target = HttpTarget(network, settings.url, tls=settings.tls, auth=settings.auth)
        self._expect = settings.expect
        self._names = frozenset((*settings.clients, *settings.expect.clients))
        self._history = _History()

    async def run(self, run: Run) -> None:
        with HttpSession(run, self._target) as session:
            unhealthy = await self._health(run, session)
            try:
                varz = await self._document(run, session, "/varz")
                if varz is None:
                    return
                clients, count = await self._clients(run, session)
                if child(child(varz, "jetstream"), "config"):
                    jsz = await self._document(run, session, "/jsz")
                    measure_jetstream(run, jsz or {})
            except (OSError, ProbeFailure):
                if unhealthy is not None:  # a server that says that it is going away may be gone by the next request
                    raise self._health_failure(unhealthy) from None
                raise
        measure_server(run, varz)
        for name in sorted(self._names):
            measure_client(run, name, clients.get(name, []))
        restarted = self._history.note(varz)
        run.detail = server_name(varz) + ("; restarted since the last run" if restarted else "")
        if unhealthy is not None:
            raise self._health_failure(unhealthy)
        self._history.was_healthy = True
        self._judge(clients, count)

    async def _health(self, run: Run, session: HttpSession) -> str | None:
        """What is wrong according to /healthz, or None. Servers before 2.8 have none; then /varz decides alone."""
        response = await session.get("/healthz", _MAX_HEALTH)
        if response.status == 404:
            return None
        health = json_object(response.body)
        status = text_of(health, "status") if health is not None else ""
        if health is not None and status:
            healthy = response.status == 200 and status == "ok"
            run.measure(HEALTHY, 1.0 if healthy else 0.0)
            return None if healthy else text_of(health, "error") or status
        if response.status == 200:
            raise _foreign(response)
        self._judge_status(run, response)
        return None

    async def _document(self, run: Run, session: HttpSession, path: str) -> JsonObject | None:
        """The object at `path`, or None when somebody before the server wants us to sign in."""
        response = await session.get(path, _MAX_DOCUMENT)
        self._judge_status(run, response)
        if response.status == 401:
            return None
        document = json_object(response.body)
        if document is None or not text_of(document, "server_id"):
            raise _foreign(response)
        return document

    def _judge_status(self, run: Run, response: Response) -> None:
        run.detail = judge_status(response, url=self._target.url, authenticated=self._target.authenticated)

    async def _clients(self, run: Run, session: HttpSession) -> tuple[dict[str, list[JsonObject]], int]:
        """The connections of clients that we know by name, and how many connections were looked at."""
        found: dict[str, list[JsonObject]] = {}
        seen = 0
        for _ in range(_MAX_PAGES):
            page = await self._document(run, session, f"/connz?limit={_PAGE}&offset={seen}") or {}
            connections = page.get("connections")
            listed = connections if isinstance(connections, list) else []
            for connection in listed:
                if isinstance(connection, dict) and (name := text_of(connection, "name")) in self._names:
                    found.setdefault(name, []).append(connection)
            seen += len(listed)
            if not listed or seen >= (number_of(page, "total") or 0):
                break
        return found, seen

    def _health_failure(self, error: str) -> ProbeFailure:
        """What a failing /healthz means.

        A server that was healthy before and has stopped listening for clients is a lame duck: no document says so in
        words (2.9.10 and 2.14.9 say `failed to be ready for connections after 1ms: server`).
        """
        if self._history.was_healthy and _NOT_READY in error:
            return ProbeFailure(
                Reason.SHUTTING_DOWN, f"the server takes no more clients, as in lame duck mode: {quote(error)}"
            )
        return ProbeFailure(Reason.HEALTH_CHECK_FAILED, f"the server is not healthy: {quote(error)}")

    def _judge(self, clients: dict[str, list[JsonObject]], count: int) -> None:
        missing = [name for name in self._expect.clients if name not in clients]
        if missing:
            among = f"among the {counted(count, 'connection')} of the server"
            raise ProbeFailure(Reason.CLIENT_MISSING, f"{' and '.join(missing)} {are(len(missing))} not {among}")
        quiet = self._expect.no_slow_consumers_for
        if quiet is not None and self._history.slow_consumers_ago < quiet:
            raise ProbeFailure(
                Reason.DEGRADED,
                f"the server has cut off a slow consumer within the last {quiet:g} s, {self._history.slow_consumers:g}"
                " since it started",
            )


class _History:
    """What earlier runs saw at the same address, behind which several servers may answer by turns."""

    def __init__(self) -> None:
        self._seen_at: float | None = None
        self._slow_consumers: dict[float, float] = {}
        self._slow_consumer_at: float | None = None
        self.was_healthy = False

    def note(self, varz: JsonObject) -> bool:
        """Compares with the runs before; returns whether the server has restarted since.

        Only a start after the last run is one: an earlier start is another server's. What is seen of a server for the
        first time only sets the base: a slow consumer of last week is no news.
        """
        start, slow_consumers = timestamp_of(varz, "start") or 0.0, number_of(varz, "slow_consumers") or 0.0
        restarted = self._seen_at is not None and start > self._seen_at
        self._seen_at = max(self._seen_at or 0.0, timestamp_of(varz, "now") or start)
        if restarted:
            self._slow_consumer_at, self.was_healthy = None, False
        if restarted or len(self._slow_consumers) >= _MOST_SERVERS:
            self._slow_consumers.clear()
        if slow_consumers > self._slow_consumers.get(start, 0.0 if restarted else slow_consumers):
            self._slow_consumer_at = monotonic()
        self._slow_consumers[start] = slow_consumers
        return restarted

    @property
    def slow_consumers(self) -> float:
        """How many slow consumers a server has cut off since it started: the one of most."""
        return max(self._slow_consumers.values(), default=0.0)

    @property
    def slow_consumers_ago(self) -> float:
        """Seconds since a run first saw a new slow consumer; infinite when none has."""
        return float("inf") if self._slow_consumer_at is None else monotonic() - self._slow_consumer_at


def _foreign(response: Response) -> ProbeFailure:
    return ProbeFailure(
        Reason.BODY_MISMATCH, f"not the monitoring endpoint of a NATS server: it answers {quote(response.body)}"
    )


SETTINGS = NatsMonitorSettings
