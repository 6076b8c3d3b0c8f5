"""What a configuration says of a deployment of Meshery."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from agent.probes._address import bracketed
from agent.probes._checklist_rule import (
    CONTROL_PLANE_NODES,
    DRILL_DAYS,
    MEMORY_HEADROOM,
    PROXY_TIMEOUT,
    Days,
    Headroom,
    Nodes,
    ProxyTimeout,
    Replicas,
)
from agent.probes._endpoint import parse_address, shown_url
from agent.probes._kubeconfig import refuse_context_alone
from agent.probes._settings import Address, CookieValue, HttpUrl, Model
from agent.profiles.catalogue import catalogue
from agent.profiles.deployment import Deployment, Facts
from agent.profiles.fields import Name, problems_below

_ADAPTERS = "adapter-{each.name}"
_NO_SUCH_PROVIDER = "reachd-without-session"
"""A provider key that no Server has. It makes the Server answer with its list of providers: without it, a Server with
an enforced provider may create an anonymous user for every call without a session."""

_REPOSITORY = re.compile(r"(?:(?:https?|ssh|git)://|[\w.-]+@[\w.-]+:)\S+")

Port = Annotated[int, Field(ge=1, le=65535)]


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        raise ValueError("expected the address of a repository, as in https://git.example.com/meshery")
    if "://" in value and urlsplit(value).password is not None:
        raise ValueError("a secret does not belong in the address of a repository; remove the password")
    return value


def _on_or_off(value: object) -> object:
    """A mapping, or none, where only true or false is written."""
    return ({} if value else None) if isinstance(value, bool) else value


class Session(Model):
    """A session of a user, for what Meshery shows to signed-in users only."""

    provider: CookieValue | None = None
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
    token_file: Path | None = None
    """File with a token that may get the metrics, such as that of the agent's service account. The certificate is the
    Operator's own, so the token is shown to whoever answers at `metrics`."""
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
    server: Port = 30806
    """Meshery Server, 9081."""
    broker_client: Port = 31214
    """Broker for clients, 4222."""
    broker_routing: Port = 30315
    """Broker for routing, 6222."""
    broker_monitor: Port = 30791
    """Broker's monitoring endpoint, 8222."""
    broker_exporter: Port = 30400
    """Exporter beside the Broker, 7777."""
    broker_leafnode: Port = 32493
    """Broker for leaf nodes, 7422."""
    broker_gateway: Port = 30337
    """Broker for gateways, 7522."""


class Kubernetes(Model):
    """The Kubernetes API as pods reach it, for agents beside Operator and MeshSync, and for the checklist."""

    api: HttpUrl = "https://kubernetes.default.svc"
    """URL of the API inside the cluster."""
    service_account: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    """Directory with the pod's `ca.crt` and `token`."""


class Cluster(Model):
    """A managed cluster: by kubeconfig and context, or by the URL of its API server."""

    name: Name
    """Name of the cluster in the rows' ids."""
    kubeconfig: Path | None = None
    """Kubeconfig file, the one that Meshery Server uses, unless its user signs in by an exec plugin."""
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
        refuse_context_alone(self.kubeconfig, self.context)
        if self.kubeconfig is not None and (self.ca_file or self.token_file):
            raise ValueError("ca_file and token_file go with api; a kubeconfig says itself how to reach the cluster")
        return self


class Checklist(Model):
    """The resiliency checklist, judged by the objects in the cluster of Meshery Server; docs/checklist.md says what it
    takes. Without `kubeconfig` the API is that of `kubernetes`: the service account of the agent's own pod."""

    kubeconfig: Path | None = None
    """A kubeconfig that leads to the cluster, where the agent is not in it."""
    context: str | None = None
    """Context in the kubeconfig; default: its current one."""
    server_replicas: Replicas | None = None
    """Replicas of the Server that you have decided on; Meshery's documents disagree. Default: the Deployment's."""
    operator_replicas: Replicas | None = None
    """Replicas of the Operator that you have decided on. Default: the Deployment's."""
    control_plane_nodes: Nodes = CONTROL_PLANE_NODES
    """Control-plane nodes that must be Ready."""
    memory_headroom: Headroom = MEMORY_HEADROOM
    """Ratio of the memory limit of Server and Broker that must be free."""
    autoscaling: bool = False
    """The Server should be scaled by its load."""
    proxy_timeout: ProxyTimeout = PROXY_TIMEOUT
    """Shortest time for which the Ingress must keep a silent WebSocket open."""
    recovery_drill_max_days: Days = DRILL_DAYS
    """Days after which the attested recovery drill is too old."""

    @model_validator(mode="after")
    def _context_of_a_kubeconfig(self) -> "Checklist":
        refuse_context_alone(self.kubeconfig, self.context)
        return self


class Attestations(Model):
    """What no probe can see, and you declare."""

    recovery_drill: date | None = None
    """Date of the last drill in which Meshery was redeployed from its configuration, as in 2026-09-01."""
    config_repository: Annotated[str, AfterValidator(_repository)] | None = None
    """Where Helm values, environment and connection definitions are under version control."""


