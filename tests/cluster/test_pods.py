"""Pods become the series of kube-state-metrics; reasons are a closed list; nothing that a pod says breaks them."""

import pytest

from agent.cluster.series import Resource
from agent.metrics.kubernetes import TERMINATED_REASONS, WAITING_REASONS
from tests.cluster.sample_objects import POD, Json
from tests.cluster.series_support import changed, lines, named

LINES = """
kube_pod_info{ID,host_ip="172.18.0.3",pod_ip="10.244.3.17",node="worker-1.example.internal",created_by_kind="ReplicaSet",created_by_name="meshery-6c9f7d8b5",priority_class="platform",host_network="false"} 1
kube_pod_owner{ID,owner_kind="ReplicaSet",owner_name="meshery-6c9f7d8b5",owner_is_controller="true"} 1
reachd_pod_workload_info{ID,workload_type="deployment",workload="meshery"} 1
kube_pod_created{ID} 1772431200
kube_pod_status_phase{ID,phase="Pending"} 0
kube_pod_status_phase{ID,phase="Succeeded"} 0
kube_pod_status_phase{ID,phase="Failed"} 0
kube_pod_status_phase{ID,phase="Unknown"} 0
kube_pod_status_phase{ID,phase="Running"} 1
kube_pod_status_ready{ID,condition="true"} 0
kube_pod_status_ready{ID,condition="false"} 1
kube_pod_status_ready{ID,condition="unknown"} 0
kube_pod_container_status_ready{ID,container="meshery"} 0
kube_pod_container_status_restarts_total{ID,container="meshery"} 7
kube_pod_container_status_waiting_reason{ID,container="meshery",reason="CrashLoopBackOff"} 1
kube_pod_container_status_last_terminated_reason{ID,container="meshery",reason="OOMKilled"} 1
kube_pod_container_resource_requests{ID,container="meshery",node="worker-1.example.internal",resource="cpu",unit="core"} 0.25
kube_pod_container_resource_requests{ID,container="meshery",node="worker-1.example.internal",resource="memory",unit="byte"} 536870912
kube_pod_container_resource_limits{ID,container="meshery",node="worker-1.example.internal",resource="cpu",unit="core"} 2
kube_pod_container_resource_limits{ID,container="meshery",node="worker-1.example.internal",resource="memory",unit="byte"} 1073741824
kube_pod_init_container_status_ready{ID,container="reachd"} 1
kube_pod_init_container_status_restarts_total{ID,container="reachd"} 0
kube_pod_init_container_resource_requests{ID,container="reachd",node="worker-1.example.internal",resource="cpu",unit="core"} 0.01
kube_pod_init_container_resource_requests{ID,container="reachd",node="worker-1.example.internal",resource="memory",unit="byte"} 50331648
kube_pod_init_container_resource_limits{ID,container="reachd",node="worker-1.example.internal",resource="memory",unit="byte"} 67108864
""".replace("ID", 'namespace="meshery",pod="meshery-6c9f7d8b5-x2x4v",uid="4f5d0d0e-8a3b-4f5c-9f0e-0a1b2c3d4e5f"')  # noqa: E501 - exported lines have the length that they have


def test_the_lines_of_a_pod() -> None:
    assert lines(Resource.PODS, POD) == LINES.strip().splitlines()


def test_a_pod_that_waits_for_a_node() -> None:
    pod = changed(
        POD,
        spec__nodeName=None,
        spec__initContainers=None,
        status={
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
        },
    )
    found = lines(Resource.PODS, pod)
    assert len(named("kube_pod_status_unschedulable", found)) == 1
    assert all('node=""' in line for line in named("kube_pod_container_resource_requests", found))
    assert named("kube_pod_status_ready", found) == named("kube_pod_container_status_ready", found) == []


def test_a_pod_that_is_leaving() -> None:
    (line,) = named(
        "kube_pod_deletion_timestamp",
        lines(Resource.PODS, changed(POD, metadata__deletionTimestamp="2026-03-02T06:30:30+00:00")),
    )
    assert line.endswith(" 1772433030")


def owner(kind: object, name: object, controller: object = True) -> Json:
    """An entry of ownerReferences."""
    return {"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": controller}


@pytest.mark.parametrize(
    ("owners", "workload"),
    [
        ([owner("ReplicaSet", "meshery-6c9f7d8b5")], ("deployment", "meshery")),
        ([owner("ReplicaSet", "meshery")], ("replicaset", "meshery")),
        ([owner("ReplicaSet", "-6c9f7d8b5")], None),
        ([owner("StatefulSet", "meshery-nats")], ("statefulset", "meshery-nats")),
        ([owner("StatefulSet", "meshery-6c9f7d8b5")], ("statefulset", "meshery-6c9f7d8b5")),
        ([owner("DaemonSet", "reachd")], ("daemonset", "reachd")),
        ([owner("Job", "backup-29")], ("job", "backup-29")),
        ([owner("Rollout", "web")], ("other", "web")),
        ([owner("Job", "a", controller=False), owner("Job", "b")], ("job", "b")),
        ([owner("Job", "a", controller="true")], None),
        ([owner("Job", 'a"')], None),
        ([owner("J b", "a")], None),
        ([owner(None, None), None, 7, [], {}], None),
        ([], None),
        ("ReplicaSet", None),
    ],
)
def test_pods_are_joined_to_their_workload(owners: object, workload: tuple[str, str] | None) -> None:
    found = named("reachd_pod_workload_info", lines(Resource.PODS, changed(POD, metadata__ownerReferences=owners)))
    expected = [f'workload_type="{workload[0]}",workload="{workload[1]}"}} 1'] if workload else []
    assert [line.partition('e5f",')[2] for line in found] == expected


