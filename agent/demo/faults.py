"""The faults that can be switched on: what breaks, what people would notice, and what reachd must say of it."""

from asyncio import Lock
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

from agent.core.ports import DemoSwitch
from agent.core.reasons import Reason
from agent.demo.simulation import Simulation

_SLOW_HEALTH = 30.0
_NO_TOKEN = token_hex(32)
"""A token that nobody accepts: no word, since wherever a secret stands in a report, something else is shown."""
_NO_CALLBACK = "http://meshery.internal:9081"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the deployment.

    symptom: what users and operators would see without reachd. expected: the checks that go down, and for which reason;
    those that depend on them are blocked meanwhile.
    """

    name: str
    title: str
    symptom: str
    expected: Mapping[str, Reason]
    switch: Callable[[Simulation, bool], Awaitable[None]]


async def _broker_down(simulation: Simulation, on: bool) -> None:
    # A Service without a pod behind it refuses connections at its NodePorts as well.
    ports = (simulation.node_ports["broker_client"], simulation.node_ports["broker_monitor"])
    for part in (simulation.broker, *ports):
        await (part.stop() if on else part.start())


async def _load_balancer_gone(simulation: Simulation, on: bool) -> None:
    await (simulation.load_balancer.stop() if on else simulation.load_balancer.start())


async def _broker_token(simulation: Simulation, on: bool) -> None:
    token = simulation.secrets.broker_token
    token.present(_NO_TOKEN if on else token.text)


async def _meshsync_away(simulation: Simulation, on: bool) -> None:
    await simulation.broker.keep_away("meshsync", on)


async def _upgrades_dropped(simulation: Simulation, on: bool) -> None:
    simulation.ingress.drops_upgrades = on


async def _events_buffered(simulation: Simulation, on: bool) -> None:
    simulation.ingress.buffers = on


async def _certificate_expired(simulation: Simulation, on: bool) -> None:
    simulation.ingress.show(simulation.expired_certificate if on else simulation.ingress_certificate)


async def _callback_drift(simulation: Simulation, on: bool) -> None:
    simulation.server.sessions.send_back_to(_NO_CALLBACK if on else simulation.ingress.url)


async def _egress_dropped(simulation: Simulation, on: bool) -> None:
    await simulation.provider.drop_packets(on)


async def _adapter_hung(simulation: Simulation, on: bool) -> None:
    simulation.adapters["istio"].hung = on


async def _server_unhealthy(simulation: Simulation, on: bool) -> None:
    simulation.server.capabilities_loaded = not on


async def _health_slow(simulation: Simulation, on: bool) -> None:
    simulation.server.health_delay = _SLOW_HEALTH if on else 0.0


async def _cluster_unhealthy(simulation: Simulation, on: bool) -> None:
    simulation.cluster.etcd_failed = on


async def _server_exposed(simulation: Simulation, on: bool) -> None:
    simulation.cluster.server_exposed = on


async def _session_expired(simulation: Simulation, on: bool) -> None:
    token = simulation.secrets.session_token
    token.present(_NO_TOKEN if on else token.text)


FAULTS = (
    Fault(
        "broker-down",
        "The Broker is gone",
        "The UI shows the last known state of every cluster and never updates it; the Server logs reconnects.",
        {
            "broker-client": Reason.CONNECT_REFUSED,
            "broker-monitor": Reason.CONNECT_REFUSED,
            "cluster-east-broker-endpoint": Reason.ENDPOINT_UNREACHABLE,
            "cluster-east-diagnostics": Reason.BODY_MISMATCH,
            "node-port-broker-client": Reason.CONNECT_REFUSED,
            "node-port-broker-monitor": Reason.CONNECT_REFUSED,
        },
        _broker_down,
    ),
    Fault(
        "ingress-drops-upgrades",
        "The ingress drops WebSocket upgrades",
        "The UI loads and looks fine, but nothing in it ever changes until the page is loaded again.",
        {"websocket-upgrade": Reason.UPGRADE_STRIPPED},
        _upgrades_dropped,
    ),
    Fault(
        "provider-egress-dropped",
        "A firewall drops the way to the Remote Provider",
        "Nobody can sign in, and it looks like a problem of passwords; the Server's own health stays green.",
        {"provider": Reason.CONNECT_TIMEOUT},
        _egress_dropped,
    ),
    Fault(
        "certificate-expired",
        "The ingress shows an expired certificate",
        "Browsers warn, mesheryctl and every script stop with a certificate error.",
        {"ui-external": Reason.TLS_EXPIRED},
        _certificate_expired,
    ),
    Fault(
        "adapter-hung",
        "The Istio adapter hangs",
        "Operations on Istio spin for ever; the adapter's pod is Running and Ready, for it has no probes.",
        {"adapter-istio": Reason.RESPONSE_TIMEOUT, "adapter-istio-ping": Reason.SERVER_ERROR},
        _adapter_hung,
    ),
    Fault(
        "server-503",
        "The Server answers 503",
        "Kubernetes takes the Server out of its Service and then restarts it, again and again.",
        {"server-live": Reason.HEALTH_CHECK_FAILED, "node-port-server": Reason.HEALTH_CHECK_FAILED},
        _server_unhealthy,
    ),
    Fault(
        "healthz-slow",
        "The Server's health endpoints take half a minute",
        "The Server works, but its pod is restarted now and then: older builds ask the Remote Provider meanwhile.",
        {"server-live": Reason.RESPONSE_TIMEOUT, "node-port-server": Reason.RESPONSE_TIMEOUT},
        _health_slow,
    ),
    Fault(
        "meshsync-disconnected",
        "MeshSync has lost the Broker",
        "New workloads never appear in the UI, while every pod is Running and the Broker is healthy.",
        {"broker-monitor": Reason.CLIENT_MISSING},
        _meshsync_away,
    ),
    Fault(
        "broker-token-rotated",
        "The Broker's token was rotated, and one copy was forgotten",
        "Whoever has the old token is turned away; those who are connected notice nothing until they reconnect.",
        {"broker-client": Reason.AUTH_REJECTED},
        _broker_token,
    ),
    Fault(
        "session-expired",
        "The session has expired",
        "Everything that the Server shows to signed-in users only asks to sign in again.",
        {
            "session": Reason.REDIRECT_UNEXPECTED,
            "session-external": Reason.REDIRECT_UNEXPECTED,
        },
        _session_expired,
    ),
    Fault(
        "ingress-buffers-events",
        "The ingress holds server-sent events back",
        "Notifications and progress come late, all at once or never. Seen within a minute.",
        {"sse-providers": Reason.STREAM_BUFFERED, "sse-events": Reason.STREAM_BUFFERED},
        _events_buffered,
    ),
    Fault(
        "callback-drift",
        "The OAuth callback leads to an internal address",
        "After signing in, users land on a page that does not load. Seen within a minute.",
        {"callback": Reason.CALLBACK_DRIFT},
        _callback_drift,
    ),
    Fault(
        "cluster-unhealthy",
        "The managed cluster has lost etcd",
        "Deployments hang, and discovery stands still.",
        {"cluster-east-api": Reason.HEALTH_CHECK_FAILED, "checklist-api": Reason.HEALTH_CHECK_FAILED},
        _cluster_unhealthy,
    ),
    Fault(
        "load-balancer-gone",
        "The LoadBalancer that the Operator publishes for the Broker does not answer",
        "A Server outside of the cluster shows it as connected, and nothing that happens in it ever arrives.",
        {"cluster-east-broker-endpoint": Reason.ENDPOINT_UNREACHABLE},
        _load_balancer_gone,
    ),
    Fault(
        "server-exposed",
        "Meshery Server is exposed by a raw LoadBalancer",
        "Nobody notices: whoever knows the address reaches the Server past the ingress, in plain HTTP.",
        {"checklist-load-balancer": Reason.DEGRADED},
        _server_exposed,
    ),
)


class Switchboard:
    """The faults of one simulation, and which of them are on."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._faults = {fault.name: fault for fault in FAULTS}
        self._on: set[str] = set()
        self._switching = Lock()

    def switches(self) -> Sequence[DemoSwitch]:
        """All faults, in the order in which to show them."""
        return [DemoSwitch(fault.name, fault.title, fault.symptom, fault.name in self._on) for fault in FAULTS]

    async def set(self, name: str, on: bool) -> None:
        """Switches a fault on or off, at once. Raises KeyError for a name that no fault has."""
        fault = self._faults[name]
        async with self._switching:
            if (name in self._on) != on:
                await fault.switch(self._simulation, on)
                (self._on.add if on else self._on.discard)(name)
