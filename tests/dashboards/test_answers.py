"""Everything that dashboards and rules ask is answered by a real Prometheus, with the rules and real agents."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession
from promql_parser import parse

from alerts.__main__ import ROOT
from tests.dashboards import cluster_objects
from tests.dashboards.documents import DASHBOARDS, Asked, asked, filled, of_panels, used_variables
from tests.dashboards.promql import selectors
from tests.dashboards.world import CLUSTER, DEPLOYMENTS, NEEDED, world
from tests.servers.catalogue import find

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.servers(*NEEDED)]

SECONDS = 90.0
"""For all to be answered, while nothing is broken and again while something is."""

FAULTS = ("broker-down", "certificate-expired")
ONLY_WHILE_BROKEN = re.compile(
    r"Failing now|Blocked now|Failed runs|Why it is down|Errors: reasons|Why handshakes fail|Alerts"
    r"|annotation (Alerts|Rollouts)"
)
"""There is nothing to show in these unless something is down, or somebody changes something."""

NOT_IN_THIS_WORLD = (
    "nats_server_certificate_expiry_timestamp_seconds",  # the demo's Broker has no TLS
    "kube_pod_deletion_timestamp",  # nobody drains a node
    'kind="callback"',  # runs once a minute, and is blocked by then
    'kube_node_status_condition{condition="DrainInProgress"',
    "kube_node_spec_taint",
    "kube_pod_init_container_status_waiting_reason",
    'kube_pod_init_container_resource_limits{resource="cpu"',  # that of the sample has one of memory
    'probe_failing{reason="unexpectedly_open"}',
    'probe_failing{component="broker",reason="shutting_down"}',
    'reason="tls_expired"',
    'alertname="ReachdErrorBudgetBurn"',
    '"ReachdPartlyDown"',  # what is down is so from everywhere
    'reason=~"address_forbidden',
    'code=~"5.."',
    "agent:reachd_superseded:max",  # the observer is not cut off
    "agent:probe_watching_timestamp_seconds:followed",  # no agent ends
    'source=~"dns|files"',
)
"""What rules ask for and only other faults would show; promtool's cases have it."""

VALUES = {"cluster": CLUSTER, "deployment": DEPLOYMENTS, "__rate_interval": "10s", "__range": "10m"}
"""All other variables are left at "All"."""


def as_grafana_asks(each: Asked) -> str:
    """The query with values for its variables. What looks back from an hour ago looks back from a second ago."""
    values = {name: VALUES.get(name, ".+") for name in used_variables(each.expr)}
    return filled(each.expr, values).replace("offset 1h", "offset 1s")


def of_rules() -> list[Asked]:
    """Each selector of each rule, as a question."""
    found = {}
    for file in sorted((ROOT / "alerts" / "rules").glob("*.yaml")):
        for rule in [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]:
            for selector in selectors(parse(rule["expr"])):
                text = selector.prettify().partition(" offset ")[0]
                found[text] = Asked(f"rule {rule.get('alert') or rule['record']}", f"last_over_time({text}[5m])")
    return [asked for text, asked in found.items() if not any(part in text for part in NOT_IN_THIS_WORLD)]


async def unanswered(session: ClientSession, queries: Iterable[Asked]) -> list[Asked]:
    """Those of the queries that find nothing. One that Prometheus refuses is an AssertionError."""
    found = []
    for each in queries:
        async with session.post("query", data={"query": as_grafana_asks(each)}) as response:
            answer = json.loads(await response.text())
        assert answer["status"] == "success", (each, answer)
        if not answer["data"]["result"]:
            found.append(each)
    return found


async def until_answered(session: ClientSession, queries: list[Asked]) -> None:
    """Waits until each of the queries has found something, be it not at the same time."""
    deadline = time.monotonic() + SECONDS
    while queries := await unanswered(session, queries):
        if time.monotonic() > deadline:
            lines = [f"{each.where}: {as_grafana_asks(each)}" for each in queries]
            pytest.fail("\n".join(["unanswered:", *lines]), pytrace=False)
        await asyncio.sleep(0.2)


async def test_every_query_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nats = find("nats-server")
    assert nats is not None
    monkeypatch.setenv("PATH", f"{nats.parent}{os.pathsep}{os.environ['PATH']}")  # where the demo looks for it
    everything = [each for dashboard in DASHBOARDS.values() for each in asked(dashboard)]
    later = [each for each in everything if ONLY_WHILE_BROKEN.search(each.where)]
    async with world(tmp_path) as running, ClientSession(f"{running.prometheus.url}/api/v1/") as session:
        await until_answered(session, [each for each in everything if each not in later])
        await exemplars_are_there(session)
        for fault in FAULTS:
            await running.faults.set(fault, True)
        await asyncio.to_thread(cluster_objects.roll_out, running.cluster.admin)
        await until_answered(session, [*later, *of_rules()])


async def exemplars_are_there(session: ClientSession) -> None:
    """What panels show as dots: the traces of single runs."""
    for each in [each for dashboard in DASHBOARDS.values() for each in of_panels(dashboard)]:
        if "probe_latency_seconds_bucket" in each.expr:
            now = time.time()
            data = {"query": as_grafana_asks(each), "start": str(now - 300), "end": str(now)}
            async with session.post("query_exemplars", data=data) as response:
                series = json.loads(await response.text())["data"]
            assert any(exemplar["labels"]["trace_id"] for one in series for exemplar in one["exemplars"]), each
