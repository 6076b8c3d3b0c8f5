"""What the Broker's monitoring endpoint says of it."""

from collections.abc import Mapping

from tests.alerts.case import Batch, Case, Firing, Shape
from tests.alerts.series import labelled

_MISSING, _SLOW = "ReachdBrokerClientMissing/warning", "ReachdBrokerSlowConsumers/warning"
_RESTARTED, _LIMIT = "ReachdBrokerRestarted/warning", "ReachdBrokerNearLimit/warning"
_STOPPING = "ReachdBrokerShuttingDown/warning"
_ID = {
    "deployment": "prod",
    "system": "meshery",
    "component": "broker",
    "check": "broker-monitor",
    "kind": "nats_monitor",
}
_HERE = {**_ID, "vantage": "operations", "instance": "agent-0", "job": "reachd"}
_ELSEWHERE = {**_ID, "vantage": "node", "instance": "agent-1", "job": "reachd"}


def _series(metric: str, timeline: str, by: Mapping[str, str] = _HERE, /, **labels: str) -> dict[str, str]:
    return {labelled(metric, **by, **labels): timeline}


def _fires(name: str, since: str, until: str = "", /, **labels: str) -> Firing:
    return Firing({"alertname": name, "severity": "warning", **_ID, **labels}, since, until)


def _connected(timeline: str, by: Mapping[str, str] = _HERE) -> dict[str, str]:
    return _series("nats_server_client_connected", timeline, by, name="meshsync")


def _cut_off(timeline: str, by: Mapping[str, str] = _HERE) -> dict[str, str]:
    return _series("nats_server_slow_consumers_total", timeline, by)


def _started(timeline: str, by: Mapping[str, str] = _HERE) -> dict[str, str]:
    return _series("nats_server_start_timestamp_seconds", timeline, by)


def _stopping(timeline: str) -> dict[str, str]:
    return _series("probe_failing", timeline, reason="shutting_down", phase="request", blame="target")


def _share(resource: str, use: str, limit: str, timeline: str) -> tuple[dict[str, str], Firing]:
    """Series with a use of a limit of 1000, and the alert when it is over 90 % from two minutes on."""
    series = {**_series(f"nats_server_{use}", timeline), **_series(f"nats_server_{limit}", "1000")}
    return series, _fires("ReachdBrokerNearLimit", "17m", resource=resource)


_CONNECTIONS = ("connections", "connections", "max_connections")
_LIMITS = (
    _CONNECTIONS,
    ("JetStream memory", "jetstream_memory_bytes", "jetstream_memory_limit_bytes"),
    ("JetStream storage", "jetstream_storage_bytes", "jetstream_storage_limit_bytes"),
)

