"""IP addresses in the forms that sockets and URLs want."""

import socket
from typing import NamedTuple


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


def address_in_name(host: str) -> str | None:
    """The address that a proxy takes `host` for, in any form that C libraries know (`127.1`, `0x7f000001`), or None."""
    host = host.rstrip(".")
    if parse_literal(host) is not None:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


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
            return sock.connect_ex((address.address, 53)) == 0
    except OSError:  # a kernel without the family
        return False
