"""Whether something on this machine takes every connection, whoever it is for, as the sidecar of a service mesh does.

Behind such a proxy a connection alone proves nothing. What gives it away is an address that no host has: nothing may
answer there.
"""

from asyncio import Task, get_running_loop, timeout, wait
from collections.abc import Mapping
from socket import AF_INET, AF_INET6, SOCK_STREAM, socket
from time import monotonic, perf_counter
from typing import NamedTuple

from agent.core.run import Run
from agent.probes._sockets import open_socket

_CONTROL: Mapping[int, str] = {AF_INET: "192.0.2.1", AF_INET6: "2001:db8::1"}
"""Addresses kept for documentation (RFC 5737, section 3; RFC 3849), which nobody may use."""
_PATIENCE = 0.5
"""Seconds in which a proxy on this machine accepts; for others, routers drop what is sent to the control address."""
_KNOWN_FOR = 60.0
"""Seconds after which it is asked again, in the background."""
_LOOPBACK = ("127.", "[::1]")


class _Finding(NamedTuple):
    intercepted: bool
    at: float


class Interception:
    """What is known of each port, as a mesh may leave out some."""

    def __init__(self, *, looked_for: bool = True) -> None:
        """`looked_for`: False where nothing may be sent to the control address; then nothing counts as intercepted."""
        self._looked_for = looked_for
        self._findings: dict[tuple[int, int], _Finding] = {}
        self._asking: dict[tuple[int, int], Task[None]] = {}

    async def hides(self, run: Run) -> bool:
        """Whether the connection that the run has just made may have ended in a proxy on this machine.

        The first time it waits for an answer, on purpose and at most half of the time that is left.
        """
        if not self._looked_for or run.peer.startswith(_LOOPBACK):
            return False
        key = (AF_INET6 if run.peer.startswith("[") else AF_INET, int(run.peer.rpartition(":")[2]))
        finding = self._findings.get(key)
        if finding is None or monotonic() - finding.at > _KNOWN_FOR:
            asking = self._ask(key)
            if finding is None:
                begun = perf_counter()
                await wait({asking}, timeout=run.remaining() / 2)
                run.waited += perf_counter() - begun
                finding = self._findings.get(key)
        return finding is not None and finding.intercepted

    def _ask(self, key: tuple[int, int]) -> "Task[None]":
        if key not in self._asking:
            self._asking[key] = get_running_loop().create_task(self._find(key), name=f"interception of port {key[1]}")
        return self._asking[key]

    async def _find(self, key: tuple[int, int]) -> None:
        try:
            self._findings[key] = _Finding(await _accepts(*key), monotonic())
        finally:
            del self._asking[key]


async def _accepts(family: int, port: int) -> bool:
    """Whether anything takes a connection to the control address."""
    try:
        with socket(fileno=open_socket(family, SOCK_STREAM).detach()) as sock:
            async with timeout(_PATIENCE):
                await get_running_loop().sock_connect(sock, (_CONTROL[family], port))
    except OSError:  # a TimeoutError too
        return False
    return True
