"""Which checks a reader wants to see, and what there is to say of all checks together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from agent.core.outcome import Verdict
from agent.core.ports import CheckEntry
from agent.core.reasons import Blame
from agent.core.transitions import State
from agent.core.words import telling

PAGE_SIZE = 200
LONGEST_SEARCH = 200
_OVERDUE_AFTER = 3
"""Intervals without a run after which the agent, not the check, has a problem."""


class Selection(NamedTuple):
    """Checks of one deployment, in one state, with a text in what the page shows of them; empty is all."""

    deployment: str = ""
    state: State | None = None
    search: str = ""
    page: int = 1

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Selection":
        """What a query string asks for; what it has that makes no sense counts as not asked."""
        state, page = query.get("state", ""), query.get("page", "")
        return cls(
            deployment=query.get("deployment", ""),
            state=State(state) if state in set(State) else None,
            search=query.get("search", "").strip()[:LONGEST_SEARCH],
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    def admits(self, entry: CheckEntry) -> bool:
        """Whether the check is wanted."""
        if self.deployment and entry.check.deployment != self.deployment:
            return False
        if self.state is not None and entry.standing.state is not self.state:
            return False
        return not self.search or self.search.lower() in _searched(entry)

    def within(self, count: int) -> "Selection":
        """This selection, at its last page where `count` checks do not reach as far as the page that is asked for."""
        return self._replace(page=min(self.page, last_page(count)))

    def link(self, **changes: object) -> str:
        """The page's URL with some of the selection changed, at its first page."""
        merged = {
            "deployment": self.deployment,
            "state": self.state or "",
            "search": self.search,
            "page": 1,
            **changes,
        }
        query = {key: str(value) for key, value in merged.items() if value not in ("", 1)}
        return f"/?{urlencode(query, errors='replace')}" if query else "/"


def last_page(count: int) -> int:
    """The number of the last page when there are `count` checks to show."""
    return max(1, -(-count // PAGE_SIZE))


def _searched(entry: CheckEntry) -> str:
    check, told = entry.check, telling(entry)
    reason = told.reason.value if told is not None and told.reason is not None else ""
    path = check.path
    texts = (check.name, check.target, check.kind, path.source, path.destination, path.port, path.purpose, reason)
    return "\n".join(texts).lower()


@dataclass(slots=True)
class Tally:
    """What all checks together say.

    blind: checks without a verdict for the agent's own reasons. overdue: checks that the agent did not get to.
    awaited: checks that have no verdict yet, and get one. mute: checks that get none through nobody's fault, as one
    that wants a session. last_run: unix time of the newest run, 0 before the first.
    """

    now: float
    states: Counter[State] = field(default_factory=Counter)
    deployments: dict[str, None] = field(default_factory=dict)
    broken: list[CheckEntry] = field(default_factory=list)
    blind: int = 0
    overdue: int = 0
    awaited: int = 0
    mute: int = 0
    last_run: float = 0.0

    def add(self, entry: CheckEntry) -> None:
        """Counts a check in."""
        check, state, last = entry.check, entry.standing.state, entry.last
        self.states[state] += 1
        self.deployments[check.deployment] = None
        if state is State.DOWN:
            self.broken.append(entry)
        self.awaited += state is State.UNKNOWN and (last is None or last.verdict is not Verdict.UNKNOWN)
        if last is None:
            return
        self.last_run = max(self.last_run, last.started)
        if state is not State.DOWN and last.reason is not None and last.reason.blame is Blame.AGENT:
            self.blind += 1
        self.mute += state is State.UNKNOWN and last.verdict is Verdict.UNKNOWN and last.reason is None
        waiting = self.now - max(last.started, entry.standing.since) - check.timeout
        if waiting > _OVERDUE_AFTER * check.every and state is not State.BLOCKED:
            self.overdue += 1

    @property
    def total(self) -> int:
        return self.states.total()

    @property
    def untold(self) -> int:
        """How many checks should tell whether they are up or down, and cannot."""
        return self.states[State.UNKNOWN] + self.states[State.BLOCKED] - self.awaited - self.mute

    @property
    def state(self) -> State:
        """All checks as one: down where any is, and up only where every one is that can tell."""
        if self.states[State.DOWN]:
            return State.DOWN
        return State.UP if self.states[State.UP] and self.states[State.UP] + self.mute == self.total else State.UNKNOWN

    @property
    def paged(self) -> bool:
        """Whether there are more checks than one page shows."""
        return self.total > PAGE_SIZE

    def blames(self) -> Sequence[tuple[Blame, int]]:
        """Who is to blame for what is broken, and for how many checks, most first."""
        told = [telling(entry) for entry in self.broken]
        reasons = [outcome.reason for outcome in told if outcome is not None]
        return Counter([reason.blame for reason in reasons if reason is not None]).most_common()
