"""Agents of a group find each other through a real API server, and share what there is to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import pytest

from agent.cluster.identity import Identity
from agent.cluster.lease import leases_path
from agent.cluster.membership import Membership
from agent.settings.kubernetes import SharingSettings
from tests.cluster.gate import Gate, gate
from tests.cluster.roles import allow, rule
from tests.cluster.support import connected, running, until
from tests.servers import kubernetes as servers
from tests.servers.kubernetes_api import Json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120), pytest.mark.servers("etcd", "kube-apiserver")]

DURATION, RETRY = 2.0, 0.3
SLACK = 3.0
"""For a machine with much else to do."""
ROLE = rule("coordination.k8s.io", "leases", "list", "create", "update")
KEYS = [f"prod/check-{number}" for number in range(1000)]


@dataclass
class Agent:
    """One agent, and the way from it to the API server."""

    gate: Gate
    changes: int = 0
    membership: Membership = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    def changed(self) -> None:
        self.changes += 1

    def keys(self) -> set[str]:
        """What it cares for."""
        return {key for key in KEYS if self.membership.owns(key)}

    async def kill(self) -> None:
        """Ends it without a word, as SIGKILL would."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


class Group:
    """The agents that live."""

    def __init__(self, kubernetes: servers.Cluster, stack: AsyncExitStack, duration: float) -> None:
        self.kubernetes = kubernetes
        self.namespace = kubernetes.namespace()
        self.token = allow(kubernetes, self.namespace, ROLE)
        self.agents: list[Agent] = []
        self._stack = stack
        self._duration = duration

    async def add(self, pod: str = "") -> Agent:
        """One more, which joins."""
        between = await self._stack.enter_async_context(gate(self.kubernetes.api.port))
        cluster = await self._stack.enter_async_context(connected(self.kubernetes, port=between.port, token=self.token))
        settings = SharingSettings(namespace=self.namespace, group="probers", duration=self._duration, retry=RETRY)
        agent = Agent(between)
        identity = Identity.of_this_process({"POD_NAME": pod})
        agent.membership = Membership(cluster, settings, identity, changed=agent.changed)
        agent.task = await self._stack.enter_async_context(running(agent.membership.run()))
        self.agents.append(agent)
        return agent

    def agree(self) -> bool:
        """Whether all know all, and nobody else."""
        names = {agent.membership.name for agent in self.agents}
        return "" not in names and all(agent.membership.members == names for agent in self.agents)

    def shares(self) -> list[set[str]]:
        return [agent.keys() for agent in self.agents]

    def leases(self) -> dict[str, str]:
        """Who holds each Lease, by its name."""
        return {name: spec.get("holderIdentity", "") for name, spec in self._specs().items()}

    async def renew(self) -> None:
        """Waits until each Lease that is there has been renewed."""
        before = self._renewals()
        await until(lambda: not before & self._renewals())

    def _renewals(self) -> set[tuple[str, str]]:
        return {(name, spec["renewTime"]) for name, spec in self._specs().items()}

    def _specs(self) -> dict[str, Json]:
        leases: list[Json] = self.kubernetes.admin.get(leases_path(self.namespace))["items"]
        return {lease["metadata"]["name"]: lease["spec"] for lease in leases}


@asynccontextmanager
async def group(kubernetes: servers.Cluster, number: int, duration: float = DURATION) -> AsyncIterator[Group]:
    """Some agents that started at the same time and know each other."""
    async with AsyncExitStack() as stack:
        found = Group(kubernetes, stack, duration)
        for _ in range(number):
            await found.add()
        await until(found.agree)
        yield found


def each_has_one(shares: list[set[str]]) -> bool:
    """Whether every key belongs to somebody, and to nobody else."""
    return sorted(key for share in shares for key in share) == sorted(KEYS)


