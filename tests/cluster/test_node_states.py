"""The documented queries tell nodes apart: Prometheus' own engine asks them of what is exported."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import yaml

from agent.cluster.series import ClusterSeries, Resource
from agent.metrics.node_states import NODE_STATES
from tests.cluster.sample_objects import LEASE, NODE, POD, Json
from tests.cluster.series_support import changed, listed, sample_lines, text_of
from tests.servers.catalogue import find

NOW = "30d"
"""Where promtool's clock is; it begins with 1970."""
OLD, YOUNG = "1970-01-02T00:00:00Z", "1970-01-30T23:55:00Z"
READY, NOT_READY = [{"type": "Ready", "status": "True"}], [{"type": "Ready", "status": "False"}]


def node(name: str, **changes: object) -> Json:
    """A node that is fine, but for the changes."""
    fine = changed(
        NODE,
        metadata__name=name,
        metadata__creationTimestamp=OLD,
        spec__unschedulable=False,
        spec__taints=[],
        status__conditions=READY,
    )
    return changed(fine, **changes)


def pod(node_name: str, owner: str = "ReplicaSet", leaving: bool = False, phase: str = "Running") -> Json:
    """A pod on a node."""
    name = f"{owner.lower()}-{node_name}"
    return changed(
        POD,
        metadata__name=name,
        metadata__uid=name,
        metadata__ownerReferences=[{"kind": owner, "name": "x", "controller": True}],
        metadata__deletionTimestamp="1970-01-31T00:00:10Z" if leaving else "",
        spec__nodeName=node_name,
        status__phase=phase,
    )


def lease(name: str, renewed: str) -> Json:
    """The lease of a node."""
    return changed(LEASE, metadata__name=name, spec__renewTime=renewed)


def taint(key: str) -> list[Json]:
    """What an autoscaler puts on a node that it removes."""
    return [{"key": key, "effect": "NoSchedule"}]


NODES = [
    node("fine"),
    node("fresh", metadata__creationTimestamp=YOUNG, status__conditions=NOT_READY),
    node("fresh-and-cordoned", metadata__creationTimestamp=YOUNG, spec__unschedulable=True),
    node("cordoned", spec__unschedulable=True),
    node("draining", spec__unschedulable=True),
    node("tainted", spec__taints=taint("ToBeDeletedByClusterAutoscaler")),
    node("karpenter", spec__taints=taint("karpenter.sh/disrupted")),
    node("told", spec__unschedulable=True, status__conditions=[*READY, {"type": "DrainInProgress", "status": "True"}]),
    node("drained", spec__unschedulable=True),
    node("rollout"),
    node("lost", status__conditions=[{"type": "Ready", "status": "Unknown"}]),
]
PODS = [
    *[pod(name) for name in ("fine", "cordoned", "told", "fresh-and-cordoned", "lost")],
    *[pod(name, leaving=True) for name in ("draining", "tainted", "karpenter", "rollout")],
    *[pod(name, "DaemonSet", leaving=True) for name in ("cordoned", "drained")],
    pod("drained", "Node"),
    pod("drained", "Job", phase="Succeeded"),
]
LEASES = [lease("fine", "1970-01-30T23:59:45.000000Z"), lease("lost", "1970-01-30T23:50:00.000000Z")]
KNOWN, UNKNOWN = "reachd_all_pods_watched 1", "reachd_all_pods_watched 0"
"""What an agent exports besides: whether it watches the pods of all namespaces."""
EXPECTED = {
    "cordoned": {"cordoned", "fresh-and-cordoned", "drained"},
    "draining": {"draining", "tainted", "karpenter", "told"},
    "drained": {"drained"},
    "freshly joined": {"fresh"},
    "not ready": {"fresh", "lost"},
    "silent": {"lost"},
}


def exported(nodes: list[Json], pods: list[Json], leases: list[Json]) -> list[str]:
    """The lines of all these."""
    return sample_lines(
        text_of(
            ClusterSeries(
                {
                    Resource.NODES: [listed(*nodes)],
                    Resource.PODS: [listed(*pods)],
                    Resource.LEASES: [listed(*leases)],
                }
            )
        )
    )


def input_series(lines: list[str], labels: str) -> list[Json]:
    """The lines as promtool takes them, as if scraped from a target with these labels."""
    split = [line.rpartition(" ") for line in lines]
    return [
        {"series": f"{key[:-1]},{labels}}}" if key.endswith("}") else f"{key}{{{labels}}}", "values": f"{value}x1"}
        for key, _, value in split
    ]


def all_draining() -> list[str]:
    """The lines of another cluster, whose nodes have the same names, are young, and are all being drained."""
    names = [item["metadata"]["name"] for item in NODES]
    return exported(
        [node(name, metadata__creationTimestamp=YOUNG, spec__unschedulable=True) for name in names],
        [pod(name, leaving=True) for name in names],
        [lease(name, "1970-01-30T23:59:45.000000Z") for name in names],
    )


async def assert_states(folder: Path, series: list[Json], expected: Mapping[str, Iterable[str]]) -> None:
    """That the queries find these series, by state."""
    queries = [
        {
            "expr": f"count by (cluster, node) ({state.query})",
            "eval_time": NOW,
            "exp_samples": [{"labels": labels, "value": 1} for labels in expected[state.name]],
        }
        for state in NODE_STATES
    ]
    test = {"interval": NOW, "input_series": series, "promql_expr_test": queries}
    document = {"evaluation_interval": NOW, "tests": [test]}
    file = folder / "states.yaml"
    file.write_text(yaml.safe_dump(document))
    promtool = find("promtool")
    assert promtool is not None
    process = await asyncio.create_subprocess_exec(promtool, "test", "rules", file, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest.mark.servers("promtool")
@pytest.mark.parametrize("several", [False, True], ids=["alone", "beside-another-cluster"])
@pytest.mark.parametrize("also", [False, True], ids=["alone", "beside-kube-state-metrics"])
async def test_states_of_nodes_are_told_apart(tmp_path: Path, also: bool, several: bool) -> None:
    assert {state.name for state in NODE_STATES} == set(EXPECTED)
    lines = [*exported(NODES, PODS, LEASES), KNOWN]
    expected = {state: {f'{{node="{name}"}}' for name in names} for state, names in EXPECTED.items()}
    series = input_series(lines, 'job="reachd"')
    if also:
        series += input_series([line for line in lines if line.startswith("kube_")], 'job="kube-state-metrics"')
    if several:
        series += input_series(all_draining(), 'job="reachd",cluster="west"')
        expected["draining"] |= {f'{{cluster="west",node="{item["metadata"]["name"]}"}}' for item in NODES}
    await assert_states(tmp_path, series, expected)


@pytest.mark.servers("promtool")
@pytest.mark.parametrize("said", [[UNKNOWN], []], ids=["some-namespaces", "no-agent"])
async def test_no_node_is_drained_where_there_may_be_pods_that_nobody_watches(tmp_path: Path, said: list[str]) -> None:
    expected = {state: {f'{{node="{name}"}}' for name in names} for state, names in EXPECTED.items()}
    series = input_series([*exported(NODES, PODS, LEASES), *said], 'job="reachd"')
    series += input_series([KNOWN], 'job="reachd",cluster="west"')
    await assert_states(tmp_path, series, {**expected, "drained": set()})
