"""The nats_monitor probe against real servers with real clients, and against answers that no real one gives."""

import signal
from asyncio import StreamReader, StreamWriter, open_connection, sleep
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import time

import nats
import pytest
from nats.aio.client import Client

from agent.core.measures import Metric, MetricType
from agent.core.outcome import Outcome
from agent.core.reasons import Phase, Reason
from agent.probes import settings_of
from agent.probes._door import run_probe
from agent.probes._nats_documents import (
    CLIENT_CONNECTED,
    CLIENT_IDLE,
    CLIENT_PENDING,
    CLIENT_RTT,
    HEALTHY,
    NATS_SERVER_METRICS,
    parse_go_duration,
    timestamp_of,
)
from agent.probes._network import Network
from tests.probes.bounds import little_memory, probe_in_time
from tests.probes.pages import Page, page, serving_pages
from tests.probes.support import (
    Script,
    assert_failed,
    assert_up,
    ca_file,
    dripping,
    endless,
    measured,
    probe,
    reset,
    server_context,
    serving,
    silent,
)
from tests.servers.process import wait_until
from tests.servers.run import NatsServer, nats_server

SERVERS = [
    pytest.param("nats-server", marks=pytest.mark.servers("nats-server")),
    pytest.param("nats-server-2.14", marks=pytest.mark.servers("nats-server-2.14")),
]
METRICS = {metric.name: metric for metric in NATS_SERVER_METRICS}
NAMES = ("meshery-server", "meshsync")


def value(outcome: Outcome, name: str) -> float:
    """The value of a metric by its name without `nats_server_`."""
    return measured(outcome, METRICS[f"nats_server_{name}"])


def of_client(outcome: Outcome, metric: Metric, name: str) -> float:
    """The value of a metric for the client `name`, measured once."""
    values = [measure.value for measure in outcome.measures if measure.metric is metric and measure.labels == (name,)]
    assert len(values) == 1, (name, values)
    return values[0]


class Monitor:
    """One probe through several runs, as the engine keeps it."""

    def __init__(self, url: str, **keys: object) -> None:
        model = settings_of("nats_monitor").model_validate({"kind": "nats_monitor", "url": url, **keys})
        self._probe = model.probe(Network())

    async def run(self) -> Outcome:
        return await run_probe(self._probe, 5.0)


@asynccontextmanager
async def client(server: NatsServer, name: str) -> AsyncIterator[Client]:
    connected = await nats.connect(f"nats://{server.address}", name=name, allow_reconnect=False)
    try:
        yield connected
    finally:
        await connected.close()


# --- real servers


@pytest.mark.parametrize("program", SERVERS)
async def test_a_real_server_with_its_clients(program: str) -> None:
    with nats_server(program=program) as server:
        settings = {"kind": "nats_monitor", "url": server.monitor_url}
        outcome = await probe({**settings, "expect": {"clients": ["meshsync"]}})
        assert_failed(outcome, Reason.CLIENT_MISSING)
        assert "meshsync is not among the 0 connections" in outcome.detail
        assert [of_client(outcome, CLIENT_CONNECTED, name) for name in NAMES] == [0.0, 0.0]

        async with client(server, "meshery-server") as meshery, client(server, "meshsync"), client(server, "other"):
            before = await probe(settings)
            assert_up(before)
            await meshery.subscribe("meshery.test")
            await meshery.publish("meshery.test", b"twelve bytes")
            await meshery.flush()
            outcome = await probe({**settings, "expect": {"clients": list(NAMES)}})
        assert_up(outcome)
        assert 'nats-server "2.' in outcome.detail
        assert Phase.TRANSFER in outcome.phase_seconds()
        for name in NAMES:
            assert of_client(outcome, CLIENT_CONNECTED, name) == 1.0
            assert of_client(outcome, CLIENT_PENDING, name) == 0.0
            assert 0 < of_client(outcome, CLIENT_RTT, name) < 5
            assert 0 <= of_client(outcome, CLIENT_IDLE, name) < 5
        assert measured(outcome, HEALTHY) == 1.0
        assert value(outcome, "connections") == 3
        assert value(outcome, "in_messages_total") - value(before, "in_messages_total") == 1
        assert value(outcome, "in_bytes_total") - value(before, "in_bytes_total") == 12
        assert value(outcome, "slow_consumers_total") == 0
        assert value(outcome, "accepted_connections_total") >= 3
        assert abs(value(outcome, "start_timestamp_seconds") - time()) < 30
        assert value(outcome, "memory_bytes") > 1e6
        assert value(outcome, "max_payload_bytes") == 1048576
        assert 0 <= value(outcome, "cpu_ratio") < 4
        assert "other" not in {label for measure in outcome.measures for label in measure.labels}
        assert outcome.value("nats_server_jetstream_streams") is None
        assert (outcome.value("nats_server_stale_connections_total") is None) == (program == "nats-server")


