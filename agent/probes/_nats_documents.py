"""What the monitoring endpoint of a NATS server says, as metrics (nats-server: monitor.go of 2.1.9 to 2.14).

Every field may be missing: then its metric is not measured. The server's own counters are taken as they are.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from agent.core.measures import Label, Metric, MetricType
from agent.core.run import Run
from agent.probes._json import JsonObject, child, number_of, text_of


def _gauge(name: str, meaning: str, *labels: Label) -> Metric:
    return Metric(f"nats_server_{name}", MetricType.GAUGE, meaning, labels)


def _counter(name: str, meaning: str) -> Metric:
    return Metric(f"nats_server_{name}_total", MetricType.REMOTE_COUNTER, meaning)


class _Field(NamedTuple):
    """A number of a document: where it stands, its metric, and the factor that makes it a base unit."""

    name: str
    metric: Metric
    factor: float = 1.0


HEALTHY = _gauge("healthy", "Whether the server calls itself healthy: 1 or 0; absent before version 2.8.")
SLOW_CONSUMERS = _counter("slow_consumers", "Clients cut off because they did not read fast enough.")

_VARZ = (
    _Field("in_msgs", _counter("in_messages", "Messages received from clients and other servers.")),
    _Field("out_msgs", _counter("out_messages", "Messages sent to clients and other servers.")),
    _Field("in_bytes", _counter("in_bytes", "Bytes of the messages received.")),
    _Field("out_bytes", _counter("out_bytes", "Bytes of the messages sent.")),
    _Field("slow_consumers", SLOW_CONSUMERS),
    _Field("total_connections", _counter("accepted_connections", "Connections that clients have made.")),
    _Field("stale_connections", _counter("stale_connections", "Connections closed because no PONG came.")),
    _Field("stalled_clients", _counter("stalled_clients", "Clients held back because their readers were slow.")),
    _Field("connections", _gauge("connections", "Clients connected now.")),
    _Field("max_connections", _gauge("max_connections", "Clients that may be connected at once.")),
    _Field("subscriptions", _gauge("subscriptions", "Subscriptions now, those of the server itself included.")),
    _Field("mem", _gauge("memory_bytes", "Resident memory of the server.")),
    _Field("cpu", _gauge("cpu_ratio", "CPU use of the server; 1 is one core."), 0.01),
    _Field("max_payload", _gauge("max_payload_bytes", "Largest message that the server accepts.")),
)
_VARZ_TIMES = (
    ("start", _gauge("start_timestamp_seconds", "Unix time at which the server started.")),
    ("config_load_time", _gauge("config_load_timestamp_seconds", "Unix time at which it last read its configuration.")),
    (
        "tls_cert_not_after",
        _gauge("certificate_expiry_timestamp_seconds", "Unix time at which its certificate for clients expires."),
    ),
)
_JSZ = (
    _Field("memory", _gauge("jetstream_memory_bytes", "Memory that streams use.")),
    _Field("storage", _gauge("jetstream_storage_bytes", "Storage that streams use.")),
    _Field("streams", _gauge("jetstream_streams", "Streams.")),
    _Field("consumers", _gauge("jetstream_consumers", "Consumers of streams.")),
    _Field("messages", _gauge("jetstream_messages", "Messages kept in streams.")),
)
_JSZ_CONFIG = (
    _Field("max_memory", _gauge("jetstream_memory_limit_bytes", "Memory that streams may use.")),
    _Field("max_storage", _gauge("jetstream_storage_limit_bytes", "Storage that streams may use.")),
)
_JSZ_API = (
    _Field("total", _counter("jetstream_api_requests", "Requests to the JetStream API.")),
    _Field("errors", _counter("jetstream_api_errors", "Requests to the JetStream API that failed.")),
)

_NAME = Label("name", None)
CLIENT_CONNECTED = _gauge("client_connected", "Whether a client of this name is connected: 1 or 0.", _NAME)
CLIENT_PENDING = _gauge("client_pending_bytes", "Bytes that wait to be read by the clients of this name.", _NAME)
CLIENT_RTT = _gauge("client_rtt_seconds", "Round-trip time to the client of this name; the longest of several.", _NAME)
CLIENT_IDLE = _gauge("client_idle_seconds", "Time since the clients of this name sent or received anything.", _NAME)

NATS_SERVER_METRICS: Sequence[Metric] = (
    HEALTHY,
    *(field.metric for field in chain(_VARZ, _JSZ, _JSZ_CONFIG, _JSZ_API)),
    *(metric for _, metric in _VARZ_TIMES),
    CLIENT_CONNECTED,
    CLIENT_PENDING,
    CLIENT_RTT,
    CLIENT_IDLE,
)


def measure_server(run: Run, varz: JsonObject) -> None:
    """Notes what /varz says."""
    _measure_fields(run, varz, _VARZ)
    for name, metric in _VARZ_TIMES:
        moment = timestamp_of(varz, name)
        if moment is not None:
            run.measure(metric, moment)


def measure_jetstream(run: Run, jsz: JsonObject) -> None:
    """Notes what /jsz says."""
    _measure_fields(run, jsz, _JSZ)
    _measure_fields(run, child(jsz, "config"), _JSZ_CONFIG)
    _measure_fields(run, child(jsz, "api"), _JSZ_API)


def measure_client(run: Run, name: str, connections: Sequence[JsonObject]) -> None:
    """Notes what /connz says of the connections that have a client's name, which may be none."""
    run.measure(CLIENT_CONNECTED, 1.0 if connections else 0.0, name)
    if pending := _numbers(number_of(connection, "pending_bytes") for connection in connections):
        run.measure(CLIENT_PENDING, sum(pending), name)
    if rtts := _numbers(parse_go_duration(text_of(connection, "rtt")) for connection in connections):
        run.measure(CLIENT_RTT, max(rtts), name)
    if idle := _numbers(parse_go_duration(text_of(connection, "idle")) for connection in connections):
        run.measure(CLIENT_IDLE, min(idle), name)


def _measure_fields(run: Run, document: JsonObject, fields: Iterable[_Field]) -> None:
    for field in fields:
        value = number_of(document, field.name)
        if value is not None and value >= 0:
            run.measure(field.metric, value * field.factor)


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def timestamp_of(document: JsonObject, name: str) -> float | None:
    """Unix time of an RFC 3339 text; None for none, and for Go's zero time, which means that there is none."""
    try:
        moment = datetime.fromisoformat(text_of(document, name))
    except ValueError:
        return None
    if moment.tzinfo is None or moment.year < 1970:
        return None
    return moment.timestamp()


_UNITS = {
    "y": 365 * 86400.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "ns": 1e-9,
}
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(ms|µs|us|ns|y|d|h|m|s)", re.ASCII)


def parse_go_duration(text: str) -> float | None:
    """Seconds of `1.5ms`, or of the server's own `1y2d3h4m5s`; None for anything else."""
    total, position = 0.0, 0
    for part in _PART.finditer(text[:64]):
        if part.start() != position:
            return None
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    return total if position and position == len(text) else None
