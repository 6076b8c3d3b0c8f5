"""Simulated deployments in processes of their own, so that neither the test nor another one slows them down.

`python -m tests.live.simulations COUNT` runs some of them until its standard input ends. It prints a line with the
configuration files of their agents, and for each line `INDEX FAULT on` or `INDEX FAULT off` that it reads, `done`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from agent.demo.configuration import write_configuration
from agent.demo.faults import Switchboard
from agent.demo.simulation import simulated_meshery

_PER_PROCESS = 2


@dataclass(frozen=True, slots=True)
class SimulatedMeshery:
    """A deployment that another process simulates. file: the configuration of an agent that watches it."""

    file: Path
    _process: Process
    _turn: asyncio.Lock
    _index: int

    async def switch(self, fault: str, *, on: bool) -> None:
        """Breaks or repairs it, and returns when that is done."""
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(f"{self._index} {fault} {'on' if on else 'off'}\n".encode())
            assert await _line(self._process) == "done"


@asynccontextmanager
async def simulations(count: int) -> AsyncIterator[list[SimulatedMeshery]]:
    """So many healthy deployments."""
    sizes = [min(_PER_PROCESS, count - first) for first in range(0, count, _PER_PROCESS)]
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(_process(size)) for size in sizes]
        found = []
        for process in processes:
            turn = asyncio.Lock()
            files = json.loads(await _line(process))
            found += [SimulatedMeshery(Path(file), process, turn, index) for index, file in enumerate(files)]
        yield found


@asynccontextmanager
async def _process(count: int) -> AsyncIterator[Process]:
    arguments = ("-m", "tests.live.simulations", str(count))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def _simulate(count: int) -> None:
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(simulated_meshery()) for _ in range(count)]
        files = [str(write_configuration(simulation, "127.0.0.1:0")) for simulation in running]
        switchboards = [Switchboard(simulation) for simulation in running]
        _say(json.dumps(files))
        while line := await asyncio.to_thread(sys.stdin.readline):
            index, fault, state = line.split()
            await switchboards[int(index)].set(fault, state == "on")
            _say("done")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_simulate(int(sys.argv[1])))