@pytest.mark.parametrize("program", SERVERS)
async def test_jetstream_is_read_where_it_is_enabled(program: str) -> None:
    config = 'jetstream { store_dir: "js", max_memory_store: 1048576, max_file_store: 4194304 }'
    with nats_server(program=program, config=config) as server:
        async with client(server, "a") as connection:
            await connection.jetstream().add_stream(name="orders", subjects=["orders.*"])
            await connection.jetstream().publish("orders.new", b"1")
            outcome = await probe({"kind": "nats_monitor", "url": server.monitor_url})
    assert_up(outcome)
    assert value(outcome, "jetstream_streams") == 1
    assert value(outcome, "jetstream_messages") == 1
    assert value(outcome, "jetstream_storage_bytes") > 0
    assert value(outcome, "jetstream_storage_limit_bytes") == 4194304
    assert value(outcome, "jetstream_memory_limit_bytes") == 1048576
    assert value(outcome, "jetstream_api_requests_total") >= 1
    assert value(outcome, "jetstream_api_errors_total") == 0


@pytest.mark.servers("nats-server")
async def test_a_restart_is_told_and_nothing_stale_is_left_meanwhile() -> None:
    with nats_server() as server:
        watch = Monitor(server.monitor_url)
        first = await watch.run()
        assert "restarted" not in first.detail
        server.stop()
        outcome = await watch.run()
        assert_failed(outcome, Reason.CONNECT_REFUSED)
        assert not [measure for measure in outcome.measures if measure.metric.name.startswith("nats_server_")]
        server.start()
        outcome = await watch.run()
        assert_up(outcome)
        assert "restarted since the last run" in outcome.detail
        assert value(outcome, "start_timestamp_seconds") > value(first, "start_timestamp_seconds")
        assert "restarted" not in (await watch.run()).detail


@pytest.mark.parametrize("program", SERVERS)
async def test_lame_duck(program: str) -> None:
    duck = 'lame_duck_duration: "30s"\nlame_duck_grace_period: "10s"'
    with nats_server(program=program, config=duck) as server:
        async with client(server, "meshsync"):
            watch = Monitor(server.monitor_url)
            assert_up(await watch.run())
            server.signal(signal.SIGUSR2)
            wait_until(lambda: "lame duck" in server.log(), 5, "the server enters lame duck mode")
            outcome = await watch.run()
            assert_failed(outcome, Reason.SHUTTING_DOWN)
            assert measured(outcome, HEALTHY) == 0.0
            assert value(outcome, "connections") == 1
            # A probe that has not seen the server healthy cannot tell a lame duck from a server that starts.
            outcome = await Monitor(server.monitor_url).run()
            assert_failed(outcome, Reason.HEALTH_CHECK_FAILED)
            assert "ready for connections" in outcome.detail
            server.stop(signal.SIGKILL)


@pytest.mark.servers("nats-server")
async def test_a_slow_consumer_degrades_only_where_that_is_asked_for() -> None:
    with nats_server(config="max_pending: 1048576") as server:
        strict = Monitor(server.monitor_url, expect={"no_slow_consumers_for": "5m"})
        brief = Monitor(server.monitor_url, expect={"no_slow_consumers_for": "1ms"})
        lenient = Monitor(server.monitor_url)
        for watch in (strict, brief, lenient):
            assert_up(await watch.run())
        before = await _make_slow_consumer(server)
        assert before == 0
        outcome = await strict.run()
        assert_failed(outcome, Reason.DEGRADED)
        assert "1 since it started" in outcome.detail
        assert value(outcome, "slow_consumers_total") == 1
        assert_failed(await strict.run(), Reason.DEGRADED)  # it lasts, so that the run which confirms it sees it too
        assert_up(await lenient.run())
        await brief.run()
        await sleep(0.002)
        assert_up(await brief.run())
        newcomer = Monitor(server.monitor_url, expect={"no_slow_consumers_for": "5m"})
        assert_up(await newcomer.run())  # what happened before its first run is no news
        server.stop()
        server.start()
        assert_up(await strict.run())


