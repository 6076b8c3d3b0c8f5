"""Following sources: one that breaks is followed again, and what could not be put to use is tried again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agent.discovery.sources import Sources
from agent.settings.snapshot import Snapshot, Source
from tests.agent.support import until


@dataclass(eq=False)
class Scripted:
    """A source that yields what it is told, and breaks where that is an error."""

    name: str
    script: Iterator[Snapshot | Exception]
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def goes_on_from(self, _: Source) -> bool:
        return False

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            yield step
        self.told.set()
        await asyncio.Event().wait()


@dataclass
class Scene:
    """Sources that are followed, and what they have led to."""

    sources: Sources
    changes: list[list[Snapshot]]
    failing: int
    exported: dict[str, float]


@asynccontextmanager
async def following(*scripted: Scripted, failing: int = 0) -> AsyncIterator[Scene]:
    """Follows sources; the first `failing` changes cannot be put to use."""

    async def changed() -> None:
        scene.changes.append(scene.sources.snapshots())
        scene.failing -= 1
        if scene.failing >= 0:
            raise TypeError("it cannot be put to use")

    def gone(name: str) -> None:
        del exported[name]

    exported: dict[str, float] = {}
    scene = Scene(Sources(changed, exported.__setitem__, gone), [], failing, exported)
    await scene.sources.reconcile(scripted)
    try:
        yield scene
    finally:
        await scene.sources.stop()


def snapshot(at: float, *problems: str, name: str = "files") -> Snapshot:
    return Snapshot(name, problems=problems, at=at)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.discovery.sources._PAUSE", 0.01)


async def test_only_what_differs_is_a_change() -> None:
    source = Scripted("files", iter([snapshot(1.0), snapshot(2.0), snapshot(2.0, "a"), snapshot(3.0, "a")]))
    async with following(source) as scene:
        await source.told.wait()
        assert scene.changes == [[snapshot(2.0, "a")]]
        assert scene.exported == {"files": 3.0}


async def test_a_source_that_breaks_is_followed_again_and_keeps_what_it_knew() -> None:
    source = Scripted("files", iter([snapshot(1.0, "a"), RuntimeError("it broke"), snapshot(2.0, "b")]))
    async with following(source) as scene:
        await source.told.wait()
        assert scene.changes == [[snapshot(1.0, "a")], [snapshot(2.0, "b")]]


async def test_what_could_not_be_put_to_use_is_tried_again_though_nothing_changed() -> None:
    source = Scripted("files", iter([snapshot(1.0, "a"), snapshot(2.0, "a"), snapshot(3.0, "a"), snapshot(4.0, "a")]))
    async with following(source, failing=2) as scene:
        await source.told.wait()
        assert scene.changes == [[snapshot(at, "a")] for at in (1.0, 2.0, 3.0)]


async def test_of_several_with_one_name_the_one_that_is_behind_is_exported() -> None:
    quick, slow = Scripted("dns", iter([snapshot(9.0, name="dns")])), Scripted("dns", iter([]))
    other = Scripted("files", iter([snapshot(5.0)]))
    async with following(quick, slow, other) as scene:
        await asyncio.gather(quick.told.wait(), slow.told.wait(), other.told.wait())
        assert scene.exported == {"dns": 0.0, "files": 5.0}
        await scene.sources.reconcile([quick])
        assert scene.exported == {"dns": 9.0}
        assert scene.sources.snapshots() == [snapshot(9.0, name="dns")]
        await scene.sources.reconcile([])
        assert scene.exported == {}


async def test_what_is_no_longer_followed_ends() -> None:
    source = Scripted("files", iter([snapshot(1.0)]))
    async with following(source) as scene:
        await source.told.wait()
        await scene.sources.reconcile([])
        await until(lambda: not [task for task in asyncio.all_tasks() if task.get_name() == "source files"])
