"""Meshery Server's own view of Operator, MeshSync and Broker (server/handlers: controllers' status and diagnostics)."""

import json
from collections.abc import Sequence

from agent.demo.broker import Broker

_VERSIONS = {"operator": "1.0.5", "meshsync": "1.0.3", "broker": "2.14.2"}
_NAMES = {"meshsync": "MeshSync", "broker": "MesheryBroker"}
_SERVER = "meshery-server"


def status(controller: str, connection: str, broker: Broker) -> dict[str, object]:
    """What the Server says of one controller: `operator`, `meshsync` or `broker`."""
    common = {"connectionId": connection, "version": _VERSIONS[controller]}
    if controller == "operator":
        return {**common, "controller": "OPERATOR", "status": "DEPLOYED"}
    connected = f"Connected {broker.place}" if _SERVER in broker.connected else "Running"
    return {**common, "name": _NAMES[controller], "status": connected}


def status_list(connections: Sequence[str], broker: Broker) -> str:
    """The same for all controllers of several connections, as the JSON text of an event."""
    connected = "CONNECTED" if _SERVER in broker.connected else "RUNNING"
    statuses = {"BROKER": connected, "MESHSYNC": connected, "OPERATOR": "DEPLOYED"}
    items = [
        {"connectionId": connection, "controller": name, "status": state, "version": _VERSIONS[name.lower()]}
        for connection in connections
        for name, state in statuses.items()
    ]
    return json.dumps(items)


def diagnostics(connection: str, broker: Broker) -> dict[str, object]:
    """What the Server thinks is wrong with its connection to a cluster."""
    reachable = _SERVER in broker.connected
    networking = {
        "severity": "info",
        "controller": "BROKER",
        "code": "broker_networking",
        "summary": "Broker networking: Direct endpoint",
        "endpoint": str(broker.place),
    }
    unreachable = {
        "severity": "warning",
        "controller": "BROKER",
        "code": "broker_unreachable",
        "summary": "Meshery Broker unreachable",
        "endpoint": str(broker.place),
    }
    found = [networking] if reachable else [unreachable, networking]
    return {"connectionId": connection, "healthy": reachable, "diagnostics": found}
