"""Prometheus and Alertmanager with the generated files, from the scrape to the receivers."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientSession

from alerts import alertmanager as routing
from alerts.__main__ import rule_files, text
from alerts.rule import Links
from alerts.timing import Timing
from tests.agent.support import Json
from tests.live.entered import entered
from tests.live.receiver import Receiver, of_scenes, receiver
from tests.servers.process import Server
from tests.servers.run import alertmanager, prometheus

LINKS = Links("https://runbooks.test/reachd", "https://grafana.test")


@dataclass(frozen=True, slots=True)
class Chain:
    """A running Prometheus, a running Alertmanager, and what was delivered."""

    timing: Timing
    receiver: Receiver
    prometheus: Server
    alertmanager: Server
    session: ClientSession

    async def query(self, expression: str) -> list[Json]:
        """The result of an instant query."""
        async with self.session.get(f"{self.prometheus.url}/api/v1/query", params={"query": expression}) as response:
            document = await response.json()
        assert document["status"] == "success", document
        found: list[Json] = document["data"]["result"]
        return found

    async def alerts(self) -> dict[str, list[Json]]:
        """Alertmanager's alerts with their status, by the cluster that they are about."""
        async with self.session.get(f"{self.alertmanager.url}/api/v2/alerts") as response:
            alerts: list[Json] = await response.json()
        found: dict[str, list[Json]] = {}
        for alert in of_scenes(alerts):
            found.setdefault(alert["labels"].get("cluster", ""), []).append(alert)
        return found


@asynccontextmanager
async def chain(scale: int, targets: Mapping[str, str], folder: Path) -> AsyncIterator[Chain]:
    """Scrapes `targets`, addresses by the cluster to label them with, every 15 s divided by `scale`.

    The agents must answer already: the rules know of none before the first scrape.
    """
    timing = Timing(scale)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(receiver())
        session = await stack.enter_async_context(ClientSession())
        pager = alertmanager(yaml.safe_dump(with_webhooks(routing.document(timing), running.url)))
        alerting = await stack.enter_async_context(entered(pager))
        rules = _write_rules(timing, folder)
        configuration = yaml.safe_dump(_configuration(timing, targets, rules, alerting.address))
        scraper = prometheus(configuration, resend_delay=timing("1m"))
        scraping = await stack.enter_async_context(entered(scraper))
        yield Chain(timing, running, scraping, alerting, session)


def with_webhooks(document: Mapping[str, Any], url: str) -> Json:
    """The configuration with a webhook in place of whatever each receiver sends to; all else is as it was."""
    changed: Json = {**copy.deepcopy(dict(document))}
    changed["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": f"{url}/{one['name']}", "send_resolved": _resolves(one)}]}
        for one in changed["receivers"]
    ]
    return changed


def _resolves(one: Mapping[str, Any]) -> bool:
    sent = [config.get("send_resolved", True) for key, configs in one.items() if key != "name" for config in configs]
    return all(sent)


def _write_rules(timing: Timing, folder: Path) -> list[str]:
    files = []
    for name, rules in rule_files(timing, LINKS).items():
        file = folder / f"{name}.yaml"
        file.write_text(text(rules))
        files.append(str(file))
    return files


def _configuration(timing: Timing, targets: Mapping[str, str], rules: list[str], alerting: str) -> Json:
    interval = timing("15s")
    groups = [{"targets": [address], "labels": {"cluster": cluster}} for cluster, address in targets.items()]
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": rules,
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerting]}]}]},
        "scrape_configs": [{"job_name": "reachd", "static_configs": groups}],
    }