async def _make_slow_consumer(server: NatsServer) -> float:
    """Lets a client subscribe and read nothing while another one sends; returns how many there were before."""
    before = await probe({"kind": "nats_monitor", "url": server.monitor_url})
    reader, writer = await open_connection("127.0.0.1", server.port)
    writer.write(b'CONNECT {"verbose":false}\r\nSUB flood 1\r\nPING\r\n')
    while b"PONG" not in await reader.readline():
        pass
    async with client(server, "sender") as sender:
        for _ in range(200):
            await sender.publish("flood", b"x" * 512 * 1024)
            await sender.flush()
            if "Slow Consumer" in server.log():
                break
    writer.transport.abort()
    return value(before, "slow_consumers_total")


@pytest.mark.servers("nats-server")
async def test_many_connections_come_in_pages() -> None:
    with nats_server() as server:
        connections = []
        try:
            for number in range(300):
                name = "meshsync" if number == 299 else f"client-{number}"
                connections.append(await nats.connect(f"nats://{server.address}", name=name, allow_reconnect=False))
            outcome = await probe({"kind": "nats_monitor", "url": server.monitor_url})
        finally:
            for connection in connections:
                await connection.close()
    assert_up(outcome)
    assert value(outcome, "connections") == 300
    assert of_client(outcome, CLIENT_CONNECTED, "meshsync") == 1.0


# --- scripted servers

VARZ = {"server_id": "N1", "version": "2.1.9", "start": "2026-11-21T07:15:28.914307649Z"}
CONNZ = {"server_id": "N1", "num_connections": 0, "total": 0, "connections": []}
GOOD: dict[str, Page] = {"/healthz": page({"status": "ok"}), "/varz": page(VARZ), "/connz": page(CONNZ)}


@pytest.mark.parametrize("keep", [True, False])
async def test_one_connection_or_several(keep: bool) -> None:
    seen: list[str] = []
    pages = {f"/nats{path}": answer for path, answer in GOOD.items()}
    async with serving(serving_pages(pages, seen=seen, keep=keep)) as server:
        outcome = await probe({"kind": "nats_monitor", "url": f"http://{server.address}/nats/"})
        assert server.connections == (1 if keep else 3)
    assert_up(outcome)
    assert seen == ["/nats/healthz", "/nats/varz", "/nats/connz?limit=256&offset=0"]
    assert value(outcome, "start_timestamp_seconds") == 1795245328.914307


End = Callable[[StreamWriter], None]


def _stay(writer: StreamWriter) -> None:
    """Leaves a connection open."""


def _answering_one_by_one(head: bytes, end: End) -> Script:
    """Script: answers with good pages below `head`, and deals with the connection after each as `end` does."""

    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        while not writer.is_closing():
            request = await reader.readuntil(b"\r\n\r\n")
            _, body = GOOD[request.split(b" ")[1].decode().partition("?")[0]]
            writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            end(writer)

    return script


@pytest.mark.parametrize(
    ("head", "end", "connections"),
    [
        (b"HTTP/1.0 200 OK\r\n", StreamWriter.close, 3),
        (b"HTTP/1.0 200 OK\r\n", _stay, 3),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", _stay, 1),
        (b"HTTP/1.1 200 OK\r\n", _stay, 1),
        (b"HTTP/1.1 200 OK\r\n", StreamWriter.close, 3),
        (b"HTTP/1.1 200 OK\r\n", reset, 3),
    ],
)
async def test_a_connection_lasts_as_long_as_the_server_likes(head: bytes, end: End, connections: int) -> None:
    async with serving(_answering_one_by_one(head, end)) as server:
        assert_up(await probe({"kind": "nats_monitor", "url": f"http://{server.address}"}))
        assert server.connections == connections


