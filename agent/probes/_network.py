"""What all probes of an agent share: name resolution, TLS contexts, files, proxies and the address policy."""

from ipaddress import IPv4Network, IPv6Network, ip_address

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._files import Files
from agent.probes._proxy import Proxies
from agent.probes._resolve import Resolver
from agent.probes._tls import TlsContexts


class Network:
    """The agent's way to the network. One for all probes of a configuration."""

    def __init__(
        self,
        resolver: Resolver | None = None,
        proxies: Proxies | None = None,
        forbidden: tuple[IPv4Network | IPv6Network, ...] = (),
    ) -> None:
        """`forbidden`: networks that no probe may connect to, checked after resolution and on every redirect."""
        self.files = Files()
        self.tls = TlsContexts(self.files)
        self.resolver = resolver or Resolver()
        self.proxies = proxies or Proxies()
        self._forbidden = forbidden

    def admit(self, address: str) -> None:
        """Raises ProbeFailure when policy forbids to connect to an IP address."""
        if not self._forbidden:
            return
        parsed = ip_address(address.partition("%")[0])
        mapped = getattr(parsed, "ipv4_mapped", None)
        for network in self._forbidden:
            if parsed in network or (mapped is not None and mapped in network):
                raise ProbeFailure(Reason.ADDRESS_FORBIDDEN, f"{address} is in {network}, which the policy forbids")
