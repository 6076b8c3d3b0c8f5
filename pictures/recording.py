"""Records what real agents say of two simulated deployments and of a cluster."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.demo.faults import Switchboard
from agent.demo.simulation import simulated_meshery
from pictures.agents import RunningAgent, Settings, demo_settings, running
from pictures.chatter import chatter
from pictures.scraping import configuration_of, prometheus_of
from pictures.script import END, FAULTS, KILLED, LEAD, RELOADED, Span
from pictures.workloads import NAMESPACE, Workloads
from tests.servers.catalogue import BIN
from tests.servers.kubernetes import cluster as kubernetes_cluster
from tests.servers.run import collector

_FACTS = "recording.json"

_Action = tuple[float, Callable[[], Awaitable[None]]]


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded into a folder. since, until: what of it is to be shown, as Unix time."""

    since: int
    until: int

    @classmethod
    def read(cls, folder: Path) -> "Recording | None":
        """The recording in the folder; None where there is none."""
        file = folder / _FACTS
        return cls(**json.loads(file.read_text())) if file.exists() else None


async def record(folder: Path) -> Recording:
    """Plays the script, which takes its time, and leaves Prometheus' data in the folder."""
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(ExitStack())
        temporary = Path(stack.enter_context(TemporaryDirectory(prefix="reachd-")))
        os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # where the demo looks for nats-server
        traces = await asyncio.to_thread(servers.enter_context, collector())
        cluster = await asyncio.to_thread(servers.enter_context, kubernetes_cluster())
        workloads = Workloads(cluster)
        await asyncio.to_thread(workloads.prepare)
        await asyncio.to_thread(workloads.be, -LEAD)

        prod, staging = [await stack.enter_async_context(simulated_meshery()) for _ in FAULTS]
        switchboards = {"prod": Switchboard(prod), "staging": Switchboard(staging)}
        access = {"kubeconfig": str(cluster.kubeconfig()), "namespaces": [NAMESPACE]}
        observing = {"kubernetes": {**access, "election": {"namespace": NAMESPACE}}}
        inside = ("server", "client", "operations")
        agents = await stack.enter_async_context(
            running(
                _agent(temporary, "prod-server", "north", demo_settings(prod, "prod", inside, traces.url)),
                _agent(temporary, "node-worker-1", "north", demo_settings(prod, "prod", ("node",), traces.url)),
                _agent(temporary, "node-worker-2", "north", demo_settings(prod, "prod", ("node",), traces.url)),
                _agent(temporary, "staging-server", "south", demo_settings(staging, "staging", inside, traces.url)),
                _agent(temporary, "observer-0", "north", observing),
                _agent(temporary, "observer-1", "north", observing),
            )
        )
        configuration = configuration_of(temporary, list(agents.values()))
        await asyncio.to_thread(servers.enter_context, prometheus_of(folder, configuration))

        began = int(time.time() + LEAD)
        async with asyncio.TaskGroup() as group:
            living = [group.create_task(workloads.live(began), name="workloads")]
            living += [group.create_task(chatter(simulation), name="chatter") for simulation in (prod, staging)]
            await _play(began, _actions(agents, switchboards))
            for task in living:
                task.cancel()
        recording = Recording(began, began + int(END))
    (folder / _FACTS).write_text(json.dumps(asdict(recording)))
    return recording


def _agent(folder: Path, name: str, cluster: str, settings: Settings) -> RunningAgent:
    return RunningAgent(name, cluster, folder / name, settings)


def _actions(agents: Mapping[str, RunningAgent], switchboards: Mapping[str, Switchboard]) -> list[_Action]:
    """What to do at which second of the script."""

    def switch(deployment: str, span: Span, on: bool) -> _Action:
        return span.start if on else span.end, lambda: switchboards[deployment].set(span.what, on)

    spans = [(deployment, span) for deployment, spans in FAULTS.items() for span in spans]
    faults = [switch(*each, on) for each in spans for on in (True, False)]
    killed, (reloaded, when) = agents[KILLED.what], RELOADED
    own = [(KILLED.start, killed.stop), (KILLED.end, killed.start), (when, agents[reloaded].reload)]
    return sorted([*faults, *own], key=lambda action: action[0])


async def _play(began: float, actions: Sequence[_Action]) -> None:
    """Returns at the end of the script, with whatever has no end before it still being the case."""
    for second, act in actions:
        if second < END:
            await _until(began + second)
            await act()
    await _until(began + END)


async def _until(when: float) -> None:
    await asyncio.sleep(max(0.0, when - time.time()))