@pytest.mark.parametrize(("begun", "connections"), [(b"", 2), (b"HTTP/1.1 200 OK\r\n", 1)])
async def test_only_what_was_not_answered_at_all_is_asked_again_and_once(begun: bytes, connections: int) -> None:
    async def script(reader: StreamReader, writer: StreamWriter) -> None:
        while b"/healthz" in await reader.readuntil(b"\r\n\r\n"):
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}')
        writer.write(begun)

    async with serving(script) as server:
        outcome = await probe({"kind": "nats_monitor", "url": f"http://{server.address}"})
        assert server.connections == connections
    assert_failed(outcome, Reason.CONNECTION_CLOSED)


@pytest.mark.parametrize(
    ("pages", "reason", "words"),
    [
        ({"/healthz": (404, b"404 page not found\n")}, None, "2.1.9"),  # before 2.8
        ({"/healthz": page({"status": "error", "error": "JetStream"}, 503)}, Reason.HEALTH_CHECK_FAILED, "JetStream"),
        ({"/healthz": page({"status": "unavailable"}, 500)}, Reason.HEALTH_CHECK_FAILED, "unavailable"),
        ({"/healthz": page({"status": "error", "error": "x" * 9000}, 500)}, Reason.HEALTH_CHECK_FAILED, "xxx"),
        ({"/healthz": page({"status": "na"}, 200)}, Reason.HEALTH_CHECK_FAILED, '"na"'),
        ({"/healthz": (200, b"<html>hello")}, Reason.BODY_MISMATCH, "not the monitoring endpoint"),
        ({"/healthz": (502, b"<html>Bad Gateway")}, Reason.SERVER_ERROR, "502"),
        ({"/healthz": (429, b"slow down")}, Reason.RATE_LIMITED, "429"),
        ({"/healthz": (401, b""), "/varz": (401, b"")}, None, "wants authentication"),
        ({"/healthz": (403, b"no")}, Reason.STATUS_UNEXPECTED, "403"),
        ({"/varz": (404, b"")}, Reason.STATUS_UNEXPECTED, "404"),
        ({"/varz": (200, b"<html>")}, Reason.BODY_MISMATCH, "not the monitoring endpoint"),
        ({"/varz": page({"version": "1"})}, Reason.BODY_MISMATCH, "not the monitoring endpoint"),
        ({"/varz": (200, b"[" * 100_000)}, Reason.BODY_MISMATCH, "not the monitoring endpoint"),
        ({"/varz": (200, b" " * 300_000)}, Reason.RESPONSE_TOO_LARGE, "/varz"),
        ({"/connz": (200, b"{}")}, Reason.BODY_MISMATCH, ""),
        ({"/connz": page({"server_id": "N", "connections": None, "total": 9})}, None, ""),
        ({"/connz": page({"server_id": "N", "connections": [1, None, {}, {"name": 7}], "total": 4})}, None, ""),
        # unwell, and gone by the next request
        (
            {"/healthz": page({"status": "error", "error": "going"}, 503), "/varz": (404, b"")},
            Reason.HEALTH_CHECK_FAILED,
            "going",
        ),
    ],
)
async def test_answers_of_servers_old_odd_and_foreign(
    pages: dict[str, Page], reason: Reason | None, words: str
) -> None:
    async with serving(serving_pages({**GOOD, **pages})) as server:
        outcome = await probe({"kind": "nats_monitor", "url": f"http://{server.address}"})
    if reason is None:
        assert_up(outcome)
    else:
        assert_failed(outcome, reason)
    assert words in outcome.detail
    assert len(outcome.detail) < 400


def _varz(day: int, slow_consumers: int) -> Page:
    """Of a server that started on this day of November, as it answers at the end of the fifth or of that day."""
    start, now = f"2026-11-{day:02}T07:15:28Z", f"2026-11-{max(day, 5):02}T23:00:00Z"
    return page({**VARZ, "start": start, "now": now, "slow_consumers": slow_consumers})


