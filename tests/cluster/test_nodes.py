"""Nodes and their leases become the series of kube-state-metrics, and nothing that a node says breaks them."""

import pytest

from agent.cluster.series import Resource
from tests.cluster.sample_objects import LEASE, NODE, Json
from tests.cluster.series_support import changed, lines, named

LINES = r"""
kube_node_created{node="worker-1.example.internal"} 1772346600
kube_node_info{node="worker-1.example.internal",kernel_version="6.8.0-60-generic",os_image="Debian GNU/Linux 12 \"bookworm\"",container_runtime_version="containerd://2.1.1",kubelet_version="v1.37.2",kubeproxy_version="deprecated",provider_id="kind://docker/east/worker-1",pod_cidr="10.244.3.0/24",system_uuid="c5f1ab0f-6a1c-4a8a-8f2b-6a7d8bb4c1de",internal_ip="172.18.0.3"} 1
kube_node_spec_taint{node="worker-1.example.internal",key="node.kubernetes.io/unschedulable",value="",effect="NoSchedule"} 1
kube_node_spec_taint{node="worker-1.example.internal",key="dedicated",value="broker",effect="NoExecute"} 1
kube_node_spec_unschedulable{node="worker-1.example.internal"} 1
kube_node_status_allocatable{node="worker-1.example.internal",resource="cpu",unit="core"} 7.91
kube_node_status_allocatable{node="worker-1.example.internal",resource="memory",unit="byte"} 32628453376
kube_node_status_allocatable{node="worker-1.example.internal",resource="pods",unit="integer"} 110
kube_node_status_capacity{node="worker-1.example.internal",resource="cpu",unit="core"} 8
kube_node_status_capacity{node="worker-1.example.internal",resource="memory",unit="byte"} 33677029376
kube_node_status_capacity{node="worker-1.example.internal",resource="pods",unit="integer"} 110
kube_node_status_condition{node="worker-1.example.internal",condition="MemoryPressure",status="true"} 0
kube_node_status_condition{node="worker-1.example.internal",condition="MemoryPressure",status="false"} 1
kube_node_status_condition{node="worker-1.example.internal",condition="MemoryPressure",status="unknown"} 0
kube_node_status_condition{node="worker-1.example.internal",condition="Ready",status="true"} 0
kube_node_status_condition{node="worker-1.example.internal",condition="Ready",status="false"} 0
kube_node_status_condition{node="worker-1.example.internal",condition="Ready",status="unknown"} 1
"""  # noqa: E501 - exported lines have the length that they have


def test_the_lines_of_a_node() -> None:
    assert lines(Resource.NODES, NODE) == LINES.strip().splitlines()


def test_a_node_that_goes_away() -> None:
    leaving = changed(NODE, metadata__deletionTimestamp="2026-03-02T06:30:00Z", spec__unschedulable=None)
    found = lines(Resource.NODES, leaving)
    assert named("kube_node_deletion_timestamp", found) == ['{node="worker-1.example.internal"} 1772433000']
    assert named("kube_node_spec_unschedulable", found) == ['{node="worker-1.example.internal"} 0']


@pytest.mark.parametrize(
    "time",
    [
        "2026",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-03-01T06:30:00",
        "",
        None,
        7,
        1e300,
        [],
        "x" * 10**6,
    ],
    ids=lambda time: str(time)[:20],
)
def test_what_is_no_time_has_no_line(time: object) -> None:
    found = lines(Resource.NODES, changed(NODE, metadata__creationTimestamp=time, metadata__deletionTimestamp=time))
    assert named("kube_node_created", found) == named("kube_node_deletion_timestamp", found) == []
    assert len(found) == len(LINES.strip().splitlines()) - 1


@pytest.mark.parametrize(
    ("addresses", "exported"),
    [
        ([{"type": "InternalIP", "address": "fd00::3"}], "fd00::3"),
        ([{"type": "InternalIP", "address": address} for address in ("10.0.0.1", "10.0.0.2")], "10.0.0.2"),
        ([{"type": "InternalIP", "address": "fe80::1%eth0"}], ""),
        ([{"type": "InternalIP", "address": 'x"'}], ""),
        ([{"type": "InternalIP", "address": []}], ""),
        ([{"type": "ExternalIP", "address": "10.0.0.1"}], ""),
        ([None, 7], ""),
        ({}, ""),
    ],
)
def test_the_internal_address_is_one(addresses: object, exported: str) -> None:
    (line,) = named("kube_node_info", lines(Resource.NODES, changed(NODE, status__addresses=addresses)))
    assert line.endswith(f',internal_ip="{exported}"}} 1')


def test_a_bare_node_has_what_can_be_said_of_it() -> None:
    assert lines(Resource.NODES, {"metadata": {"name": "n"}}) == [
        'kube_node_info{node="n",kernel_version="",os_image="",container_runtime_version="",kubelet_version="",'
        'kubeproxy_version="deprecated",provider_id="",pod_cidr="",system_uuid="",internal_ip=""} 1',
        'kube_node_spec_unschedulable{node="n"} 0',
    ]


