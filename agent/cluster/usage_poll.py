"""Asks the metrics API now and then: it has no watch, and no memory."""

from asyncio import sleep
from collections.abc import Mapping

import structlog

from agent.cluster.client import AnswerTooLargeError, ApiError, Cluster
from agent.cluster.listing import MOST_OBJECTS
from agent.cluster.packed import Packed
from agent.cluster.usage import usage_key
from agent.probes._json import JsonObject

_log = structlog.get_logger("agent.cluster")

_EVERY = 30.0
"""Seconds between two calls; metrics-server itself measures every 15 s."""


class UsagePoll:
    """What pods or nodes use, by name.

    Empty where the metrics API is not served, and while it cannot be asked: what was used then is not used now.
    """

    def __init__(self, cluster: Cluster, path: str) -> None:
        self._cluster = cluster
        self._path = path
        self._objects: dict[str, JsonObject] = {}
        self._problem = ""

    @property
    def objects(self) -> Mapping[str, JsonObject]:
        """What was measured last."""
        return self._objects

    async def run(self) -> None:
        """Asks for ever."""
        while True:
            try:
                self._objects = await self._ask()
                self._problem = ""
            except (ApiError, OSError) as error:
                self._objects = {}
                problem = str(error) or type(error).__name__
                if not self._problem:
                    _log.info("no usage of CPU and memory", path=self._path, problem=problem)
                self._problem = problem
            await sleep(_EVERY)

    async def _ask(self) -> dict[str, JsonObject]:
        objects: dict[str, JsonObject] = {}

        def take(entry: JsonObject) -> None:
            objects[usage_key(entry)] = Packed(entry)
            if len(objects) > MOST_OBJECTS:
                raise AnswerTooLargeError(f"there are more than {MOST_OBJECTS} objects in {self._path}")

        await self._cluster.read_list(self._path, take)
        return objects
