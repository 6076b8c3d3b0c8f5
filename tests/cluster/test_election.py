"""Replicas elect their leader through a real API server, with no more rights than that takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import pytest
from aiohttp import web

from agent.cluster.election import Election
from agent.cluster.identity import Identity
from agent.cluster.lease import Lease, leases_path
from agent.settings.kubernetes import ElectionSettings
from tests.cluster.gate import Gate, gate
from tests.cluster.roles import allow, rule
from tests.cluster.support import connected, running, serving, until
from tests.servers import kubernetes as servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.servers("etcd", "kube-apiserver")]

DURATION, RETRY = 2.0, 0.3
SLACK = 3.0
"""For a machine with much else to do."""
LEASES = "coordination.k8s.io", "leases"
ROLE = rule(*LEASES, "create"), rule(*LEASES, "get", "update", names=["observer"])


@dataclass
class Candidate:
    """A replica, the way from it to the API server, and since when it leads or does not."""

    gate: Gate
    told: list[tuple[bool, float]] = field(default_factory=list)
    election: Election = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    @property
    def leading(self) -> bool:
        return self.election.leading

    @property
    def acting(self) -> bool:
        return self.election.acting

    def changed(self) -> None:
        self.told.append((self.leading, monotonic()))

    async def kill(self) -> None:
        """Ends it without a word, as SIGKILL would."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


class Replicas:
    """The candidates for one Lease."""

    def __init__(self, kubernetes: servers.Cluster, stack: AsyncExitStack, duration: float) -> None:
        self.kubernetes = kubernetes
        self.namespace = kubernetes.namespace()
        self.token = allow(kubernetes, self.namespace, *ROLE)
        self.candidates: list[Candidate] = []
        self._stack = stack
        self._duration = duration

    async def add(self, *, cut_off: bool = False) -> Candidate:
        """One more, which takes part at once."""
        between = await self._stack.enter_async_context(gate(self.kubernetes.api.port))
        if cut_off:
            between.close()
        cluster = await self._stack.enter_async_context(connected(self.kubernetes, port=between.port, token=self.token))
        settings = ElectionSettings(namespace=self.namespace, name="observer", duration=self._duration, retry=RETRY)
        candidate = Candidate(between)
        candidate.election = Election(
            cluster, settings, Identity.of_this_process({"POD_NAME": "observer"}), changed=candidate.changed
        )
        candidate.task = await self._stack.enter_async_context(running(candidate.election.run()))
        self.candidates.append(candidate)
        return candidate

    def leaders(self) -> list[Candidate]:
        return [each for each in self.candidates if each.leading]

    def acting(self) -> list[Candidate]:
        return [each for each in self.candidates if each.acting]

    async def leader(self) -> Candidate:
        """The one that leads, as soon as one does."""
        await until(self.leaders)
        return self.leaders()[0]

    def other(self, than: Candidate) -> Candidate:
        return next(each for each in self.candidates if each is not than)

    async def look(self) -> None:
        """Looks a thousand times a second that no two lead."""
        while True:
            assert len(self.leaders()) <= 1
            await asyncio.sleep(0.001)


@asynccontextmanager
async def replicas(kubernetes: servers.Cluster, number: int = 2, duration: float = DURATION) -> AsyncIterator[Replicas]:
    """Some replicas, of which never two lead, and the first of which leads."""
    async with AsyncExitStack() as stack:
        found = Replicas(kubernetes, stack, duration)
        await stack.enter_async_context(running(found.look()))
        await found.add()
        await found.leader()
        for _ in range(number - 1):
            await found.add()
        yield found


async def test_a_leader_that_is_killed_is_replaced(
    kubernetes: servers.Cluster, record_property: Callable[[str, object], None]
) -> None:
    async with replicas(kubernetes, 3) as them:
        killed = await them.leader()
        began = monotonic()
        await killed.kill()
        await until(lambda: them.leaders() not in ([], [killed]))
        seconds = monotonic() - began
        record_property("seconds until another one leads", round(seconds, 2))
        assert DURATION / 3 < seconds < DURATION + RETRY + SLACK
        assert [leading for leading, _ in killed.told] == [True, False]


async def test_a_leader_that_stops_hands_over_at_once(
    kubernetes: servers.Cluster, record_property: Callable[[str, object], None]
) -> None:
    async with replicas(kubernetes, duration=60.0) as them:
        stopped = await them.leader()
        other = them.other(stopped)
        await until(lambda: other.gate.connections)
        await stopped.kill()
        began = monotonic()
        await stopped.election.release()
        assert not stopped.leading
        assert not stopped.acting
        await until(lambda: other.leading)
        seconds = monotonic() - began
        record_property("seconds until another one leads", round(seconds, 2))
        assert seconds < RETRY + SLACK
        lease = them.kubernetes.admin.get(f"{leases_path(them.namespace)}/observer")
        assert lease["spec"]["leaseTransitions"] >= 1


