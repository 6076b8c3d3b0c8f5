"""How many probes are admitted, and in which order."""

import asyncio
from collections import Counter

import pytest

from agent.engine.limits import Limits


class Visitors:
    """Tasks that want in; those inside stay until they are let go."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._leave: dict[str, asyncio.Event] = {}

    async def come(self, *names: str) -> None:
        """Visitors `host-number` arrive, in this order."""
        for name in names:
            self._leave[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._visit(name))
        await settled()

    async def go(self, *names: str) -> None:
        for name in names:
            self._leave[name].set()
        await settled()

    async def give_up(self, *names: str) -> None:
        for name in names:
            self.tasks[name].cancel()
        await settled()

    async def _visit(self, name: str) -> None:
        host = name.partition("-")[0]
        await self.limits.acquire(host)
        self.inside.append(name)
        try:
            await self._leave[name].wait()
        finally:
            self.inside.remove(name)
            self.limits.release(host)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_host_that_is_full_holds_up_no_other() -> None:
    visitors = Visitors(Limits(in_flight=10, per_host=2))
    await visitors.come("a-1", "a-2", "a-3", "a-4", "b-1")
    assert visitors.inside == ["a-1", "a-2", "b-1"]
    await visitors.go("a-1")
    assert visitors.inside == ["a-2", "b-1", "a-3"]


async def test_first_come_first_served_for_one_host() -> None:
    visitors = Visitors(Limits(in_flight=1, per_host=1))
    await visitors.come("a-1", "a-2", "a-3", "a-4")
    order = []
    for _ in range(4):
        (inside,) = visitors.inside
        order.append(inside)
        await visitors.go(inside)
    assert order == ["a-1", "a-2", "a-3", "a-4"]


async def test_hosts_take_turns_for_the_last_place() -> None:
    visitors = Visitors(Limits(in_flight=1, per_host=1))
    await visitors.come("a-1", "a-2", "a-3", "b-1", "b-2")
    order = []
    for _ in range(5):
        (inside,) = visitors.inside
        order.append(inside)
        await visitors.go(inside)
    assert order[0] == "a-1"
    assert order.index("b-1") < order.index("a-3")


async def test_who_gives_up_takes_no_place() -> None:
    limits = Limits(in_flight=1, per_host=1)
    visitors = Visitors(limits)
    await visitors.come("a-1", "a-2", "a-3")
    await visitors.give_up("a-2")
    await visitors.go("a-1")
    assert visitors.inside == ["a-3"]
    await visitors.give_up("a-3")
    await visitors.come("a-4")
    assert visitors.inside == ["a-4"]


async def test_who_gives_up_at_the_moment_of_admission_gives_its_place_back() -> None:
    visitors = Visitors(Limits(in_flight=1, per_host=1))
    await visitors.come("a-1", "a-2", "a-3")
    visitors._leave["a-1"].set()
    await asyncio.sleep(0)  # a-1 leaves and admits a-2, which has not run yet
    visitors.tasks["a-2"].cancel()
    await settled()
    assert visitors.inside == ["a-3"]


async def test_a_raised_limit_admits_at_the_next_release_and_a_lowered_one_waits() -> None:
    limits = Limits(in_flight=10, per_host=1)
    visitors = Visitors(limits)
    await visitors.come("a-1", "a-2", "a-3", "a-4")
    limits.per_host = 3
    await visitors.go("a-1")
    assert visitors.inside == ["a-2", "a-3", "a-4"]
    limits.per_host = 1
    await visitors.come("a-5")
    await visitors.go("a-2", "a-3")
    assert visitors.inside == ["a-4"]
    await visitors.go("a-4")
    assert visitors.inside == ["a-5"]


@pytest.mark.parametrize(("in_flight", "per_host"), [(1, 1), (3, 2), (5, 1), (4, 50)])
async def test_no_limit_is_ever_passed_and_everybody_gets_in(in_flight: int, per_host: int) -> None:
    limits = Limits(in_flight, per_host)
    inside: Counter[str] = Counter()
    served = 0

    async def visit(number: int) -> None:
        nonlocal served
        host = "abc"[number % 3]
        await limits.acquire(host)
        inside[host] += 1
        assert inside.total() <= in_flight
        assert inside[host] <= per_host
        for _ in range(number % 4):
            await asyncio.sleep(0)
        inside[host] -= 1
        served += 1
        limits.release(host)

    tasks = [asyncio.create_task(visit(number)) for number in range(300)]
    for task in tasks[::7]:
        task.cancel()
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert served == 300 - len(tasks[::7])
    await asyncio.wait_for(limits.acquire("a"), 1)
