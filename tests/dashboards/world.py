"""A whole installation to look at: a simulated Meshery, a real cluster, two real agents, and a real Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from agent.demo.configuration import write_configuration
from agent.demo.faults import Switchboard
from agent.demo.simulation import Simulation, simulated_meshery
from alerts.__main__ import rule_files, text
from alerts.rule import Links
from alerts.timing import Timing
from tests.agent.support import AgentProcess, agent_process, check
from tests.dashboards import cluster_objects
from tests.dashboards.foreign_metrics import foreign_metrics
from tests.probes.support import authority
from tests.servers.kubernetes import Cluster, cluster
from tests.servers.process import Server
from tests.servers.run import collector, dnsmasq, nats_server, prometheus

SCALE = 60
"""What all durations of the rules are divided by, so that alerts fire while the test looks."""

CLUSTER = "east"
DEPLOYMENTS = "demo|default"
NEEDED = (
    *("nats-server", "nats-server-2.14", "dnsmasq", "prometheus", "rotel"),
    *("etcd", "kube-apiserver"),
)


@dataclass(frozen=True, slots=True)
class World:
    """What a test can look at, and what it can break."""

    prometheus: Server
    faults: Switchboard
    cluster: Cluster


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Everything, started; nothing is broken but what the cluster's objects say."""
    async with AsyncExitStack() as stack:
        kubernetes = await asyncio.to_thread(stack.enter_context, cluster())
        await asyncio.to_thread(cluster_objects.define_usage, kubernetes.admin)
        await asyncio.to_thread(cluster_objects.create, kubernetes.admin)
        await asyncio.to_thread(cluster_objects.use, kubernetes.admin)
        simulation = await stack.enter_async_context(simulated_meshery())
        assert simulation.broker.is_real
        traces = await asyncio.to_thread(stack.enter_context, collector())
        extra = {
            "checks": await asyncio.to_thread(_checks, stack, folder),
            "otlp": {"endpoint": traces.url, "success_ratio": 1.0},
            "kubernetes": {
                "kubeconfig": str(kubernetes.kubeconfig(namespace=cluster_objects.NAMESPACE)),
                "namespaces": [cluster_objects.NAMESPACE],
                "election": {"name": "reachd-observer", "namespace": cluster_objects.NAMESPACE},
            },
        }
        watching = await _agent(stack, folder / "all", simulation, ("server", "client", "operations"), extra)
        beside = await _agent(stack, folder / "beside", simulation, ("server",), {})
        others = await stack.enter_async_context(foreign_metrics())
        config = _scrape(folder, [agent.address.removeprefix("http://") for agent in (watching, beside)], others)
        server = await asyncio.to_thread(stack.enter_context, prometheus(config))
        yield World(server, Switchboard(simulation), kubernetes)


def _checks(stack: AsyncExitStack, folder: Path) -> list[dict[str, object]]:
    """Checks of what the simulation has none of: a name, and a Broker with TLS and with streams."""
    pem = folder / "broker.pem"
    authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    config = f'tls {{ cert_file: "{pem}", key_file: "{pem}" }}\njetstream {{ store_dir: "{folder / "streams"}" }}'
    broker = stack.enter_context(nats_server(program="nats-server-2.14", config=config))
    names = stack.enter_context(dnsmasq("--host-record=meshery.test,127.0.0.1"))
    return [
        check("name", "dns", name="meshery.test", server=names.address),
        check("streams", "nats_monitor", url=broker.monitor_url),
    ]


async def _agent(
    stack: AsyncExitStack, folder: Path, simulation: Simulation, vantages: tuple[str, ...], extra: Mapping[str, object]
) -> AgentProcess:
    def start() -> AgentProcess:
        folder.mkdir()
        written = yaml.safe_load(write_configuration(simulation, "127.0.0.1:0", vantages).read_text())
        return stack.enter_context(agent_process(folder, {**written, "log": {"format": "json"}, **extra}))

    return await asyncio.to_thread(start)


def _scrape(folder: Path, agents: list[str], others: str) -> str:
    for name, rules in rule_files(Timing(SCALE), Links()).items():
        (folder / f"{name}.yaml").write_text(text(rules))
    every = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "honor_labels": True}
    labels = {"cluster": CLUSTER}
    jobs = {"reachd": agents, "others": [others]}
    return yaml.safe_dump(
        {
            "rule_files": [str(folder / "reachd-*.yaml")],
            "scrape_configs": [
                {"job_name": job, **every, "static_configs": [{"targets": targets, "labels": labels}]}
                for job, targets in jobs.items()
            ],
        }
    )