async def test_a_leader_that_is_cut_off_stops_before_another_leads(
    kubernetes: servers.Cluster, record_property: Callable[[str, object], None]
) -> None:
    async with replicas(kubernetes) as them:
        alone = await them.leader()
        other = them.other(alone)
        alone.gate.swallow(new=True)
        await until(lambda: other.leading)
        (_, stopped), (_, began) = alone.told[-1], other.told[-1]
        record_property("seconds without a leader", round(began - stopped, 2))
        assert (alone.told[-1][0], other.told[-1][0]) == (False, True)
        assert stopped < began
        alone.gate.open()
        alone.gate.cut()
        await asyncio.sleep(DURATION)  # in which it takes part again, and nobody leads beside the other
        assert them.leaders() in ([other], [])


async def test_nobody_leads_while_nobody_can_ask(kubernetes: servers.Cluster) -> None:
    async with replicas(kubernetes) as them:
        for each in them.candidates:
            each.gate.close()
        await until(lambda: not them.leaders())
        for each in them.candidates:
            each.gate.open()
        await them.leader()


async def test_a_lease_that_is_deleted_makes_no_second_leader(kubernetes: servers.Cluster) -> None:
    async with replicas(kubernetes) as them:
        alone = await them.leader()
        await asyncio.sleep(2 * RETRY)  # the other one has seen who leads
        alone.gate.swallow(new=True)
        them.kubernetes.admin.delete(f"{leases_path(them.namespace)}/observer")
        assert them.leaders() == [alone]
        await until(lambda: them.other(alone).leading)


async def test_who_stands_by_does_not_act_while_the_leader_lives(kubernetes: servers.Cluster) -> None:
    async with replicas(kubernetes) as them:
        leader = await them.leader()
        await asyncio.sleep(2 * DURATION)
        assert them.acting() == them.leaders() == [leader]
        assert them.other(leader).told == []


async def test_who_led_acts_until_it_reads_that_another_one_leads(kubernetes: servers.Cluster) -> None:
    async with replicas(kubernetes) as them:
        alone = await them.leader()
        alone.gate.swallow(new=True)
        await until(lambda: them.other(alone).leading)
        assert (alone.leading, alone.acting) == (False, True)
        alone.gate.open()
        alone.gate.cut()
        await until(lambda: not alone.acting)
        assert them.acting() == [them.other(alone)]


async def test_all_act_while_nobody_can_ask(kubernetes: servers.Cluster) -> None:
    async with replicas(kubernetes) as them:
        for each in them.candidates:
            each.gate.close()
        began = monotonic()
        late = await them.add(cut_off=True)
        await until(lambda: them.acting() == them.candidates and not them.leaders())
        assert late.told[0][1] - began >= DURATION
        for each in them.candidates:
            each.gate.open()
        await until(lambda: them.leaders() and them.acting() == them.leaders())


async def test_who_has_no_right_to_the_lease_acts_and_does_not_lead(kubernetes: servers.Cluster) -> None:
    async with AsyncExitStack() as stack:
        them = Replicas(kubernetes, stack, DURATION)
        them.token = kubernetes.token("default", them.namespace)
        alone = await them.add()
        await until(lambda: alone.acting)
        assert not alone.leading


async def test_a_leader_that_reads_of_another_one_stops_at_once(kubernetes: servers.Cluster) -> None:
    async with replicas(kubernetes, 1, duration=60.0) as them:
        leader = await them.leader()
        admin, path = kubernetes.admin, leases_path(them.namespace)
        admin.delete(f"{path}/observer")
        admin.create(path, dict(Lease.new("observer").held_by("somebody", 60.0)))
        await until(lambda: not leader.leading)  # its lead would go on for more than half a minute
        assert not leader.acting


async def test_an_overloaded_server_does_not_keep_it_away_for_long(kubernetes: servers.Cluster) -> None:
    asked: list[float] = []

    async def refuse(_: web.Request) -> web.StreamResponse:
        asked.append(monotonic())
        return web.Response(status=429, headers={"Retry-After": "300"})

    async with serving(refuse) as port, connected(kubernetes, port=port, scheme="http") as cluster:
        settings = ElectionSettings(namespace="reachd", duration=3.0, retry=RETRY)
        election = Election(cluster, settings, Identity.of_this_process({}), changed=lambda: None)
        async with running(election.run()):
            await until(lambda: len(asked) >= 3)
    assert asked[1] - asked[0] >= 1.0
