"""Deployments, StatefulSets and DaemonSets become the series of kube-state-metrics."""

import pytest

from agent.cluster.series import Resource
from tests.cluster.sample_objects import DAEMONSET, DEPLOYMENT, STATEFULSET, Json
from tests.cluster.series_support import changed, lines, named

DEPLOYMENT_LINES = """
kube_deployment_spec_replicas{namespace="meshery",deployment="meshery"} 3
kube_deployment_metadata_generation{namespace="meshery",deployment="meshery"} 4
kube_deployment_status_observed_generation{namespace="meshery",deployment="meshery"} 3
kube_deployment_status_replicas{namespace="meshery",deployment="meshery"} 4
kube_deployment_status_replicas_ready{namespace="meshery",deployment="meshery"} 3
kube_deployment_status_replicas_available{namespace="meshery",deployment="meshery"} 2
kube_deployment_status_replicas_unavailable{namespace="meshery",deployment="meshery"} 2
kube_deployment_status_replicas_updated{namespace="meshery",deployment="meshery"} 2
"""
STATEFULSET_LINES = """
kube_statefulset_replicas{namespace="meshery",statefulset="meshery-nats"} 3
kube_statefulset_metadata_generation{namespace="meshery",statefulset="meshery-nats"} 2
kube_statefulset_status_observed_generation{namespace="meshery",statefulset="meshery-nats"} 2
kube_statefulset_status_replicas{namespace="meshery",statefulset="meshery-nats"} 3
kube_statefulset_status_replicas_ready{namespace="meshery",statefulset="meshery-nats"} 2
kube_statefulset_status_replicas_available{namespace="meshery",statefulset="meshery-nats"} 2
kube_statefulset_status_replicas_current{namespace="meshery",statefulset="meshery-nats"} 1
kube_statefulset_status_replicas_updated{namespace="meshery",statefulset="meshery-nats"} 2
"""
DAEMONSET_LINES = """
kube_daemonset_status_desired_number_scheduled{namespace="reachd",daemonset="reachd"} 6
kube_daemonset_metadata_generation{namespace="reachd",daemonset="reachd"} 1
kube_daemonset_status_observed_generation{namespace="reachd",daemonset="reachd"} 1
kube_daemonset_status_current_number_scheduled{namespace="reachd",daemonset="reachd"} 5
kube_daemonset_status_number_ready{namespace="reachd",daemonset="reachd"} 4
kube_daemonset_status_number_available{namespace="reachd",daemonset="reachd"} 2
kube_daemonset_status_number_unavailable{namespace="reachd",daemonset="reachd"} 4
kube_daemonset_status_number_misscheduled{namespace="reachd",daemonset="reachd"} 1
kube_daemonset_status_updated_number_scheduled{namespace="reachd",daemonset="reachd"} 3
"""
WORKLOADS = [
    (Resource.DEPLOYMENTS, DEPLOYMENT, DEPLOYMENT_LINES),
    (Resource.STATEFULSETS, STATEFULSET, STATEFULSET_LINES),
    (Resource.DAEMONSETS, DAEMONSET, DAEMONSET_LINES),
]


@pytest.mark.parametrize(("resource", "workload", "expected"), WORKLOADS)
def test_the_lines_of_a_workload(resource: Resource, workload: Json, expected: str) -> None:
    assert lines(resource, workload) == expected.strip().splitlines()


@pytest.mark.parametrize(("resource", "workload", "expected"), WORKLOADS)
def test_without_a_status_nothing_runs(resource: Resource, workload: Json, expected: str) -> None:
    found = lines(resource, changed(workload, status=None))
    assert len(found) == len(expected.strip().splitlines())
    assert all(line.endswith(" 0") for line in found if "_status_" in line)


@pytest.mark.parametrize(("resource", "workload", "_"), WORKLOADS)
@pytest.mark.parametrize("path", ["metadata__name", "metadata__namespace"])
@pytest.mark.parametrize("value", [None, "", 'a"', "A", 7, "a" * 254])
def test_a_workload_without_a_name_is_left_out(
    resource: Resource, workload: Json, _: str, path: str, value: object
) -> None:
    assert lines(resource, changed(workload, **{path: value})) == []


@pytest.mark.parametrize("value", ["3", 3.5, True, [], {}, 2**63, -(10**400)], ids=lambda value: str(value)[:9])
def test_what_is_no_count_has_no_line(value: object) -> None:
    found = lines(Resource.DEPLOYMENTS, changed(DEPLOYMENT, spec__replicas=value, status__replicas=value))
    assert named("kube_deployment_spec_replicas", found) == named("kube_deployment_status_replicas", found) == []
    assert len(found) == 6


def test_wanted_replicas_that_are_not_said_have_no_line() -> None:
    assert len(lines(Resource.DEPLOYMENTS, changed(DEPLOYMENT, spec__replicas=None))) == 7
    assert len(lines(Resource.STATEFULSETS, changed(STATEFULSET, spec__replicas=None))) == 7
