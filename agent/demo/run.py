"""The demo from start to end: the deployment comes up, an agent watches it, and both go."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from agent.core.ports import DemoControls
from agent.demo.configuration import write_configuration
from agent.demo.faults import Switchboard
from agent.demo.simulation import Simulation, simulated_meshery


class Serve(Protocol):
    """Runs an agent until it is told to end. `started` is called with its URL once it listens."""

    def __call__(
        self,
        paths: Sequence[Path],
        controls: DemoControls,
        started: Callable[[str], None],
    ) -> Awaitable[None]: ...


async def run_demo(listen: str, serve: Serve, started: Callable[[str, Simulation], None]) -> None:
    """Simulates a deployment and lets an agent on `listen` watch it.

    Raises OSError where the simulation cannot start, and what `serve` raises.
    """
    async with simulated_meshery() as simulation:
        file = write_configuration(simulation, listen)
        await serve([file], Switchboard(simulation), lambda url: started(url, simulation))
