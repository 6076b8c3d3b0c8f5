"""One of several replicas leads, by a Lease that it holds.

The Role: `create` on leases, and `get` and `update` on the one Lease by its name. (`create` knows no names.)
"""

from asyncio import TimerHandle, get_running_loop, sleep, timeout
from collections.abc import Callable
from enum import Enum
from http import HTTPStatus
from random import uniform
from time import monotonic

import structlog

from agent.cluster.client import ApiError, Cluster
from agent.cluster.identity import Identity
from agent.cluster.lease import RELEASE_SECONDS, Lease, is_race, leases_path
from agent.probes._json import JsonObject
from agent.settings.kubernetes import ElectionSettings

_log = structlog.get_logger("agent.cluster")

_LEAD_SHARE = 2 / 3
"""Share of the duration after which a leader that could not renew stops, long before others may take over."""
_TIMER_SECONDS = 0.01
"""How much later than the end of a lead the timer looks: clocks of timers are coarse."""


class Role(Enum):
    """What a process is among its replicas, as the log says it."""

    LEADING = "leading"
    ACTING = "acting, for nobody is known to lead"
    STANDING_BY = "standing by"


class Election:
    """Whether this process leads, and whether it does the leader's work.

    Two never lead at the same time, whatever their clocks say. A leader counts from before it asked for a renewal, and
    stops after two thirds of the duration. The others count from after they saw that renewal, and wait for all of it.
    Who deletes the Lease of a leader by hand sets this aside for those that have not seen it.

    Two may act at the same time: rather twice than not at all. A leader that loses its lead acts until it has read that
    another one lives that holds the Lease. Whoever has known of no such other one for the duration, and can neither
    read nor take the Lease, acts until it can.
    """

    def __init__(
        self, cluster: Cluster, settings: ElectionSettings, identity: Identity, *, changed: Callable[[], None]
    ) -> None:
        """`changed`: called whenever `leading` or `acting` has changed."""
        self._cluster = cluster
        self._settings = settings
        self._identity = str(identity)
        self._changed = changed
        self._collection = leases_path(settings.namespace)
        self._path = f"{self._collection}/{settings.name}"
        self._lease: Lease | None = None
        """The Lease as this process wrote it last, as long as it may still be so."""
        self._seen: tuple[str, str] | None = None
        self._rival_until = 0.0
        self._leads_until = 0.0
        self._acting = False
        self._acts_from = monotonic() + settings.duration
        """When it begins to act, should the Lease neither be read nor taken before."""
        self._told = Role.STANDING_BY
        self._timer: TimerHandle | None = None
        self._problem = ""

    @property
    def leading(self) -> bool:
        """Whether this process leads now, even when the event loop has stood still."""
        return monotonic() < self._leads_until

    @property
    def acting(self) -> bool:
        """Whether this process is to do the leader's work: it leads, or knows of nobody who does."""
        return self._acting

    @property
    def led(self) -> bool:
        """Whether another one leads, as far as is known."""
        return monotonic() < self._rival_until

    async def run(self) -> None:
        """Takes part for ever. Once it is cancelled, `release` lets another one lead at once."""
        while True:
            wait = await self._try()
            rest = self._rival_until - monotonic()
            await sleep(min(wait, rest) if rest > 0 else wait)

    async def release(self) -> None:
        """Stops leading and acting, and gives the Lease up where this process holds it. Takes 3 s at most."""
        self._leads_until, self._acting = 0.0, False
        self._tell()
        try:
            async with timeout(RELEASE_SECONDS):
                lease = await self._read()
                if lease is not None and lease.holder == self._identity:
                    await self._cluster.write("PUT", self._path, lease.released())
        except (ApiError, OSError) as error:
            _log.warning("the Lease could not be given up; it runs out by itself", lease=self._path, problem=str(error))

    async def _try(self) -> float:
        """Tries once to hold the Lease. Seconds until the next time."""
        wait = self._settings.retry * uniform(0.8, 1)  # noqa: S311 - no secret; replicas must not ask together
        asked = monotonic()
        try:
            async with timeout(self._settings.duration * _LEAD_SHARE / 2):
                if await self._hold():
                    self._lead_from(asked)
                else:
                    self._stand_by()
            self._problem = ""
        except (ApiError, OSError) as error:
            self._lease = None
            if isinstance(error, ApiError):
                # Not for longer, or nobody may lead while all of them wait.
                wait = max(wait, min(error.retry_after or 0.0, self._settings.duration / 3))
            if not is_race(error):
                self._report(str(error) or type(error).__name__)
                self._acting = self._acting or monotonic() >= self._acts_from
        self._tell()
        return wait

    async def _hold(self) -> bool:
        """Takes or renews the Lease, unless another one holds it. Whether this process holds it now."""
        lease = self._lease
        if lease is None:
            lease = await self._read()
            if lease is not None:
                self._observe(lease)
            if self.led:
                return False
        self._lease = Lease.read(await self._write(lease))
        return True

    async def _read(self) -> Lease | None:
        try:
            return Lease.read(await self._cluster.get(self._path))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _write(self, lease: Lease | None) -> JsonObject:
        method, path = ("POST", self._collection) if lease is None else ("PUT", self._path)
        lease = lease or Lease.new(self._settings.name)
        return await self._cluster.write(method, path, lease.held_by(self._identity, self._settings.duration))

    def _observe(self, lease: Lease) -> None:
        if lease.holder in ("", self._identity):
            self._rival_until = 0.0
        elif lease.renewed != self._seen:
            self._rival_until = monotonic() + (lease.seconds or self._settings.duration)
        self._seen = lease.renewed

    def _lead_from(self, asked: float) -> None:
        self._acting = True
        self._leads_until = asked + self._settings.duration * _LEAD_SHARE
        if self._timer is not None:
            self._timer.cancel()
        left = max(0.0, self._leads_until - monotonic())
        self._timer = get_running_loop().call_later(left + _TIMER_SECONDS, self._tell)

    def _stand_by(self) -> None:
        """Another one holds the Lease, and lives as far as is known."""
        self._leads_until, self._acting = 0.0, False
        self._acts_from = self._rival_until

    def _tell(self) -> None:
        role = Role.LEADING if self.leading else Role.ACTING if self.acting else Role.STANDING_BY
        if role is self._told:
            return
        self._told = role
        _log.info(role.value, lease=self._path, identity=self._identity)
        self._changed()

    def _report(self, problem: str) -> None:
        if not self._problem:
            _log.warning("the Lease cannot be held", lease=self._path, problem=problem)
        self._problem = problem
