"""The agents of a recording: each a process of its own, with a name, a cluster and an address for Prometheus."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from agent.demo.configuration import write_configuration
from agent.demo.simulation import Simulation
from tests.agent.support import AgentProcess, agent_process
from tests.servers.process import free_port

Settings = Mapping[str, object]


@dataclass
class RunningAgent:
    """An agent that can be killed and started again. `name` stands for it in Prometheus, as its pod's name would."""

    name: str
    cluster: str
    folder: Path
    settings: Settings
    address: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    _stack: ExitStack = field(default_factory=ExitStack)
    _process: AgentProcess | None = None

    async def start(self) -> None:
        """Returns when it listens."""
        self.folder.mkdir(exist_ok=True)
        log = {"format": "json", "level": "info"}
        process = agent_process(
            self.folder,
            {**self.settings, "listen": self.address, "log": log},
            environment={"POD_NAME": self.name},
        )
        self._process = await asyncio.to_thread(self._stack.enter_context, process)

    async def stop(self) -> None:
        """Kills it."""
        self._process = None
        await asyncio.to_thread(self._stack.close)

    async def reload(self) -> None:
        """Makes it read its configuration again, if it runs."""
        if self._process is not None:
            await asyncio.to_thread(self._process.ask, "/-/reload", "POST")


def demo_settings(simulation: Simulation, deployment: str, vantages: tuple[str, ...], traces: str) -> Settings:
    """The demo's own configuration under another name of the deployment, with traces to an OTLP endpoint."""
    document = yaml.safe_load(write_configuration(simulation, "127.0.0.1:0", vantages).read_text())
    (only,) = document["deployments"]
    only["name"] = deployment
    return {**document, "otlp": {"endpoint": traces, "success_ratio": 0.05}}


@asynccontextmanager
async def running(*agents: RunningAgent) -> AsyncIterator[Mapping[str, RunningAgent]]:
    """All of them by name, started one after the other."""
    started: list[RunningAgent] = []
    try:
        for each in agents:
            await each.start()
            started.append(each)
        yield {each.name: each for each in started}
    finally:
        for each in started:
            await each.stop()
