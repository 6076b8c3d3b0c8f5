"""Waits until sockets can be read or written: one epoll descriptor of our own inside the event loop.

The event loop's own add_reader makes, starts, stops and closes a handle for every wait, which costs more than a
one-shot registration in an epoll that the loop watches as a whole.
"""

from asyncio import AbstractEventLoop, Future, get_running_loop
from select import EPOLLIN, EPOLLONESHOT, EPOLLOUT, epoll
from weakref import WeakKeyDictionary

_READ = EPOLLIN | EPOLLONESHOT
_WRITE = EPOLLOUT | EPOLLONESHOT


class Readiness:
    """Everything that waits for sockets in one event loop. A socket that is closed is forgotten by the kernel."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._epoll = epoll()
        self._waiters: dict[int, Future[None]] = {}
        loop.add_reader(self._epoll.fileno(), self._wake)

    def readable(self, descriptor: int) -> "Future[None]":
        """Done when there is something to read, be it the end or an error."""
        return self._ready(descriptor, _READ)

    def writable(self, descriptor: int) -> "Future[None]":
        """Done when there is room to write, or an attempt to connect has ended."""
        return self._ready(descriptor, _WRITE)

    def _ready(self, descriptor: int, events: int) -> "Future[None]":
        try:
            self._epoll.register(descriptor, events)
        except FileExistsError:
            self._epoll.modify(descriptor, events)
        waiter: Future[None] = get_running_loop().create_future()
        self._waiters[descriptor] = waiter
        return waiter

    def _wake(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            # One whose waiter was cancelled stays registered until its socket is closed or waited for again.
            waiter = self._waiters.pop(descriptor, None)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)


_READINESS: WeakKeyDictionary[AbstractEventLoop, Readiness] = WeakKeyDictionary()


def readiness_of(loop: AbstractEventLoop) -> Readiness:
    """The one of an event loop, which lives as long as the loop."""
    readiness = _READINESS.get(loop)
    if readiness is None:
        readiness = _READINESS[loop] = Readiness(loop)
    return readiness
