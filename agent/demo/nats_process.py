"""The real nats-server as a child process."""

import json
import sys
from asyncio import create_subprocess_exec, open_connection, sleep
from asyncio import timeout as deadline
from asyncio.subprocess import DEVNULL, STDOUT, Process
from os import getpid
from pathlib import Path

from agent.probes._endpoint import Endpoint

_ENDING_WITH_PARENT = (sys.executable, "-I", "-S", Path(__file__).with_name("end_with_parent.py"))
_START_SECONDS = 10.0
_STOP_SECONDS = 3.0
_LOOK_EVERY = 0.02


class NatsProcess:
    """nats-server as Meshery Operator sets it up: a token for clients, and an open monitoring endpoint."""

    def __init__(self, program: str, folder: Path, clients: Endpoint, monitor: Endpoint, token: str) -> None:
        self._program = program
        self._places = (clients, monitor)
        self._process: Process | None = None
        self._log = folder / "nats.log"
        self._configuration = folder / "nats.conf"
        settings = {
            "listen": str(clients),
            "http": str(monitor),
            "server_name": "meshery-nats-0",
            "authorization": {"token": token},
        }
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))

    async def start(self) -> None:
        """Returns when it takes clients. Raises OSError with its last words when it does not."""
        with self._log.open("ab") as log:
            # In a session of its own, so that Ctrl-C in a terminal ends the agent before the Broker; a demo that is
            # killed takes it along.
            self._process = process = await create_subprocess_exec(
                *_ENDING_WITH_PARENT,
                str(getpid()),
                self._program,
                "-c",
                self._configuration,
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,
            )
        try:
            async with deadline(_START_SECONDS):
                while not await self._answers():
                    if process.returncode is not None:
                        raise OSError(f"{self._program} ended: {self._last_words()}")
                    await sleep(_LOOK_EVERY)
        except TimeoutError:
            raise OSError(f"{self._program} takes no clients: {self._last_words()}") from None

    async def stop(self) -> None:
        """Ends it and waits for its end."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with deadline(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _answers(self) -> bool:
        try:
            for place in self._places:
                _, writer = await open_connection(*place)
                writer.transport.abort()
        except OSError:
            return False
        return True

    def _last_words(self) -> str:
        return " / ".join(self._log.read_text(errors="replace").splitlines()[-3:])