async def test_one_of_five_is_lost(kubernetes: servers.Cluster, record_property: Callable[[str, object], None]) -> None:
    async with group(kubernetes, 5) as them:
        before = them.shares()
        assert each_has_one(before)
        assert min(len(share) for share in before) > len(KEYS) / 10
        lost = them.agents.pop(2)
        moved = lost.keys()
        began = monotonic()
        await lost.kill()
        await until(lambda: any(len(agent.membership.members) < 5 for agent in them.agents))
        first = monotonic() - began
        await until(them.agree)
        last = monotonic() - began
        after = them.shares()
        assert each_has_one(after)
        assert all(had <= has for had, has in zip([*before[:2], *before[3:]], after, strict=True))
        record_property("seconds until the others know", (round(first, 2), round(last, 2)))
        record_property("share of the keys that moved", len(moved) / len(KEYS))
        assert DURATION / 3 < first <= last < DURATION + RETRY + SLACK
        assert set().union(*(has - had for had, has in zip([*before[:2], *before[3:]], after, strict=True))) == moved
        name = next(name for name, holder in them.leases().items() if name not in them.agents[0].membership.members)
        await until(lambda: not them.leases()[name])  # one of the others has made it free


async def test_who_leaves_is_missed_at_once_and_who_follows_takes_the_place(kubernetes: servers.Cluster) -> None:
    async with group(kubernetes, 3, duration=60.0) as them:
        leaving = them.agents.pop(1)
        name, keys = leaving.membership.name, leaving.keys()
        await leaving.kill()
        await leaving.membership.release()
        assert not leaving.keys()
        await until(them.agree)
        follower = await them.add()
        await until(them.agree)
        assert (follower.membership.name, follower.keys()) == (name, keys)
        assert len(them.leases()) == 3


async def test_a_container_that_starts_again_goes_on_as_the_same_member(kubernetes: servers.Cluster) -> None:
    async with group(kubernetes, 2, duration=60.0) as them:
        killed = await them.add("prober-0")
        await until(them.agree)
        name, changes = killed.membership.name, them.agents[0].changes
        them.agents.remove(killed)
        await killed.kill()
        successor = await them.add("prober-0")
        await until(them.agree)
        assert successor.membership.name == name
        assert them.agents[0].changes == changes


async def test_while_nobody_can_ask_all_go_on(kubernetes: servers.Cluster) -> None:
    async with group(kubernetes, 3) as them:
        before, changes = them.shares(), [agent.changes for agent in them.agents]
        for agent in them.agents:
            agent.gate.close()
        await asyncio.sleep(DURATION + 2 * RETRY)
        for agent in them.agents:
            agent.gate.open()
        for _ in range(2):  # when a Lease is renewed again, its holder has come to the end of the look before
            await them.renew()
        assert them.shares() == before
        assert [agent.changes for agent in them.agents] == changes


async def test_who_is_cut_off_is_replaced_and_comes_back(kubernetes: servers.Cluster) -> None:
    async with group(kubernetes, 3) as them:
        alone = them.agents[1]
        keys = alone.keys()
        alone.gate.swallow(new=True)
        others = [agent for agent in them.agents if agent is not alone]
        await until(lambda: all(len(agent.membership.members) == 2 for agent in others))
        assert each_has_one([agent.keys() for agent in others])
        assert alone.keys() == keys  # rather twice than not at all
        alone.gate.open()
        alone.gate.cut()
        await until(them.agree)
        assert each_has_one(them.shares())


async def test_who_cannot_join_cares_for_everything_after_a_while(kubernetes: servers.Cluster) -> None:
    async with group(kubernetes, 0) as them:
        agent = await them.add()
        agent.gate.close()
        assert not agent.keys()
        await until(lambda: len(agent.keys()) == len(KEYS))
        agent.gate.open()
        await until(them.agree)
        assert agent.membership.members == {"probers-0"}


async def test_leases_of_others_are_none_of_the_groups(kubernetes: servers.Cluster) -> None:
    async with group(kubernetes, 0) as them:
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        spec = {"holderIdentity": "\x1b[31m\n" * 1000, "leaseDurationSeconds": 2**31 - 1}
        for name, labels in (("probers-0", {}), ("hostile", {"reachd/group": "probers"})):
            metadata = {"name": name, "namespace": them.namespace, "labels": labels}
            kubernetes.admin.apply({**lease, "metadata": metadata, "spec": spec})
        agent = await them.add()
        await until(them.agree)
        assert agent.membership.name == "probers-1"
