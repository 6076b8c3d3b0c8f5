"""Messages through the Broker of a simulation, since its clients are only connected and say nothing."""

import asyncio
from contextlib import suppress
from math import sin

import nats
from nats.errors import Error

from agent.demo.simulation import Simulation

_SUBJECT = "meshery.meshsync.core"
_EVERY = 0.05
_BYTES = 600


async def chatter(simulation: Simulation) -> None:
    """Publishes and listens until it is cancelled; waits where the Broker is gone."""
    loop = asyncio.get_running_loop()
    while True:
        with suppress(Error, OSError):
            client = await nats.connect(
                f"nats://{simulation.broker.place}",
                token=simulation.secrets.broker_token.text,
                allow_reconnect=False,
                error_cb=_nothing,
                name="chatter",
            )
            await client.subscribe(_SUBJECT)
            while client.is_connected:
                size = int(_BYTES * (1.5 + sin(loop.time() / 60)))
                await client.publish(_SUBJECT, b"x" * size)
                await asyncio.sleep(_EVERY * (1.5 + sin(loop.time() / 45)))
        await asyncio.sleep(1)


async def _nothing(_: Exception) -> None:
    """A Broker that is gone is part of the script."""
