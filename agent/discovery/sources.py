"""Follows the sources of checks, and keeps what each of them knew last."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.settings.snapshot import Snapshot, Source

_log = structlog.get_logger("agent.discovery")
_PAUSE = 5.0
"""Seconds after which a source that broke is followed again."""


class _Followed:
    """A source, what it knew last, and the task that follows it."""

    __slots__ = ("latest", "source", "task")

    def __init__(self, source: Source, latest: Snapshot) -> None:
        self.source = source
        self.latest = latest
        self.task: asyncio.Task[None] | None = None


class Sources:
    """The sources that are followed now. Reconciling leaves equal ones alone, with what they know."""

    def __init__(
        self,
        changed: Callable[[], Awaitable[None]],
        succeeded: Callable[[str, float], None],
        gone: Callable[[str], None],
    ) -> None:
        """changed: awaited after a source has found something else than before.

        succeeded: takes the name of a source and the unix time of its last success, 0 before the first one; where
        several have one name, of the one that is furthest behind. gone: takes a name that no source has any more.
        """
        self._changed = changed
        self._succeeded = succeeded
        self._gone = gone
        self._followed: list[_Followed] = []
        self._behind = False

    def snapshots(self) -> list[Snapshot]:
        """What all sources knew last."""
        return [followed.latest for followed in self._followed]

    def snapshots_of(self, sources: Sequence[Source]) -> list[Snapshot]:
        """What these sources knew last, so far as they, or what they go on from, are followed already."""
        return [known for source in sources if (known := self._known_to(source)) is not None]

    async def reconcile(self, sources: Sequence[Source]) -> None:
        """Follows these sources and no others. Of two that find the same name the one before the other keeps it."""
        before = self._followed
        self._followed = [self._find(source) or self._follow(source) for source in sources]
        await _stop([followed for followed in before if followed not in self._followed])
        for name in {followed.source.name for followed in before} - {source.name for source in sources}:
            self._gone(name)
        for source in sources:
            self._export(source.name)

    async def stop(self) -> None:
        """Follows nothing any more."""
        await _stop(self._followed)

    def _find(self, source: Source) -> _Followed | None:
        return next((followed for followed in self._followed if followed.source == source), None)

    def _known_to(self, source: Source) -> Snapshot | None:
        before = self._find(source) or next((it for it in self._followed if source.goes_on_from(it.source)), None)
        return before.latest if before is not None else None

    def _follow(self, source: Source) -> _Followed:
        followed = _Followed(source, self._known_to(source) or Snapshot(source.name))
        followed.task = asyncio.create_task(self._run(followed), name=f"source {source.name}")
        return followed

    async def _run(self, followed: _Followed) -> None:
        while True:
            try:
                async for snapshot in followed.source.snapshots():
                    await self._take(followed, snapshot)
            except Exception:  # what it knew goes on, and its age shows
                _log.exception("a source of checks failed", source=followed.source.name)
            await asyncio.sleep(_PAUSE)

    async def _take(self, followed: _Followed, snapshot: Snapshot) -> None:
        before, followed.latest = followed.latest, snapshot
        self._export(snapshot.source)
        if self._behind or snapshot._replace(at=before.at) != before:
            self._behind = True  # until it has worked out
            await self._changed()
            self._behind = False

    def _export(self, name: str) -> None:
        times = [followed.latest.at for followed in self._followed if followed.source.name == name]
        self._succeeded(name, min(times))


async def _stop(surplus: Sequence[_Followed]) -> None:
    tasks = [followed.task for followed in surplus if followed.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
