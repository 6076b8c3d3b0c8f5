"""The whole answer of a name server, for those who want more of it than addresses, and the server they choose."""

import dns.exception
import dns.message

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._dns_wire import Rcode, rcode
from agent.probes._endpoint import Endpoint
from agent.probes._network import Network
from agent.probes._resolve import refusal

_MAX_REPLY = 16 * 1024
"""Bytes of a reply that is read: 1,000 addresses, and 30 ms of dnspython's time."""


async def chosen_server(network: Network, endpoint: Endpoint) -> Endpoint:
    """The name server at `endpoint`, by its address. Raises ProbeFailure, where policy forbids it too, and OSError."""
    address = (await network.resolver.addresses(endpoint.host))[0].address
    network.admit(address)
    return endpoint._replace(host=address)


def read_reply(reply: bytes, name: str) -> tuple[dns.message.QueryMessage, dns.message.ChainingResult]:
    """A reply that has an answer, or says that there is none, and what its aliases lead to. Raises ProbeFailure.

    name: what was asked for.
    """
    code = rcode(reply)
    if code not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        raise refusal(code, name)
    if len(reply) > _MAX_REPLY:
        words = f"the answer for {name} has {len(reply)} bytes, over the limit of {_MAX_REPLY}"
        raise ProbeFailure(Reason.RESPONSE_TOO_LARGE, words)
    try:
        message = dns.message.from_wire(reply, ignore_trailing=True)
        if not isinstance(message, dns.message.QueryMessage):
            raise dns.exception.FormError
        return message, message.resolve_chaining()
    except dns.exception.DNSException as error:
        words = f"the answer for {name} is malformed ({type(error).__name__})"
        raise ProbeFailure(Reason.DNS_SERVER_FAILURE, words) from error