@pytest.mark.parametrize(
    "name",
    ["", "N", "a_b", "-a", "a-", "a..b", ".a", "a.", 'a"b', "a\n", "a b", "é", "a" * 254, None, 7, ["a"], {"a": "b"}],
    ids=repr,
)
def test_a_node_with_a_name_that_is_none_is_left_out(name: object) -> None:
    assert lines(Resource.NODES, changed(NODE, metadata__name=name)) == []


@pytest.mark.parametrize("name", ["a", "0", "a-0.b", "ip-10-0-0-1.eu-west-1.compute.internal", "a--b", "a" * 253])
def test_every_name_that_kubernetes_allows_is_one(name: str) -> None:
    assert named("kube_node_spec_unschedulable", lines(Resource.NODES, changed(NODE, metadata__name=name))) == [
        f'{{node="{name}"}} 1'
    ]


def test_a_name_that_is_hard_to_match_takes_no_time() -> None:
    assert lines(Resource.NODES, *[changed(NODE, metadata__name="a-" * 126 + "!") for _ in range(1000)]) == []


@pytest.mark.parametrize("section", ["metadata", "spec", "status"])
@pytest.mark.parametrize("value", [None, [], "text", 7, True, {"x": []}], ids=repr)
def test_a_section_of_another_type_is_as_good_as_none(section: str, value: object) -> None:
    found = lines(Resource.NODES, {**NODE, section: value})
    assert bool(found) is (section != "metadata")


ABSURD: dict[str, list[object]] = {
    "spec__taints": [None, {}, "x", [None, 7, [], {}, {"key": 1}, {"key": 'a"b'}, {"key": "a", "value": "b c"}]],
    "spec__unschedulable": ["true", 1, []],
    "status__capacity": [[], {"cpu": -1, "memory": "1GiB", "pods": []}],
    "status__conditions": [
        {"type": "Ready", "status": "True"},
        [None, {}, {"type": 7}, {"type": "Ready", "status": {}}, {"type": "Owned\n1", "status": "True"}],
    ],
    "status__nodeInfo": [[], {"osImage": 5, "kernelVersion": 'a\\"}\n\0\x7f\ud800' * 50, "systemUUID": ["x"]}],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in ABSURD.items() for value in values])
def test_absurd_values_break_nothing(path: str, value: object) -> None:
    found = lines(Resource.NODES, changed(NODE, **{path: value}))
    assert "kube_node_spec_unschedulable" in "".join(found)
    assert "Owned" not in "".join(found)
    assert max(map(len, found)) < 2000


def test_what_a_node_says_of_itself_is_bounded_and_printable() -> None:
    (info,) = named("kube_node_info", lines(Resource.NODES, changed(NODE, status__nodeInfo__osImage="\0\x1b[31m" * 99)))
    assert 'os_image="\\\\x00\\\\x1b[31m' in info
    assert len(info) < 2000
    assert info.isprintable()


def test_a_list_without_end_is_cut_and_nothing_is_there_twice() -> None:
    taints = [{"key": f"key-{number}", "effect": "NoSchedule"} for number in range(100_000)]
    assert len(named("kube_node_spec_taint", lines(Resource.NODES, changed(NODE, spec__taints=taints)))) == 64
    twice = [{"type": "Ready", "status": "True"}, {"type": "Ready", "status": "False"}]
    found = named("kube_node_status_condition", lines(Resource.NODES, changed(NODE, status__conditions=twice)))
    assert [line.split()[-1] for line in found] == ["1", "0", "0"]


@pytest.mark.parametrize(
    ("effect", "exported"),
    [("PreferNoSchedule", "PreferNoSchedule"), ("Explode", "other"), ('"', "other"), (None, "other")],
)
def test_effects_of_taints_are_a_closed_list(effect: object, exported: str) -> None:
    taint = {"key": "example.com/gpu", "value": "a.b_c-d", "effect": effect}
    (line,) = named("kube_node_spec_taint", lines(Resource.NODES, changed(NODE, spec__taints=[taint])))
    assert line.endswith(f'key="example.com/gpu",value="a.b_c-d",effect="{exported}"}} 1')


@pytest.mark.parametrize("key", ["", "a/b/c", "A_b/c", "a/", "/a", "-a", "a" * 64, "é/a"])
def test_a_taint_whose_key_is_none_is_left_out(key: str) -> None:
    assert named("kube_node_spec_taint", lines(Resource.NODES, changed(NODE, spec__taints=[{"key": key}]))) == []


def test_the_line_of_a_lease() -> None:
    assert lines(Resource.LEASES, LEASE) == [
        'reachd_node_lease_renewed_timestamp_seconds{node="worker-1.example.internal"} 1772433005.25'
    ]


@pytest.mark.parametrize(
    "lease",
    [
        changed(LEASE, metadata__namespace="kube-system"),
        changed(LEASE, metadata__name="A"),
        changed(LEASE, spec__renewTime=None),
        changed(LEASE, spec__renewTime="soon"),
        changed(LEASE, spec__renewTime=1772433005),
        {},
    ],
)
def test_other_leases_have_no_line(lease: Json) -> None:
    assert lines(Resource.LEASES, lease) == []
