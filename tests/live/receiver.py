"""Stands in for pager, chat, ticket system and dead man's switch: notes what Alertmanager delivers to each."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.agent.support import Json

_OF_THE_MACHINE = "ReachdAgentLate"


def of_scenes(alerts: Iterable[Json]) -> list[Json]:
    """The alerts without the one that tells of the machine that runs the test, where that has too much to do."""
    return [alert for alert in alerts if alert["labels"]["alertname"] != _OF_THE_MACHINE]


@dataclass(frozen=True, slots=True)
class Notification:
    """What arrived for one group of alerts. `at` is Unix time; `alerts` are as Alertmanager's webhooks have them."""

    receiver: str
    at: float
    status: str
    group: dict[str, str]
    alerts: list[Json]

    @property
    def cluster(self) -> str:
        """The cluster that it is about; empty where it is about none."""
        return self.group.get("cluster", "")


@dataclass
class Receiver:
    """`url` and the name of a receiver make its address."""

    url: str = ""
    notifications: list[Notification] = field(default_factory=list)

    def of(self, cluster: str) -> list[Notification]:
        """What has arrived about one cluster, in order."""
        return [one for one in self.notifications if one.cluster == cluster]

    async def take(self, request: web.Request) -> web.Response:
        """Notes one notification."""
        document = await request.json()
        if alerts := of_scenes(document["alerts"]):
            status = "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved"
            receiver, group = request.match_info["name"], document["groupLabels"]
            self.notifications.append(Notification(receiver, time.time(), status, group, alerts))
        return web.Response()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port of loopback."""
    running = Receiver()
    application = web.Application()
    application.router.add_post("/{name}", running.take)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield running
    finally:
        await runner.cleanup()
