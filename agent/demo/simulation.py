"""The whole deployment: its parts, in the order in which they come up."""

from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Protocol

from agent.demo.adapter import Adapter
from agent.demo.broker import Broker
from agent.demo.certificates import Authority, server_context
from agent.demo.forwarder import Forwarder
from agent.demo.ingress import Ingress
from agent.demo.loopback import Loopback
from agent.demo.meshery_server import MesheryServer
from agent.demo.provider import Provider
from agent.demo.sessions import Sessions
from agent.demo.workloads import Cluster, health, operator_metrics, registry
from agent.probes._endpoint import Endpoint

ADAPTERS = {"istio": 10000, "linkerd": 10001, "cilium": 10012}
"""Adapters and their ports."""


class Part(Protocol):
    """Something that listens, and can be stopped and started again."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Secrets:
    """The secrets of the deployment, as files that the agent reads. They are made anew each time."""

    def __init__(self, folder: Path) -> None:
        self.broker_token = Secret(folder / "broker-token")
        self.session_token = Secret(folder / "session-token")
        self.service_account = folder / "serviceaccount"
        """What Kubernetes mounts into a pod, beside the cluster's token."""
        self.service_account.mkdir()
        self.cluster_token = Secret(self.service_account / "token")


class Secret:
    """A secret, and the agent's copy of it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.text = token_hex(32)
        self.present(self.text)

    def present(self, text: str) -> None:
        """Makes `text` the agent's copy, in one step as a mounted Secret changes."""
        new = self.file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(text)
        new.replace(self.file)


class Simulation:
    """A Meshery deployment on loopback, with an address for each host it would have."""

    def __init__(self, folder: Path, loopback: Loopback) -> None:
        """`folder`: for certificates, secrets and the Broker's files; private to the user."""
        self.folder = folder
        self.secrets = Secrets(folder)
        self.authority = Authority(folder)
        (self.secrets.service_account / "ca.crt").write_bytes(self.authority.ca_file.read_bytes())
        self._loopback = loopback

        server = self._place(9081)
        ingress = self._place(8443)
        broker_host = loopback.host()
        provider = self._place(8443)

        self.broker = Broker(
            folder, loopback.place(broker_host, 4222), loopback.place(broker_host, 8222), self.secrets.broker_token.text
        )
        self.adapters = {name: Adapter(name, self._place(port)) for name, port in ADAPTERS.items()}
        self.perf = Adapter("nighthawk", self._place(10013))
        self.provider = Provider(provider, server_context(self.authority.issue("provider", [provider.host])))
        self.ingress_certificate = self.authority.issue("ingress", [ingress.host])
        self.expired_certificate = self.authority.issue_expired("ingress-expired", [ingress.host])
        self.ingress = Ingress(ingress, server, self.ingress_certificate)
        self.server = MesheryServer(
            server,
            sessions=Sessions(self.provider.url, self.ingress.url, self.secrets.session_token.text),
            broker=self.broker,
            provider=provider,
            answers=self._adapter_answers,
        )
        operator = loopback.host()
        operator_certificate = self.authority.issue("operator", [operator])
        self.operator_metrics = operator_metrics(
            loopback.place(operator, 8443), server_context(operator_certificate), self.secrets.cluster_token.text
        )
        self.operator_health = health(loopback.place(operator, 8081))
        self.meshsync_health = health(self._place(11000))
        api = self._place(6443)
        self.load_balancer = Forwarder(self._place(4222), self.broker.place)
        self.cluster = Cluster(
            api,
            server_context(self.authority.issue("cluster", [api.host])),
            self.secrets.cluster_token.text,
            self.load_balancer.place,
            self.ingress,
        )
        source = self._place(8443)
        self.registry = registry(source, server_context(self.authority.issue("registry", [source.host])))
        self.node = loopback.host()
        self.node_ports = {
            "server": Forwarder(loopback.place(self.node, 30806), server),
            "broker_client": Forwarder(loopback.place(self.node, 31214), self.broker.place),
            "broker_monitor": Forwarder(loopback.place(self.node, 30791), self.broker.monitor),
        }
        self._parts: tuple[Part, ...] = (
            self.broker,
            *self.adapters.values(),
            self.perf,
            self.provider,
            self.load_balancer,
            self.cluster,
            self.registry,
            self.operator_metrics,
            self.operator_health,
            self.meshsync_health,
            self.server,
            self.ingress,
            *self.node_ports.values(),
        )

    async def start(self) -> None:
        """Brings everything up. Raises OSError."""
        await gather(*(part.start() for part in self._parts))

    async def stop(self) -> None:
        """Ends everything."""
        await gather(*(part.stop() for part in self._parts))

    def _place(self, port: int) -> Endpoint:
        return self._loopback.place(self._loopback.host(), port)

    async def _adapter_answers(self, address: str) -> bool:
        return any(str(adapter.place) == address and not adapter.hung for adapter in self.adapters.values())


@asynccontextmanager
async def simulated_meshery() -> AsyncIterator[Simulation]:
    """A deployment that runs, healthy, until the end of the `async with`."""
    with Loopback() as loopback, TemporaryDirectory(prefix="reachd-demo-") as folder:
        simulation = Simulation(Path(folder), loopback)
        try:
            await simulation.start()
            yield simulation
        finally:
            await simulation.stop()
