"""Tries endpoints as a client of the Broker would, several at a time."""

import os
from asyncio import Task, create_task, gather, wait
from asyncio import timeout as deadline
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from agent.core.reasons import Blame, Phase
from agent.core.run import ProbeFailure, Run
from agent.probes._broker_candidates import Candidate
from agent.probes._connection import connect
from agent.probes._door import reason_of
from agent.probes._endpoint import Endpoint
from agent.probes._nats_protocol import Lines, judge_info, parse_info
from agent.probes._network import Network


async def attempt(run: Run, network: Network, endpoint: Endpoint, seconds: float) -> str:
    """Why nothing that clients can use answers at `endpoint` in time; empty where it does.

    Raises ProbeFailure and OSError for what is the agent's own fault.
    """
    try:
        async with deadline(seconds):
            with await connect(run, network, *endpoint) as connection:
                run.enter(Phase.RESPONSE)
                judge_info(parse_info(await Lines(connection).next(beginning=b"INFO ")))
    except TimeoutError:
        return f"did not answer within {seconds:.1f} s"
    except ProbeFailure as failure:
        if failure.reason.blame is Blame.AGENT:
            raise
        return f"failed with {failure.reason}: {failure.detail}"
    except OSError as error:
        reason = reason_of(error, run.phase)
        if reason.blame is Blame.AGENT:
            raise
        return f"failed with {reason}: {os.strerror(error.errno or 0)}"
    return ""


class Attempts:
    """Candidates that are being tried, beside the run and without a part in its verdict."""

    def __init__(self, tries: dict[Candidate, Task[str]]) -> None:
        self._tries = tries

    async def settle(self, seconds: float) -> None:
        """Gives those that have not answered yet so much time more."""
        if self._tries:
            await wait(self._tries.values(), timeout=max(seconds, 0.0))

    def described(self, without: Sequence[Endpoint | None]) -> list[str]:
        """Which of them answered, for people; `without`: those of which the reader is told already."""
        told = {each: task for each, task in self._tries.items() if each.endpoint not in without}
        return [
            f"{each.endpoint} ({each.what}) {(task.result() or 'answers') if task.done() else 'stays silent'}"
            for each, task in told.items()
        ]


@asynccontextmanager
async def attempts(network: Network, candidates: Sequence[Candidate], seconds: float) -> AsyncIterator[Attempts]:
    """Tries all of them for as long as the block lasts, and `seconds` at most."""
    tries = {each: create_task(_beside(network, each.endpoint, seconds), name="candidate") for each in candidates}
    try:
        yield Attempts(tries)
    finally:
        for task in tries.values():
            task.cancel()
        await gather(*tries.values(), return_exceptions=True)


async def _beside(network: Network, endpoint: Endpoint, seconds: float) -> str:
    """In a run of its own: what is measured belongs to no check."""
    try:
        return await attempt(Run(seconds), network, endpoint, seconds)
    except ProbeFailure as failure:
        return f"was not tried: {failure.detail}"
    except OSError as error:
        return f"was not tried: {os.strerror(error.errno or 0)}"
