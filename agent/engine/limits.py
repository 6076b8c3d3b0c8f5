"""How many probes may be in flight, in all and towards one host."""

from asyncio import Future, get_running_loop
from collections import Counter, deque


class Limits:
    """Admits probes first come, first served among those whose host has room, so that a hung host holds up no other."""

    def __init__(self, in_flight: int, per_host: int) -> None:
        self.in_flight = in_flight
        self.per_host = per_host
        self._running = 0
        self._by_host: Counter[str] = Counter()
        self._waiting: deque[tuple[str, Future[None]]] = deque()

    async def acquire(self, host: str) -> None:
        """Waits until a probe of `host` may start. Every acquire that returns needs one release."""
        if self._has_room(host):
            self._take(host)
            return
        waiter = get_running_loop().create_future()
        self._waiting.append((host, waiter))
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self.release(host)
            raise

    def release(self, host: str) -> None:
        """Gives a place back and lets in those who now have room."""
        self._running -= 1
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
        if self._waiting:
            self._admit()

    def _has_room(self, host: str) -> bool:
        return self._running < self.in_flight and self._by_host[host] < self.per_host

    def _take(self, host: str) -> None:
        self._running += 1
        self._by_host[host] += 1

    def _admit(self) -> None:
        still_waiting: deque[tuple[str, Future[None]]] = deque()
        while self._waiting and self._running < self.in_flight:
            host, waiter = self._waiting.popleft()
            if waiter.done():
                continue
            if self._has_room(host):
                self._take(host)
                waiter.set_result(None)
            else:
                still_waiting.append((host, waiter))
        still_waiting.extend(self._waiting)
        self._waiting = still_waiting
