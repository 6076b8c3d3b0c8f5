"""What the metrics API measured becomes series of reachd's own."""

from asyncio import create_task
from pathlib import Path

import pytest

from agent.cluster.client import connect
from agent.cluster.packed import unpacked
from agent.cluster.series import ClusterSeries, Resource
from agent.cluster.usage import usage_key
from agent.cluster.usage_poll import UsagePoll
from agent.probes._network import Network
from agent.settings.kubernetes import KubernetesSettings
from tests.cluster.sample_objects import NODE_USAGE, POD_USAGE
from tests.cluster.series_support import Listed, changed, lines, sample_lines, text_of
from tests.cluster.support import until
from tests.commands.support import kubeconfig
from tests.probes.pages import page, serving_pages
from tests.probes.support import serving

PODS = "/apis/metrics.k8s.io/v1beta1/pods"

POD_LINES = """
reachd_pod_container_cpu_usage_cores{namespace="meshery",pod="meshery-6c9f7d8b5-x2x4v",container="meshery"} 0.123456789
reachd_pod_container_cpu_usage_cores{namespace="meshery",pod="meshery-6c9f7d8b5-x2x4v",container="reachd"} 0.0015
reachd_pod_container_memory_working_set_bytes{namespace="meshery",pod="meshery-6c9f7d8b5-x2x4v",container="meshery"} 353972224
reachd_pod_container_memory_working_set_bytes{namespace="meshery",pod="meshery-6c9f7d8b5-x2x4v",container="reachd"} 42991616
"""  # noqa: E501 - exported lines have the length that they have
NODE_LINES = """
reachd_node_cpu_usage_cores{node="worker-1.example.internal"} 1.937440112
reachd_node_memory_working_set_bytes{node="worker-1.example.internal"} 9545199616
"""


def test_the_lines_of_usage() -> None:
    assert lines(Resource.POD_USAGE, POD_USAGE) == POD_LINES.strip().splitlines()
    assert lines(Resource.NODE_USAGE, NODE_USAGE) == NODE_LINES.strip().splitlines()


def test_a_source_that_loses_entries_loses_their_series() -> None:
    other = changed(POD_USAGE, metadata__name="other")
    source = Listed({usage_key(each): each for each in (POD_USAGE, other)})
    series = ClusterSeries({Resource.POD_USAGE: [source]})
    assert len(sample_lines(text_of(series))) == 8
    source.objects = {usage_key(other): changed(other, containers=[])}
    assert sample_lines(text_of(series)) == []


async def test_usage_is_asked_for_and_ends_where_it_is_served_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.cluster.usage_poll._EVERY", 0.01)
    other = changed(POD_USAGE, metadata__name="other")
    pages = {PODS: page({"kind": "PodMetricsList", "items": [POD_USAGE, None, 7, [], other]})}
    async with serving(serving_pages(pages)) as server:
        cluster = connect(KubernetesSettings(kubeconfig=kubeconfig(tmp_path, server.address)), Network())
        poll = UsagePoll(cluster, PODS)
        asking = create_task(poll.run())
        try:
            await until(lambda: len(poll.objects) == 2)
            kept = poll.objects[usage_key(POD_USAGE)]
            assert lines(Resource.POD_USAGE, unpacked(kept)) == POD_LINES.strip().splitlines()
            del pages[PODS]
            await until(lambda: not poll.objects)
        finally:
            asking.cancel()
            await cluster.close()


def test_a_new_measurement_counts_even_if_it_says_that_it_is_an_old_version() -> None:
    before = changed(NODE_USAGE, metadata__resourceVersion="1")
    source = Listed({"n": before})
    series = ClusterSeries({Resource.NODE_USAGE: [source]})
    text_of(series)
    source.objects = {"n": changed(before, usage__cpu="2")}
    assert 'cores{node="worker-1.example.internal"} 2\n' in text_of(series)


@pytest.mark.parametrize(
    ("path", "value", "count"),
    [
        ("containers", None, 0),
        ("containers", {}, 0),
        ("containers", [None, 7, {}, {"name": 'a"', "usage": {"cpu": "1"}}, {"name": "a", "usage": []}], 0),
        ("containers", [{"name": "a", "usage": {"cpu": "much", "memory": "1Ki"}}], 1),
        ("containers", [{"name": "a", "usage": {"cpu": "1"}}, {"name": "a", "usage": {"cpu": "2"}}], 1),
        ("metadata__namespace", None, 0),
        ("metadata__name", "A", 0),
    ],
)
def test_absurd_measurements_break_nothing(path: str, value: object, count: int) -> None:
    assert len(lines(Resource.POD_USAGE, changed(POD_USAGE, **{path: value}))) == count


@pytest.mark.parametrize(("path", "value"), [("usage", None), ("usage", []), ("metadata__name", "x y")])
def test_absurd_nodes_break_nothing(path: str, value: object) -> None:
    assert lines(Resource.NODE_USAGE, changed(NODE_USAGE, **{path: value})) == []
