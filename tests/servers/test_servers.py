"""The real servers start, answer, stop and come back on the same port: what every other test builds upon."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.servers import run
from tests.servers.process import accepts, wait_until


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        return str(response.read().decode())


def first_bytes(port: int, send: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(send)
        return connection.recv(4096)


@pytest.mark.servers("nats-server")
def test_nats_comes_back_on_the_same_port() -> None:
    with run.nats_server(token="s3cret") as nats:
        assert b'"auth_required":true' in first_bytes(nats.port)
        assert "connections" in get(f"{nats.monitor_url}/varz")
        nats.stop()
        assert not accepts(nats.port)
        nats.start()
        assert first_bytes(nats.port).startswith(b"INFO ")


@pytest.mark.servers("nats-server-2.14")
def test_a_newer_nats() -> None:
    with run.nats_server(program="nats-server-2.14", config="max_payload: 4096") as nats:
        assert b'"max_payload":4096' in first_bytes(nats.port)


@pytest.mark.servers("nats-server")
def test_a_paused_server_accepts_and_says_nothing() -> None:
    with run.nats_server() as nats:
        nats.pause()
        with socket.create_connection(("127.0.0.1", nats.port), timeout=0.2) as connection, pytest.raises(TimeoutError):
            connection.recv(1)
        nats.resume()
        assert first_bytes(nats.port).startswith(b"INFO ")


@pytest.mark.servers("nats-server")
def test_a_server_that_cannot_start_shows_its_log() -> None:
    with pytest.raises(AssertionError, match="Parse error"), run.nats_server(config="nonsense {"):
        pass


@pytest.mark.servers("nginx")
def test_nginx_logs_each_request() -> None:
    with run.nginx('server { listen 127.0.0.1:PORT; location / { return 200 "here"; } }') as web:
        assert get(f"{web.url}/page") == "here"
        wait_until(lambda: "GET /page" in web.log(), 5, "the request is in the log")


@pytest.mark.servers("tinyproxy", "nginx")
def test_tinyproxy_forwards() -> None:
    with run.nginx('server { listen 127.0.0.1:PORT; return 200 "here"; }') as web, run.tinyproxy() as proxy:
        proxied = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.url}))
        with proxied.open(web.url, timeout=5) as response:
            assert response.read() == b"here"


@pytest.mark.servers("dnsmasq")
def test_dnsmasq_answers_over_udp() -> None:
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04meta\x04test\x00\x00\x01\x00\x01"
    with run.dnsmasq("--host-record=meta.test,127.0.0.9") as names, socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(query, ("127.0.0.1", names.port))
        assert client.recv(512).endswith(b"\x7f\x00\x00\x09")
        assert "meta.test" in names.log()


@pytest.mark.servers("redis-server")
def test_redis_answers_a_line() -> None:
    with run.redis_server() as redis:
        assert first_bytes(redis.port, b"PING\r\n") == b"+PONG\r\n"


@pytest.mark.servers("prometheus", "prometheus-blackbox-exporter", "alertmanager")
def test_prometheus_and_its_family() -> None:
    alerts = "route: {receiver: none}\nreceivers: [{name: none}]\n"
    with (
        run.blackbox_exporter("modules: {tcp: {prober: tcp}}") as exporter,
        run.alertmanager(alerts) as manager,
        run.prometheus("global: {scrape_interval: 1s}") as server,
    ):
        assert "probe_success 1" in get(f"{exporter.url}/probe?module=tcp&target={server.address}")
        assert "versionInfo" in get(f"{manager.url}/api/v2/status")
        assert "success" in get(f"{server.url}/api/v1/query?query=1")


@pytest.mark.servers("rotel")
def test_the_collector_tells_what_it_received() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    with run.collector() as otlp:
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp.url}/v1/traces")))
        with provider.get_tracer("test").start_as_current_span("outer") as sent:
            sent.set_attribute("reason", "connect_refused")
        wait_until(lambda: len(otlp.spans()) == 1, 10, "the span arrives")
        provider.shutdown()
        (received,) = otlp.spans()
    assert (received.name, received.parent_id) == ("outer", "")
    assert received.trace_id == f"{sent.get_span_context().trace_id:032x}"
    assert received.attributes == {"reason": "connect_refused"}
    assert 0 < received.start <= received.end
