"""IP addresses in the forms that sockets and URLs want."""

import socket
from ipaddress import IPv6Address
from typing import NamedTuple

from agent.core.reasons import Reason
from agent.core.run import ProbeFailure
from agent.probes._text import printable


class ResolvedAddress(NamedTuple):
    """An IP address in the form that a socket wants: family AF_INET or AF_INET6."""

    family: int
    address: str


def parse_literal(host: str) -> ResolvedAddress | None:
    """The address that `host` is, an IPv6 one with or without a zone (`fe80::1%eth0`); None for a name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0] if family == socket.AF_INET6 else host)
    except (OSError, ValueError):
        return None
    return ResolvedAddress(family, host)


def zone_problem(host: str) -> str:
    """Why the zone of an IPv6 address makes no sense, with a remedy; empty where it does, or there is none."""
    address, percent, zone = host.partition("%")
    literal = parse_literal(address)
    if not percent or literal is None or literal.family != socket.AF_INET6:
        return ""
    if not zone:
        return "the zone behind % is empty; name an interface, as in [fe80::1%eth0]"
    return (
        "" if IPv6Address(address).is_link_local else "only a link-local address (fe80::/10) has a zone; leave it out"
    )


def lacks_zone(address: ResolvedAddress) -> bool:
    """Whether it is a link-local IPv6 address that does not say on which interface; of IPv4, the routes say it."""
    family, text = address
    return family == socket.AF_INET6 and "%" not in text and IPv6Address(text).is_link_local


def socket_address(address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """Address and port as a socket wants them, with the number of the interface that a zone names.

    Raises ProbeFailure where this machine has no such interface.
    """
    if "%" not in address:
        return address, port
    try:
        found = socket.getaddrinfo(address, port, socket.AF_INET6, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    except socket.gaierror as error:
        raise no_interface(address) from error
    return address, port, 0, int(found[0][4][-1])


def no_interface(address: str) -> ProbeFailure:
    """What it means that the kernel finds no interface for an IPv6 address."""
    zone = address.partition("%")[2]
    words = f"this machine has no interface {printable(zone)}" if zone else f"{address} needs an interface, as in %eth0"
    return ProbeFailure(Reason.CONNECT_UNREACHABLE, words)


def address_in_name(host: str) -> str | None:
    """The address that a proxy takes `host` for, in any form that C libraries know (`127.1`, `0x7f000001`), or None."""
    host = host.rstrip(".")
    if parse_literal(host) is not None:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def ascii_name(name: str) -> str:
    """A name as DNS has it, what is beyond ASCII encoded (RFC 3490). Raises UnicodeError where that cannot be."""
    return name if name.isascii() else name.encode("idna").decode("ascii")


def ascii_authority(authority: str) -> str:
    """Host and port as a request has them; what cannot be encoded stays, as nobody will find it."""
    name, colon, port = authority.partition(":")
    try:
        return f"{ascii_name(name)}{colon}{port}"
    except UnicodeError:
        return authority


def bracketed(host: str) -> str:
    """A host as it stands before a port: an IPv6 address in brackets."""
    literal = parse_literal(host)
    return f"[{host}]" if literal is not None and literal.family == socket.AF_INET6 else host


def host_and_port(host: str, port: int) -> str:
    """Where to connect to, as people and configurations write it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def has_route(address: ResolvedAddress) -> bool:
    """Whether this machine has a way to an address. Sends nothing: connecting a UDP socket only looks up the route."""
    try:
        with socket.socket(address.family, socket.SOCK_DGRAM) as sock:
            return sock.connect_ex(socket_address(address.address, 53)) == 0
    except (OSError, ProbeFailure):  # a kernel without the family, or a machine without the interface
        return False
