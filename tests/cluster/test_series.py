"""All series of a cluster: what is gone is gone, what is the same is made once, and a scrape stalls nobody."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from copy import deepcopy
from itertools import groupby
from time import thread_time

import pytest
from hypothesis import given, settings, strategies

from agent.cluster.series import ClusterSeries, Resource
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.catalogue import catalogue
from agent.metrics.exposition import Exposition
from agent.metrics.store import Store
from agent.metrics.text import Format
from tests.cluster.sample_objects import (
    DAEMONSET,
    DEPLOYMENT,
    LEASE,
    NODE,
    NODE_USAGE,
    POD,
    POD_USAGE,
    STATEFULSET,
    Json,
)
from tests.cluster.series_support import Listed, changed, listed, named, sample_lines, samples, text_of
from tests.metrics.support import OPENMETRICS, TEXT
from tests.servers.catalogue import find

ONE_OF_EACH = {
    Resource.NODES: NODE,
    Resource.LEASES: LEASE,
    Resource.DEPLOYMENTS: DEPLOYMENT,
    Resource.STATEFULSETS: STATEFULSET,
    Resource.DAEMONSETS: DAEMONSET,
    Resource.PODS: POD,
    Resource.POD_USAGE: POD_USAGE,
    Resource.NODE_USAGE: NODE_USAGE,
}


def sources() -> dict[Resource, Listed]:
    """A source with one object of each kind."""
    return {resource: listed(thing) for resource, thing in ONE_OF_EACH.items()}


def series_of(all_sources: dict[Resource, Listed], kube_state_metrics: bool = False) -> ClusterSeries:
    """The series of one source for each kind."""
    return ClusterSeries({resource: [source] for resource, source in all_sources.items()}, kube_state_metrics)


def pods(count: int) -> Listed:
    """A source with many pods."""
    return Listed({f"uid-{number}": numbered(POD, "pod", number) for number in range(count)})


def nodes(count: int) -> Listed:
    """A source with many nodes."""
    return Listed({f"uid-{number}": numbered(NODE, "node", number) for number in range(count)})


def numbered(thing: Json, name: str, number: int) -> Json:
    """One of many that differ by their name and their uid only."""
    identity = {"name": f"{name}-{number}", "uid": f"uid-{number}", "resourceVersion": "1"}
    return {**thing, "metadata": {**thing["metadata"], **identity}}


@pytest.mark.parametrize("form", Format)
def test_both_formats_say_the_same(form: Format) -> None:
    text = text_of(series_of(sources()), form)
    assert sample_lines(text) == sample_lines(text_of(series_of(sources())))
    known = {entry.family.name: entry.labels for entry in catalogue().cluster}
    for sample in samples(text, form):
        assert tuple(sample.labels) == known[sample.name]


def test_where_kube_state_metrics_runs_only_what_it_does_not_have_is_exported() -> None:
    every, own = (sample_lines(text_of(series_of(sources(), runs))) for runs in (False, True))
    assert own == [line for line in every if line.startswith("reachd_")]
    assert len(own) == 8


@pytest.mark.parametrize("resource", Resource)
def test_what_is_deleted_is_gone_with_the_next_scrape(resource: Resource) -> None:
    all_sources = sources()
    series = series_of(all_sources)
    before = text_of(series)
    all_sources[resource].objects.clear()
    after = text_of(series)
    assert set(sample_lines(after)) < set(sample_lines(before))
    assert text_of(series_of(all_sources)) == after


def test_the_lease_and_the_usage_of_a_deleted_object_go_with_it() -> None:
    all_sources = sources()
    series = series_of(all_sources)
    assert 'node="worker-1.example.internal"' in text_of(series)
    all_sources[Resource.NODES].objects.clear()
    all_sources[Resource.PODS].objects.clear()
    assert all(line.startswith(("kube_d", "kube_s")) for line in sample_lines(text_of(series)))


def test_leases_and_usage_stand_alone_where_nothing_else_is_watched() -> None:
    alone = {
        resource: listed(ONE_OF_EACH[resource])
        for resource in (Resource.LEASES, Resource.POD_USAGE, Resource.NODE_USAGE)
    }
    assert len(sample_lines(text_of(series_of(alone)))) == 7


def test_a_new_version_shows_and_the_text_of_the_same_version_is_kept() -> None:
    source = listed(NODE)
    series = ClusterSeries({Resource.NODES: [source]})
    cordoned = 'kube_node_spec_unschedulable{node="worker-1.example.internal"} '
    assert f"{cordoned}1" in text_of(series)
    same_version = changed(NODE, spec__unschedulable=False)
    source.objects = {"0": same_version}
    assert f"{cordoned}1" in text_of(series)
    source.objects = {"0": changed(same_version, metadata__resourceVersion="81235")}
    assert f"{cordoned}0" in text_of(series)


def test_objects_without_a_version_are_the_same_while_they_are_the_same_object() -> None:
    bare: Json = {"metadata": {"name": "n"}}
    source = listed(bare)
    series = ClusterSeries({Resource.NODES: [source]})
    text_of(series)
    source.objects = {"0": {**bare, "spec": {"unschedulable": True}}}
    assert 'kube_node_spec_unschedulable{node="n"} 1' in text_of(series)


def test_an_object_that_came_back_under_its_name_counts_once() -> None:
    old, new = NODE, changed(NODE, metadata__uid="new", metadata__resourceVersion="2", spec__unschedulable=False)
    found = sample_lines(text_of(ClusterSeries({Resource.NODES: [listed(old, new)]})))
    assert named("kube_node_spec_unschedulable", found) == ['{node="worker-1.example.internal"} 0']


def test_an_object_that_can_be_no_object_takes_no_other_with_it() -> None:
    source = listed(changed(POD, metadata__name="A"), POD, {}, {"metadata": None})
    assert sample_lines(text_of(ClusterSeries({Resource.PODS: [source]}))) == sample_lines(
        text_of(ClusterSeries({Resource.PODS: [listed(POD)]}))
    )


def test_all_namespaces_that_are_watched_are_together() -> None:
    here, there = pods(3), Listed({"x": changed(POD, metadata__namespace="elsewhere", metadata__uid="x")})
    text = text_of(ClusterSeries({Resource.PODS: [here, there]}))
    assert len(named("kube_pod_info", sample_lines(text))) == 4


@pytest.mark.parametrize("form", Format)
def test_families_are_in_one_piece_in_pieces_that_are_small(form: Format) -> None:
    series = ClusterSeries({Resource.NODES: [nodes(200)], Resource.PODS: [pods(200)]})
    pieces = list(series.texts(form))
    assert max(map(len, pieces)) < 50_000
    text = "".join(pieces)
    names = [name for name, _ in groupby(line.partition("{")[0] for line in sample_lines(text))]
    assert len(names) == len(set(names))
    headers = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(headers) == len(set(headers)) == len(names)
    assert len(list(samples(text, form))) == len(sample_lines(text)) == 200 * (17 + 25)


def exposition(series: ClusterSeries) -> Exposition:
    """What a reader scrapes."""
    return Exposition(Store(), AgentMetrics(), series.texts)


async def scrape(exposed: Exposition, accept: str = OPENMETRICS) -> str:
    """One scrape."""
    _, body = exposed.render(accept, "")
    return b"".join([chunk async for chunk in body]).decode()


@pytest.mark.parametrize("accept", [TEXT, OPENMETRICS])
async def test_a_scrape_has_them_beside_all_others(accept: str) -> None:
    text = await scrape(exposition(series_of(sources())), accept)
    assert 'kube_node_spec_unschedulable{node="worker-1.example.internal"} 1\n' in text
    assert 'reachd_checks{state="up"} 0\n' in text
    assert "reachd_build_info" in text
    assert text.endswith("# EOF\n") is (accept == OPENMETRICS)


async def test_objects_that_come_and_go_during_a_scrape_do_not_disturb_it() -> None:
    source = pods(3000)
    exposed = exposition(ClusterSeries({Resource.PODS: [source]}))
    _, body = exposed.render(OPENMETRICS, "")
    chunks = [await anext(body)]
    source.objects = dict(list(source.objects.items())[1500:])
    source.objects["new"] = changed(POD, metadata__uid="new", metadata__name="new")
    chunks += [chunk async for chunk in body]
    during = named("kube_pod_info", b"".join(chunks).decode().splitlines())
    after = named("kube_pod_info", (await scrape(exposed)).splitlines())
    assert len(during) == 3000
    assert len(after) == 1501
    assert sum('pod="new"' in line for line in during) == 0
    assert sum('pod="new"' in line for line in after) == 1


async def test_scrapes_at_the_same_time_say_the_same_and_leave_the_loop_to_others() -> None:
    exposed = exposition(ClusterSeries({Resource.NODES: [nodes(1000)], Resource.PODS: [pods(2000)]}))
    scrapes = [asyncio.create_task(scrape(exposed)) for _ in range(3)]
    stalls = []
    while not all(task.done() for task in scrapes):
        began = thread_time()  # of this thread alone: the machine may have other work
        await asyncio.sleep(0)
        stalls.append(thread_time() - began)
    texts = [[line for line in (await task).splitlines() if line.startswith("kube_")] for task in scrapes]
    assert texts[0] == texts[1] == texts[2]
    assert len(stalls) > 50
    assert sorted(stalls)[-len(stalls) // 20] < 0.02


json = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=9),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=9), inner),
    max_leaves=5,
)


def places(thing: object) -> list[tuple[object, ...]]:
    """The paths of everything in an object."""
    entries = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [(key, *rest) for key, value in entries for rest in ((), *places(value))]


@settings(max_examples=300)
@given(strategies.data())
def test_no_object_breaks_the_exposition(data: strategies.DataObject) -> None:
    resource, original = data.draw(strategies.sampled_from(sorted(ONE_OF_EACH.items(), key=lambda entry: entry[0])))
    thing: Json = deepcopy(original)
    for _ in range(data.draw(strategies.integers(1, 3))):
        *parents, last = data.draw(strategies.sampled_from(places(thing) or [("metadata",)]))
        section = thing
        for parent in parents:
            section = section[parent]  # type: ignore[index]
        section[last] = data.draw(json)  # type: ignore[index]
    for form in Format:
        text_of(ClusterSeries({resource: [listed(thing)]}), form)


@pytest.mark.servers("promtool")
async def test_promtool_finds_nothing() -> None:
    promtool = find("promtool")
    assert promtool is not None
    process = await asyncio.create_subprocess_exec(promtool, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate(text_of(series_of(sources())).encode())
    assert (process.returncode, said) == (0, b"")
