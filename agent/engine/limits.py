"""How many probes may be in flight, in all and towards one host."""

from asyncio import Future, get_running_loop
from collections import deque


class Limits:
    """Admits probes first come, first served among those whose host has room, so that a hung host holds up no other.

    `in_flight` and `per_host` may be changed at any time; those already running are not affected.
    """

    def __init__(self, in_flight: int, per_host: int) -> None:
        self.in_flight = in_flight
        self.per_host = per_host
        self._running = 0
        self._by_host: dict[str, int] = {}
        self._waiting: dict[str, deque[Future[None]]] = {}

    async def acquire(self, host: str) -> None:
        """Waits until a probe of `host` may start. Every acquire that returns needs one release."""
        if self._has_room(host) and host not in self._waiting:
            self._take(host)
            return
        waiter: Future[None] = get_running_loop().create_future()
        self._waiting.setdefault(host, deque()).append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self.release(host)
            raise

    def release(self, host: str) -> None:
        """Gives a place back and lets in those who now have room."""
        self._running -= 1
        running = self._by_host.pop(host) - 1
        if running:
            self._by_host[host] = running
        while self._waiting and self._running < self.in_flight and self._admit_one():
            pass

    def _has_room(self, host: str) -> bool:
        return self._running < self.in_flight and self._by_host.get(host, 0) < self.per_host

    def _take(self, host: str) -> None:
        self._running += 1
        self._by_host[host] = self._by_host.get(host, 0) + 1

    def _admit_one(self) -> bool:
        """Lets in the first waiter of the first host with room; that host then goes to the end of the line."""
        host = next((host for host in self._waiting if self._by_host.get(host, 0) < self.per_host), None)
        if host is None:
            return False
        waiters = self._waiting.pop(host)
        waiter = waiters.popleft()
        if waiters:
            self._waiting[host] = waiters
        if not waiter.done():
            self._take(host)
            waiter.set_result(None)
        return True