_CASES = [
    Case(
        "broker: MeshSync is not connected for three minutes",
        series=_connected("1 2m, 0"),
        firing=[_fires("ReachdBrokerClientMissing", "5m", name="meshsync")],
        of=_MISSING,
        shape=Shape.FIRES,
    ),
    Case(
        "broker: MeshSync is back at three minutes", series=_connected("1 2m, 0 3m, 1"), of=_MISSING, shape=Shape.SPARED
    ),
    Case("broker: clients cannot be listed", of=_MISSING, shape=Shape.NO_DATA),
    Case("broker: cannot be asked for clients", series=_connected("1 2m, 0 1m, gone"), of=_MISSING, shape=Shape.STALE),
    Case(
        "broker: cannot be asked after MeshSync was missing",
        series=_connected("1 2m, 0 4m, gone"),
        firing=[_fires("ReachdBrokerClientMissing", "5m", "8m", name="meshsync")],
        of=_MISSING,
        shape=Shape.STALE,
    ),
    Case(
        "broker: MeshSync is not connected, and an agent restarts",
        series={**_connected("1 2m, 0 1m, gone 1m, 0"), **_connected("1 2m, 0", _ELSEWHERE)},
        firing=[_fires("ReachdBrokerClientMissing", "5m", name="meshsync")],
    ),
    Case(
        "broker: a slow consumer is cut off",
        series=_cut_off("7 2m, 8"),
        firing=[_fires("ReachdBrokerSlowConsumers", "3m", "16m30s")],
        of=_SLOW,
        shape=Shape.FIRES,
    ),
    Case("weakness 4: slow consumers of long ago do not fire until the server restarts", series=_cut_off("7")),
    Case(
        "broker: slow consumers counted by two agents are not more",
        series={**_cut_off("7"), **_cut_off("7", _ELSEWHERE)},
    ),
    Case(
        "broker: slow consumers of two servers that answer by turns",
        series={**_cut_off("7/0"), **_started("-9000/-8000")},
    ),
    Case("broker: restarts, so slow consumers begin anew", series=_cut_off("7 2m, 0"), of=_SLOW, shape=Shape.SPARED),
    Case("broker: slow consumers are not known", of=_SLOW, shape=Shape.NO_DATA),
    Case("broker: gone after slow consumers of long ago", series=_cut_off("7 2m, gone"), of=_SLOW, shape=Shape.STALE),
    Case(
        "broker: two starts within an hour",
        series=_started("-9000 2m, 110 4m, 350"),
        firing=[_fires("ReachdBrokerRestarted", "6m")],
        of=_RESTARTED,
        shape=Shape.FIRES,
    ),
    Case("broker: one start within an hour", series=_started("-9000 2m, 110"), of=_RESTARTED, shape=Shape.SPARED),
    Case(
        "broker: one start, as two agents see it",
        series={**_started("-9000 2m, 110"), **_started("-9000 3m, 110", _ELSEWHERE)},
    ),
    Case("broker: three servers that answer by turns", series=_started("-9000/-8000/-7000")),
    Case(
        "broker: one of two servers that answer by turns restarts twice",
        series=_started("-9000/-8000 2m, 110/-8000 4m, 350/-8000"),
        firing=[_fires("ReachdBrokerRestarted", "6m")],
    ),
    Case("broker: when it started is not known", of=_RESTARTED, shape=Shape.NO_DATA),
    Case(
        "broker: one start, and then gone",
        series=_started("-9000 2m, 110 2m, gone 1m, 110 1m, gone"),
        of=_RESTARTED,
        shape=Shape.STALE,
    ),
    *[
        Case(f"broker: 91 % of {limit[0]}", series=series, firing=[firing])
        for limit in _LIMITS
        for series, firing in [_share(*limit, "500 2m, 910")]
    ],
    Case(
        "broker: close to a limit",
        series=_share(*_CONNECTIONS, "500 2m, 950")[0],
        firing=[_share(*_CONNECTIONS, "")[1]],
        of=_LIMIT,
        shape=Shape.FIRES,
    ),
    Case("broker: 90 % of connections", series=_share(*_CONNECTIONS, "500 2m, 900")[0], of=_LIMIT, shape=Shape.SPARED),
    Case("broker: no limit", series={**_share(*_CONNECTIONS, "5")[0], **_series("nats_server_max_connections", "0")}),
    Case(
        "broker: its use is not known",
        series=_series("nats_server_max_connections", "9"),
        of=_LIMIT,
        shape=Shape.NO_DATA,
    ),
    Case(
        "broker: gone while close to a limit",
        series=_share(*_CONNECTIONS, "950 9m, gone")[0],
        of=_LIMIT,
        shape=Shape.STALE,
    ),
    Case(
        "broker: shuts down",
        series=_stopping("gone 2m, 1 1m, gone"),
        firing=[_fires("ReachdBrokerShuttingDown", "2m", "5m")],
        of=_STOPPING,
        shape=Shape.FIRES,
    ),
    Case(
        "broker: down for another reason",
        series=_series("probe_failing", "1", reason="connect_refused", phase="connect", blame="target"),
        of=_STOPPING,
        shape=Shape.SPARED,
    ),
    Case("broker: not down", of=_STOPPING, shape=Shape.NO_DATA),
    Case(
        "broker: shuts down, and the agent is gone",
        series=_stopping("gone 30s, 1 30s, gone"),
        firing=[_fires("ReachdBrokerShuttingDown", "30s", "3m")],
        of=_STOPPING,
        shape=Shape.STALE,
    ),
]

_BY_TURNS = [
    Case(
        "broker: one of two servers that answer by turns cuts off a client",
        series={**_cut_off("7/0 20m, 8/0"), **_started("-9000/-8000")},
        firing=[_fires("ReachdBrokerSlowConsumers", "21m", "35m")],
    ),
    Case(
        "broker: cuts off a client after a restart",
        series={**_cut_off("7 20m, 0 1m, 1"), **_started("-9000 20m, 1200")},
        firing=[_fires("ReachdBrokerSlowConsumers", "22m", "35m30s")],
    ),
]

_MEMORY = [
    Case(
        "broker: ten times the memory of the day before, and still little",
        series=_series("nats_server_memory_bytes", "1e6 85m, 1e7"),
    ),
    Case(
        "broker: more than twice the memory of the day before",
        series=_series("nats_server_memory_bytes", "100e7 85m, 210e7"),
        firing=[_fires("ReachdBrokerNearLimit", "100m", resource="memory")],
    ),
    Case("broker: twice the memory of the day before", series=_series("nats_server_memory_bytes", "100e7 85m, 200e7")),
]

BATCHES = [
    Batch("broker", ["reachd-broker"], "18m", _CASES),
    Batch("broker-by-turns", ["reachd-broker"], "37m", _BY_TURNS),
    Batch("broker-memory", ["reachd-broker"], "105m", _MEMORY, step=300),
]
