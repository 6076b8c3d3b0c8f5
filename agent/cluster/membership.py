"""The agents of a group that live, each with a Lease of its own, so that checks can be spread over them.

The Role: `list`, `create` and `update` on leases of the namespace. None of them can be narrowed to names: a list is of
the whole group, `create` knows no names, and how many Leases there are follows from how many agents there are.
"""

import re
from asyncio import sleep, timeout
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count
from random import uniform
from time import monotonic
from typing import NamedTuple

import structlog

from agent.cluster.client import ApiError, Cluster
from agent.cluster.identity import Identity
from agent.cluster.lease import RELEASE_SECONDS, Lease, is_race, leases_path
from agent.cluster.listing import list_objects
from agent.core.rendezvous import owner
from agent.probes._json import JsonObject
from agent.settings.kubernetes import SharingSettings

_log = structlog.get_logger("agent.cluster")

GROUP_LABEL = "reachd/group"
"""The label of the Leases of a group."""


class _Sight(NamedTuple):
    """What was seen of another one's Lease, and when it is lost unless it is renewed, by the monotonic clock."""

    renewed: tuple[str, str]
    until: float


class Membership:
    """Which members of the group live. A member is the name of a Lease, such as `reachd-3`.

    An agent takes the first Lease that nobody holds: after a restart it is mostly its predecessor's, and the keys stay
    where they were. A Lease that is not renewed for its duration is lost, by the clock of the one who looks, and only
    time in which it did look counts; then it becomes free. Where the API server cannot be asked all members stay: an
    agent that is cut off goes on with its share, which the others take over. Rather twice than not at all.
    """

    def __init__(
        self, cluster: Cluster, settings: SharingSettings, identity: Identity, *, changed: Callable[[], None]
    ) -> None:
        """`changed`: called whenever `members` or `name` has changed."""
        self._cluster = cluster
        self._settings = settings
        self._identity = identity
        self._changed = changed
        self._path = leases_path(settings.namespace)
        self._labels = {GROUP_LABEL: settings.group}
        self._is_name = re.compile(rf"{re.escape(settings.group)}-\d{{1,9}}").fullmatch
        self._began = monotonic()
        self._looked = monotonic()
        self._name = ""
        self._others: frozenset[str] = frozenset()
        self._members: frozenset[str] = frozenset()
        self._told = ("", self._members)
        self._seen: dict[str, _Sight] = {}
        self._refused: set[str] = set()
        self._problem = ""

    @property
    def name(self) -> str:
        """The member that this process is; empty as long as it has no Lease."""
        return self._name

    @property
    def members(self) -> frozenset[str]:
        """The members that live. Empty before the first look; this process is among them after a duration anyway."""
        return self._members

    def owns(self, key: str) -> bool:
        """Whether the key is for this process to care for."""
        return owner(key, self._members) == self._name

    async def run(self) -> None:
        """Renews the own Lease and looks at the others', for ever. Once it is cancelled, `release` leaves the group."""
        while True:
            wait = await self._try()
            now = monotonic()
            await sleep(min([wait, *[sight.until - now for sight in self._seen.values() if sight.until > now]]))

    async def release(self) -> None:
        """Leaves the group, so that the others take over at once. Takes 3 s at most."""
        self._name, self._members = "", frozenset()
        self._changed()
        try:
            async with timeout(RELEASE_SECONDS):
                for lease in await self._leases():
                    if lease.holder == str(self._identity):
                        await self._replace(lease, lease.released())
        except (ApiError, OSError) as error:
            _log.warning("the Lease could not be given up; it runs out by itself", problem=str(error))

    async def _try(self) -> float:
        """Looks and renews once. Seconds until the next time."""
        wait = self._settings.retry * uniform(0.8, 1)  # noqa: S311 - no secret; agents must not ask together
        try:
            async with timeout(self._settings.duration / 3):
                await self._look()
            self._problem = ""
        except (ApiError, OSError) as error:
            if is_race(error):
                wait *= uniform(0, 0.5)  # noqa: S311 - no secret; those who wanted the same try again apart
            else:
                wait = max(wait, error.retry_after or 0.0) if isinstance(error, ApiError) else wait
                self._report(str(error) or type(error).__name__)
        self._know()
        return wait

    async def _look(self) -> None:
        asked = monotonic()
        leases = await self._leases()
        others = [lease for lease in leases if lease.holder not in ("", str(self._identity))]
        self._observe(others, asked)
        lost = [lease for lease in others if self._seen[lease.name].until <= asked]
        self._others = frozenset(lease.name for lease in others if lease not in lost)
        await self._hold(leases)
        self._know()
        await self._free(lost)

    def _observe(self, others: Iterable[Lease], asked: float) -> None:
        """Notes when each is lost. A look that comes late excuses as much: nobody may have been able to renew."""
        now = monotonic()
        excused = max(0.0, asked - self._looked - 2 * self._settings.retry)
        self._looked = now
        seen = {}
        for lease in others:
            known = self._seen.get(lease.name)
            if known is not None and known.renewed == lease.renewed:
                seen[lease.name] = known._replace(until=known.until + excused)
            else:
                seen[lease.name] = _Sight(lease.renewed, now + (lease.seconds or self._settings.duration))
        self._seen = seen

    async def _hold(self, leases: Sequence[Lease]) -> None:
        """Renews the own Lease, or takes one."""
        mine = self._mine(leases)
        if mine is not None:
            if mine.name != self._name:
                self._name = ""
            await self._replace(mine, self._held(mine))
        else:
            self._name = ""
            mine = Lease.new(self._new_name(leases), self._labels)
            try:
                await self._cluster.write("POST", self._path, self._held(mine))
            except ApiError as error:
                if is_race(error):  # perhaps with a Lease that is none of the group's
                    self._refused.add(mine.name)
                raise
        self._name = mine.name

    def _mine(self, leases: Sequence[Lease]) -> Lease | None:
        """The Lease that this process holds; else one that it may take; else None."""
        holder = str(self._identity)
        choices = (
            [lease for lease in leases if lease.holder == holder],
            [lease for lease in leases if self._identity.succeeds(lease.holder)],
            sorted([lease for lease in leases if not lease.holder], key=lambda lease: (len(lease.name), lease.name)),
        )
        return next((found[0] for found in choices if found), None)

    def _new_name(self, leases: Iterable[Lease]) -> str:
        taken = {lease.name for lease in leases} | self._refused
        names = (f"{self._settings.group}-{number}" for number in count())
        return next(name for name in names if name not in taken)

    async def _free(self, lost: Iterable[Lease]) -> None:
        """Lets others take the Leases of the lost, as far as that falls to this member."""
        for lease in lost:
            if self.owns(lease.name):
                with suppress(ApiError):  # its holder is back, or it will be tried again
                    await self._replace(lease, lease.released())

    async def _leases(self) -> list[Lease]:
        selector = ",".join(f"{label}={value}" for label, value in self._labels.items())
        listing = await list_objects(self._cluster, self._path, {"labelSelector": selector}, Lease.read)
        return [lease for lease in listing.objects if self._is_name(lease.name)]

    async def _replace(self, lease: Lease, document: JsonObject) -> None:
        await self._cluster.write("PUT", f"{self._path}/{lease.name}", document)

    def _held(self, lease: Lease) -> JsonObject:
        return lease.held_by(str(self._identity), self._settings.duration)

    def _know(self) -> None:
        overdue = monotonic() - self._began >= self._settings.duration
        self._members = self._others | {self._name} if self._name or overdue else self._others
        if self._told != (self._name, self._members):
            self._told = (self._name, self._members)
            _log.info("members", group=self._settings.group, name=self._name, members=len(self._members))
            self._changed()

    def _report(self, problem: str) -> None:
        if not self._problem:
            _log.warning("the group cannot be asked; its members stay", group=self._settings.group, problem=problem)
        self._problem = problem
