"""Makes a TLS handshake and looks at the certificate."""

from typing import ClassVar, Literal

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.run import Run
from agent.probes._connection import TCP_METRICS, connect_tls
from agent.probes._endpoint import Endpoint, parse_address
from agent.probes._network import Network
from agent.probes._settings import Address, ProbeSettings, TlsSettings
from agent.probes._tls import TLS_METRICS, tls_identity


class TlsProbeSettings(ProbeSettings):
    """Keys of the `tls` probe."""

    summary: ClassVar[str] = "Makes a TLS handshake: trust, name, dates, protocol version and client certificate."
    metrics: ClassVar[tuple[Metric, ...]] = (*TLS_METRICS, *TCP_METRICS)

    kind: Literal["tls"] = "tls"
    address: Address
    """Where to connect, as host:port."""
    tls: TlsSettings | None = None
    """How to verify the target and to identify the agent."""

    def endpoint(self) -> Endpoint:
        return parse_address(self.address)

    def probe(self, network: Network) -> Probe:
        return TlsProbe(self, network)


class TlsProbe:
    """Makes a handshake, and after a TLS 1.3 one gives the target a moment to object to the client."""

    def __init__(self, settings: TlsProbeSettings, network: Network) -> None:
        self._network = network
        self._host, self._port = settings.endpoint()
        self._identity = tls_identity(settings.tls)
        self._server_name = settings.tls.server_name if settings.tls is not None else None

    async def run(self, run: Run) -> None:
        with await connect_tls(
            run, self._network, self._host, self._port, self._identity, self._server_name
        ) as connection:
            await connection.await_objection()


SETTINGS = TlsProbeSettings
