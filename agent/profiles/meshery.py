"""What a configuration says of a deployment of Meshery."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.probes._settings import Address, HttpUrl, Model
from agent.profiles.deployment import Deployment

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$")]


class Session(Model):
    """A session of a user, for what Meshery shows to signed-in users only."""

    provider: str | None = None
    """Key of the Remote Provider that issued the token, as in `Meshery`."""
    token_file: Path | None = None
    """File with the session's token: the value of the cookie `token`."""
    local_provider: bool = False
    """Use the Local Provider, which asks for no credential. Works only where it is left enabled."""

    @model_validator(mode="after")
    def _token_or_local(self) -> "Session":
        if self.local_provider:
            if self.provider or self.token_file:
                raise ValueError("local_provider needs no provider and no token_file; keep one or the other")
        elif self.provider is None or self.token_file is None:
            raise ValueError("a session needs provider and token_file, or local_provider: true")
        return self


class Broker(Model):
    """Meshery Broker, a NATS server. Leave it out where MeshSync runs embedded in the Server."""

    address: Address | None = None
    """Host and port for clients, usually 4222."""
    monitor: HttpUrl | None = None
    """Base URL of the monitoring endpoint, usually on port 8222."""
    token_file: Path | None = None
    """File with the token for clients; Brokers of Operator 1.0 and newer want one."""
    clients: tuple[str, ...] = ("meshery-server", "meshsync")
    """Names of the clients that must be connected."""


class Operator(Model):
    """Meshery Operator."""

    metrics: HttpUrl | None = None
    """URL of its metrics, as in https://meshery-operator-metrics-service.meshery.svc:8443/metrics."""
    health: HttpUrl | None = None
    """Base URL of its health endpoints, inside the pod on port 8081."""


class MeshSync(Model):
    """MeshSync as a workload of its own."""

    health: HttpUrl | None = None
    """Base URL of its health endpoints, from version 1.0.1 on."""


class NodePorts(Model):
    """Services of type NodePort. The defaults are the ports in Meshery's production document; yours may differ."""

    host: str
    """Name or address of a node."""
    server: Annotated[int, Field(ge=1, le=65535)] = 30806
    """Meshery Server, 9081."""
    broker_client: Annotated[int, Field(ge=1, le=65535)] = 31214
    """Broker for clients, 4222."""
    broker_routing: Annotated[int, Field(ge=1, le=65535)] = 30315
    """Broker for routing, 6222."""
    broker_monitor: Annotated[int, Field(ge=1, le=65535)] = 30791
    """Broker's monitoring endpoint, 8222."""
    broker_exporter: Annotated[int, Field(ge=1, le=65535)] = 30400
    """Exporter beside the Broker, 7777."""
    broker_leafnode: Annotated[int, Field(ge=1, le=65535)] = 32493
    """Broker for leaf nodes, 7422."""
    broker_gateway: Annotated[int, Field(ge=1, le=65535)] = 30337
    """Broker for gateways, 7522."""


class Cluster(Model):
    """A managed cluster: by kubeconfig and context, or by the URL of its API server."""

    name: Name
    """Name of the cluster in the rows' ids."""
    kubeconfig: Path | None = None
    """Kubeconfig file, the one that Meshery Server uses."""
    context: str | None = None
    """Context in the kubeconfig; default: its current one."""
    api: HttpUrl | None = None
    """URL of the API server."""
    ca_file: Path | None = None
    """Certificates to trust, PEM; default: the system's."""
    token_file: Path | None = None
    """File with a token."""
    connection_id: str | None = None
    """Meshery's id of the connection to this cluster; with a session, the Server's own view of it is watched."""

    @model_validator(mode="after")
    def _kubeconfig_or_api(self) -> "Cluster":
        if (self.kubeconfig is None) == (self.api is None):
            raise ValueError("a cluster needs exactly one of kubeconfig and api")
        return self


class MesheryDeployment(Deployment):
    """A deployment of Meshery. A row whose key is left out is listed as not testable, with what to set."""

    profile: Literal["meshery"]
    """The platform, which decides what the other keys are."""
    namespace: str = "meshery"
    """Kubernetes namespace of the Server, for NetworkPolicies."""
    server: HttpUrl | None = None
    """Meshery Server as the cluster reaches it: the Service on 9081, or 8080 inside the pod."""
    external_url: HttpUrl | None = None
    """Meshery as its users reach it: ingress, TLS, WebSocket, callback."""
    release: str | None = None
    """The Server's release, as in v0.8.100; it is part of the path at which it asks for capabilities."""
    session: Session | None = None
    """A session, for what needs one: WebSocket, and the Server's own view. Off by default."""
    broker: Broker = Broker()
    """Meshery Broker."""
    operator: Operator = Operator()
    """Meshery Operator."""
    meshsync: MeshSync = MeshSync()
    """MeshSync as a workload of its own."""
    provider: HttpUrl | None = None
    """Base URL of the Remote Provider."""
    adapters: dict[Name, str] = Field(default_factory=dict)
    """Adapters by name: `host`, for a known adapter's default port, or `host:port`."""
    perf: Address | None = None
    """Meshery Perf, usually on port 10013."""
    clusters: tuple[Cluster, ...] = ()
    """The clusters that Meshery manages."""
    egress: tuple[HttpUrl, ...] = ()
    """Registries and content sources that the Server downloads from."""
    node_ports: NodePorts | None = None
    """Services of type NodePort."""
    attest: dict[str, str] = Field(default_factory=dict)
    """What cannot be probed and you declare, as in {recovery_drill: 2026-09-01}."""


DEPLOYMENT = MesheryDeployment
