"""What all probes of an agent share: name resolution, TLS contexts, files, proxies and what is known of the way out."""

from asyncio import AbstractEventLoop, get_running_loop
from ipaddress import IPv4Network, IPv6Network, ip_address

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._files import Files
from agent.probes._interception import Interception
from agent.probes._proxy import Proxies
from agent.probes._readiness import Readiness, readiness_of
from agent.probes._resolve import Resolver
from agent.probes._tls import TlsContexts


class Network:
    """The agent's way to the network. One for all probes of a configuration."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        proxies: Proxies | None = None,
        forbidden: tuple[IPv4Network | IPv6Network, ...] = (),
        interception: Interception | None = None,
    ) -> None:
        """`forbidden`: networks that no probe may connect to, checked after resolution and on every redirect. Of
        what is asked for through a proxy, only addresses are checked, and no names."""
        self.files = Files()
        self.tls = TlsContexts(self.files)
        self.resolver = resolver or Resolver()
        self.proxies = proxies or Proxies()
        self.interception = interception or Interception()
        self._forbidden = forbidden
        self._loop: AbstractEventLoop | None = None
        self._readiness: Readiness | None = None

    def readiness(self) -> Readiness:
        """What waits for sockets in the running event loop."""
        loop = get_running_loop()
        if self._readiness is None or self._loop is not loop:
            self._loop = loop
            self._readiness = readiness_of(loop)
        return self._readiness

    def admit(self, address: str) -> None:
        """Raises ProbeFailure when policy forbids to connect to an IP address."""
        if not self._forbidden:
            return
        parsed = ip_address(address.partition("%")[0])
        mapped = getattr(parsed, "ipv4_mapped", None)
        for network in self._forbidden:
            if parsed in network or (mapped is not None and mapped in network):
                raise ProbeFailure(Reason.ADDRESS_FORBIDDEN, f"{address} is in {network}, which the policy forbids")