class MesheryDeployment(Deployment):
    """A deployment of Meshery. A row whose key is left out is listed as not testable, with what to set."""

    profile: Literal["meshery"]
    """The platform, which decides what the other keys are."""
    namespace: str = "meshery"
    """Kubernetes namespace of the Server, for NetworkPolicies and the checklist."""
    server: HttpUrl | None = None
    """Meshery Server as the cluster reaches it: the Service on 9081, or 8080 inside the pod."""
    external_url: HttpUrl | None = None
    """Meshery as its users reach it: ingress, TLS, WebSocket, callback."""
    ca_file: Path | None = None
    """Certificates to trust for server, external_url, provider and egress, PEM; default: the system's."""
    login_paths: tuple[str, ...] = ()
    """Beginnings of further paths or URLs to which a sign-in in front of Meshery redirects."""
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
    kubernetes: Kubernetes = Kubernetes()
    """The Kubernetes API as pods of the platform reach it."""
    clusters: tuple[Cluster, ...] = ()
    """The clusters that Meshery manages."""
    egress: tuple[HttpUrl, ...] = ()
    """Registries and content sources that the Server downloads from."""
    node_ports: NodePorts | None = None
    """Services of type NodePort."""
    checklist: Annotated[Checklist | None, BeforeValidator(_on_or_off)] = None
    """The resiliency checklist: `true`, or what differs from its defaults. Off by default, since it takes rights."""
    attest: Attestations = Attestations()
    """What no probe can see, and you declare."""

    @field_validator("adapters")
    @classmethod
    def _adapters_have_ports(cls, adapters: dict[str, str]) -> dict[str, str]:
        known = catalogue("meshery").row(_ADAPTERS).known
        wrong: dict[tuple[str | int, ...], str] = {}
        for name, address in adapters.items():
            try:
                _adapter(name, address)
            except ValueError as error:
                wrong[(name,)] = str(error)
                continue
            if ":" not in address and name not in known:
                wrong[(name,)] = f"adapter {name} has no default port; write host:port, as in {address}:10000"
        if wrong:
            raise problems_below(wrong)
        return adapters

    def never_found(self) -> frozenset[str]:
        """The addresses at which a session's token is shown: whoever may make an Ingress could ask for it otherwise."""
        with_token = self.session is not None and self.session.token_file is not None
        return frozenset({"server", "external_url"}) if with_token else frozenset()

    def facts(self) -> Facts:
        facts = dict(super().facts())
        for key in ("server", "external_url", "provider"):
            if key in facts:
                facts[key] = str(facts[key]).rstrip("/")
        if self.release is not None:
            facts["release"] = quote(self.release, safe="")
        if self.node_ports is not None:
            facts["node_ports"] = {**self.node_ports.model_dump(), "host": bracketed(self.node_ports.host)}
        return {
            **facts,
            "tls": {"ca_file": self.ca_file} if self.ca_file else None,
            "broker": _broker(self.broker),
            "operator": {
                **_without_slash(metrics=self.operator.metrics, health=self.operator.health),
                "token_file": self.operator.token_file,
            },
            "meshsync": _without_slash(health=self.meshsync.health),
            "visitor": {"cookies": _cookies(self.session)},
            "checklist": _checklist(self),
            "session": {"provider": self.session.provider, "cookies": _cookies(self.session)} if self.session else {},
            "adapters": [_adapter(name, address) for name, address in self.adapters.items()],
            "clusters": [_cluster(cluster) for cluster in self.clusters],
            "egress": _sources(self.egress),
        }


def _without_slash(**urls: str | None) -> Facts:
    return {key: url.rstrip("/") for key, url in urls.items() if url is not None}


def _broker(broker: Broker) -> Facts:
    facts = broker.model_dump(exclude_none=True)
    if broker.monitor is not None:
        facts["monitor"] = broker.monitor.rstrip("/")
    if broker.address is not None:
        facts["host"] = bracketed(parse_address(broker.address).host)
    return facts


def _cookies(session: Session | None) -> Facts:
    """Cookies of a probe's calls. A session's are those that the Server itself sets when a user has signed in."""
    if session is None:
        return {"meshery-provider": {"value": _NO_SUCH_PROVIDER}}
    if session.local_provider:
        return {"meshery-provider": {"value": "Local"}}
    return {"meshery-provider": {"value": session.provider}, "token": {"value_file": session.token_file}}


def _adapter(name: str, address: str) -> Facts:
    """Raises ValueError for what is neither a host nor an address."""
    if ":" not in address:
        parse_address(f"{address}:1")
        return {"name": name, "host": address}
    endpoint = parse_address(address)
    return {"name": name, "host": bracketed(endpoint.host), "port": endpoint.port}


def _cluster(cluster: Cluster) -> Facts:
    facts = cluster.model_dump(exclude_none=True)
    if cluster.connection_id is not None:
        facts["connection_id"] = quote(cluster.connection_id, safe="")
    if cluster.ca_file is not None:
        facts["tls"] = {"ca_file": cluster.ca_file}
    if cluster.token_file is not None:
        facts["auth"] = {"authorization": {"credentials_file": cluster.token_file}}
    return facts


def _checklist(deployment: MesheryDeployment) -> Facts | None:
    """What is wanted, and how to reach the API; None where nothing is."""
    checklist, kubernetes = deployment.checklist, deployment.kubernetes
    if checklist is None:
        return None
    facts = {**checklist.model_dump(exclude_none=True), "autoscaling": checklist.autoscaling or None}
    if checklist.kubeconfig is not None:
        return facts
    token = {"credentials_file": kubernetes.service_account / "token"}
    tls = {"ca_file": kubernetes.service_account / "ca.crt"}
    return {**facts, "url": kubernetes.api, "tls": tls, "auth": {"authorization": token}}


def _sources(urls: Sequence[str]) -> list[Facts]:
    """Sources by a name from their host, and from their path too where two share a host."""
    hosts = [_slug(urlsplit(url).hostname or "") for url in urls]
    names = [
        host if hosts.count(host) == 1 else _slug(f"{host}-{urlsplit(shown_url(url)).path}")
        for host, url in zip(hosts, urls, strict=True)
    ]
    return [
        {"name": name if names.count(name) == 1 else f"{name}-{position}", "url": url}
        for position, (name, url) in enumerate(zip(names, urls, strict=True), 1)
    ]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-")


DEPLOYMENT = MesheryDeployment