def test_every_owner_has_a_line_and_so_has_a_pod_without_one() -> None:
    both = lines(
        Resource.PODS, changed(POD, metadata__ownerReferences=[owner("Job", "a"), owner("Job", "b", controller=None)])
    )
    assert [line.partition('e5f",')[2] for line in named("kube_pod_owner", both)] == [
        'owner_kind="Job",owner_name="a",owner_is_controller="true"} 1',
        'owner_kind="Job",owner_name="b",owner_is_controller="false"} 1',
    ]
    none = lines(Resource.PODS, changed(POD, metadata__ownerReferences=None))
    (line,) = named("kube_pod_owner", none)
    assert line.endswith('owner_kind="",owner_name="",owner_is_controller=""} 1')
    assert 'created_by_kind="",created_by_name=""' in "".join(named("kube_pod_info", none))


def with_status(**container: object) -> Json:
    """The pod, with this status of its container."""
    return changed(POD, status__containerStatuses=[{"name": "meshery", "ready": True, **container}])


def reasons(name: str, pod: Json) -> list[str]:
    """The reasons in the lines with this name."""
    return [line.partition('reason="')[2].partition('"')[0] for line in named(name, lines(Resource.PODS, pod))]


@pytest.mark.parametrize(
    ("name", "field", "state", "known"),
    [
        ("waiting_reason", "state", "waiting", WAITING_REASONS),
        ("terminated_reason", "state", "terminated", TERMINATED_REASONS),
        ("last_terminated_reason", "lastState", "terminated", TERMINATED_REASONS),
    ],
)
def test_reasons_are_a_closed_list(name: str, field: str, state: str, known: frozenset[str]) -> None:
    for reason in known:
        assert reasons(f"kube_pod_container_status_{name}", with_status(**{field: {state: {"reason": reason}}})) == [
            reason
        ]
    for unknown in ("", "Because", 'x"}\n', None, 7, ["OOMKilled"]):
        pod = with_status(**{field: {state: {"reason": unknown}}})
        assert reasons(f"kube_pod_container_status_{name}", pod) == ["other"]
    for none in (None, "waiting", 7):
        assert reasons(f"kube_pod_container_status_{name}", with_status(**{field: {state: none}})) == []


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("metadata__name", ["", "A", 'a"', "a" * 254, None, 7]),
        ("metadata__namespace", ["", "a.b", "a" * 64, None]),
        ("metadata__uid", ["", 'u"', "u" * 64, "ü", None]),
        ("metadata", [[], "x"]),
    ],
)
def test_a_pod_whose_name_is_none_is_left_out(path: str, values: list[object]) -> None:
    for value in values:
        assert lines(Resource.PODS, changed(POD, **{path: value})) == []


ABSURD: dict[str, list[object]] = {
    "metadata__creationTimestamp": [7, "x"],
    "metadata__labels": [[], {"pod-template-hash": []}],
    "spec": [[], 7],
    "spec__nodeName": ['n"', "N", 7],
    "spec__containers": [{}, [None, 7, {}, {"name": 'a"'}, {"name": "a", "resources": []}]],
    "spec__initContainers": [7, [{"name": "a", "resources": {"requests": [], "limits": {"cpu": "much"}}}]],
    "status": [None, "x"],
    "status__phase": ["Dancing", 7, []],
    "status__podIP": ["10.0.0.999", 'x"', "fe80::1%eth0", 7, "1" * 1000],
    "status__conditions": [{}, [None, {"type": "Ready", "status": "Maybe"}, {"type": []}]],
    "status__containerStatuses": [
        {},
        [None, [], {}, {"name": 'a"', "state": {"waiting": {}}}, {"name": "a", "restartCount": -1, "state": []}],
        [{"name": "meshery", "restartCount": 10**400}, {"name": "meshery", "restartCount": 1}],
    ],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in ABSURD.items() for value in values])
def test_absurd_values_break_nothing(path: str, value: object) -> None:
    found = "\n".join(lines(Resource.PODS, changed(POD, **{path: value})))
    assert "kube_pod_info" in found
    assert '\\"' not in found


def test_what_is_not_said_or_cannot_be_has_no_line() -> None:
    silent = lines(Resource.PODS, changed(POD, status__phase="", status__podIP="fe80::1%eth0"))
    assert named("kube_pod_status_phase", silent) == []
    assert 'pod_ip=""' in "".join(named("kube_pod_info", silent))
    for restarts in (-1, 2.5, "7", True, 10**400):
        found = lines(Resource.PODS, with_status(restartCount=restarts))
        assert named("kube_pod_container_status_restarts_total", found) == []
    (line,) = named("kube_pod_container_status_restarts_total", lines(Resource.PODS, with_status()))
    assert line.endswith(" 0")


def test_a_container_that_is_there_twice_counts_once() -> None:
    twice = [{"name": "meshery", "restartCount": count, "ready": True} for count in (1, 2)]
    found = lines(Resource.PODS, changed(POD, status__containerStatuses=twice))
    (line,) = named("kube_pod_container_status_restarts_total", found)
    assert line.endswith(" 1")


def test_a_pod_with_containers_without_end_is_cut() -> None:
    many = [{"name": f"c{number}", "ready": True} for number in range(10_000)]
    found = lines(Resource.PODS, changed(POD, status__containerStatuses=many))
    assert len(named("kube_pod_container_status_ready", found)) == 64


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1", "::ffff:10.0.0.1"])
def test_addresses_of_both_families(address: str) -> None:
    (line,) = named("kube_pod_info", lines(Resource.PODS, changed(POD, status__podIP=address)))
    assert f'pod_ip="{address}"' in line