async def test_servers_that_answer_by_turns_have_not_restarted() -> None:
    pages = dict(GOOD)
    details = []
    async with serving(serving_pages(pages)) as server:
        watch = Monitor(f"http://{server.address}", expect={"no_slow_consumers_for": "5m"})
        for pages["/varz"] in (_varz(1, 0), _varz(2, 5), _varz(1, 0), _varz(2, 5), _varz(6, 0)):
            outcome = await watch.run()
            assert_up(outcome)
            details.append("restarted since the last run" in outcome.detail)
        assert details == [False, False, False, False, True]
        for pages["/varz"], news in ((_varz(2, 5), False), (_varz(6, 1), True)):
            outcome = await watch.run()
            assert (outcome.reason is Reason.DEGRADED) == news, outcome.detail


async def test_absurd_numbers_are_not_measured() -> None:
    absurd = (
        b'{"server_id":"N","version":"9\\u001b","connections":-1,"mem":1' + b"0" * 400 + b',"cpu":NaN,"in_msgs":"7",'
        b'"out_msgs":true,"subscriptions":null,"start":"0001-01-01T00:00:00Z","config_load_time":"yesterday"}'
    )
    async with serving(serving_pages({**GOOD, "/varz": (200, absurd)})) as server:
        outcome = await probe({"kind": "nats_monitor", "url": f"http://{server.address}"})
    assert_up(outcome)
    assert outcome.detail.isprintable()
    names = {measure.metric.name for measure in outcome.measures if measure.metric.name.startswith("nats_server_")}
    assert names == {"nats_server_healthy", "nats_server_client_connected"}


async def test_a_server_that_counts_wrong_does_not_keep_us() -> None:
    endless_list = page({"server_id": "N", "total": 10**9, "connections": [{"name": "x"}]})
    seen: list[str] = []
    async with serving(serving_pages({**GOOD, "/connz": endless_list}, seen=seen)) as server:
        assert_up(await probe({"kind": "nats_monitor", "url": f"http://{server.address}"}))
    assert len(seen) < 100


async def test_credentials_and_tls(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-the-tests")
    keys = {
        "kind": "nats_monitor",
        "tls": {"ca_file": ca_file(tmp_path)},
        "auth": {"authorization": {"credentials_file": str(token)}},
    }
    async with serving(serving_pages(GOOD), tls=server_context()) as server:
        assert_up(await probe({**keys, "url": f"https://{server.address}"}))
    async with serving(serving_pages({"/healthz": (401, b"")}), tls=server_context()) as server:
        assert_failed(await probe({**keys, "url": f"https://{server.address}"}), Reason.AUTH_REJECTED)


@pytest.mark.parametrize("script", [silent, dripping(b"x", first=b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")])
async def test_a_slow_server_meets_the_deadline(script: Script) -> None:
    async with serving(script) as server:
        outcome = await probe_in_time({"kind": "nats_monitor", "url": f"http://{server.address}"})
    assert_failed(outcome, Reason.RESPONSE_TIMEOUT)


async def test_an_endless_answer_is_cut_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n"
    async with serving(endless(b'{"a":1},', first=head)) as server:
        with little_memory():
            outcome = await probe({"kind": "nats_monitor", "url": f"http://{server.address}"})
    assert_failed(outcome, Reason.RESPONSE_TOO_LARGE)


# --- reading


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("172µs", 172e-6),
        ("1.5ms", 1.5e-3),
        ("1m30.5s", 90.5),
        ("1y2d3h4m5s", 365 * 86400 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5),
        ("", None),
        ("soon", None),
        ("1s!", None),
        ("-1s", None),
        ("1" * 80 + "s", None),
    ],
)
def test_durations_of_go(text: str, seconds: float | None) -> None:
    found = parse_go_duration(text)
    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-21T07:15:28.914307649Z", 1795245328.914307),
        ("2026-11-21T08:15:28+01:00", 1795245328.0),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-01:00", 253402304399.0),
        ("2026-11-21T07:15:28", None),
        ("", None),
    ],
)
def test_timestamps(text: str, seconds: float | None) -> None:
    assert timestamp_of({"at": text}, "at") == seconds


def test_names_follow_the_conventions() -> None:
    for metric in NATS_SERVER_METRICS:
        assert metric.name.endswith("_total") == (metric.type is MetricType.REMOTE_COUNTER), metric.name
        assert f"{metric.name}_total" not in METRICS, "a counter and a gauge would be one family in OpenMetrics"
    assert len(METRICS) == len(NATS_SERVER_METRICS)
