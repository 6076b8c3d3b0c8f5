"""Which failure reasons this test session has produced, and whether a real socket was behind them."""

import sys
from collections.abc import Callable, Iterable

from agent.core.outcome import Outcome
from agent.core.reasons import Reason
from agent.core.run import Run

WITHOUT_SOCKET = {Reason.ADDRESS_FORBIDDEN, Reason.OVERLOADED, Reason.PERMISSION_DENIED, Reason.INTERNAL_ERROR}
"""The agent gives up by itself, perhaps before it has asked anybody."""

_USES_OF_SOCKETS = ("socket.connect", "socket.sendto", "socket.sendmsg")


class ReasonsSeen:
    """Records the reason of every run that fails, from `watch` on."""

    def __init__(self) -> None:
        self.all: set[Reason] = set()
        self.with_socket: set[Reason] = set()
        self._uses = 0
        self._uses_before: dict[int, int] = {}

    def watch(self) -> None:
        """Looks into each run of this process, and counts how often a socket is used meanwhile."""
        begin: Callable[..., None] = Run.__init__
        fail: Callable[[Run, Reason, str], Outcome] = Run.failed

        def noting_begin(run: Run, *arguments: object, **options: object) -> None:
            begin(run, *arguments, **options)
            self._uses_before[id(run)] = self._uses

        def noting_fail(run: Run, reason: Reason, detail: str) -> Outcome:
            self.all.add(reason)
            if self._uses > self._uses_before.get(id(run), self._uses):
                self.with_socket.add(reason)
            return fail(run, reason, detail)

        Run.__init__ = noting_begin  # type: ignore[method-assign, assignment]
        Run.failed = noting_fail  # type: ignore[method-assign, assignment]
        sys.addaudithook(self._audit)

    def plain(self) -> tuple[list[str], list[str]]:
        """What was seen, for another process."""
        return sorted(reason.value for reason in self.all), sorted(reason.value for reason in self.with_socket)

    def merge(self, plain: tuple[Iterable[str], Iterable[str]]) -> None:
        """Adds what another process has seen."""
        self.all |= {Reason(reason) for reason in plain[0]}
        self.with_socket |= {Reason(reason) for reason in plain[1]}

    def missing(self) -> list[Reason]:
        """The reasons that nothing has produced, or nothing with a socket behind it."""
        unseen = set(Reason) - self.all
        unproven = set(Reason) - WITHOUT_SOCKET - self.with_socket
        return sorted(unseen | unproven)

    def _audit(self, event: str, _: object) -> None:
        if event in _USES_OF_SOCKETS:
            self._uses += 1
