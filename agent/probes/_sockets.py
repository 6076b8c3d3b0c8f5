"""Sockets for probes, which leave descriptors over for the rest of the agent."""

import errno
import os
from resource import RLIMIT_NOFILE, getrlimit
from socket import SOCK_NONBLOCK
from socket import SocketType as Socket

_RESERVED = 64
"""Descriptors that no probe takes: an agent that runs out of them must still answer a scrape and read its files."""
_LARGEST_SHARE = 4
"""The reserve is at most the limit divided by this."""
_REJECTED = (errno.EACCES, errno.ENOPROTOOPT, errno.ENONET)
_NON_BLOCKING = int(SOCK_NONBLOCK)


def open_socket(family: int, kind: int) -> Socket:
    """A non-blocking socket. Raises OSError, with EMFILE when it would be one of the reserved descriptors."""
    sock = Socket(family, kind | _NON_BLOCKING, 0)
    # The kernel hands out the lowest free descriptor, so a number near the limit means that nearly all are in use.
    limit, _ = getrlimit(RLIMIT_NOFILE)
    if sock.fileno() >= limit - min(_RESERVED, limit // _LARGEST_SHARE):
        sock.close()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return sock


def error_of_network(error: int) -> int:
    """What to call an error that has come after something was sent, when it is the kernel's name for an ICMP message.

    By these a firewall or router turns down what was sent: prohibited by the administrator (firewalld's way) over IPv6,
    unreachable protocol, isolated host. The kernel says EHOSTUNREACH of the others.
    """
    return errno.EHOSTUNREACH if error in _REJECTED else error
