"""Names to addresses, never from a cache, with failures told apart."""

import socket
from asyncio import get_running_loop
from typing import NamedTuple

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure


class ResolvedAddress(NamedTuple):
    """An IP address in the form that a socket wants: family AF_INET or AF_INET6."""

    family: int
    address: str


class Resolver:
    """Resolves host names."""

    async def addresses(self, host: str) -> list[ResolvedAddress]:
        """The addresses of `host`, in the order in which to try them; an IP address is its own.

        Raises ProbeFailure with one of the dns_* reasons.
        """
        try:
            found = await get_running_loop().getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise ProbeFailure(Reason.DNS_NXDOMAIN, str(error)) from error
        return [ResolvedAddress(family, str(address[0])) for family, _, _, _, address in found]
