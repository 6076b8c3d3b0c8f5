"""The checklist against a real API server, with the very Role and ClusterRole that docs/checklist.md shows.

The server has no kubelet and no metrics-server, so nodes and pods are written as they would report, and the metrics API
is a resource of its own kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import agent
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Reason
from agent.probes._checklist_rule import Resource, RuleName
from agent.probes._checklist_rules import RULES
from tests.probes.meshery_objects import KINDS, RESOURCES, Json, healthy, manifest
from tests.probes.support import probe
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import Cluster, cluster
from tests.servers.kubernetes_api import ApiClient, ApiError
from tests.servers.process import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.servers("etcd", "kube-apiserver"),
]

PAGE = Path(agent.__file__).parent.parent / "docs" / "checklist.md"
SECONDS = 30.0
CUSTOM = {"brokers.meshery.io": "v1alpha1", "meshsyncs.meshery.io": "v1alpha1", "pods.metrics.k8s.io": "v1beta1"}
WITH_STATUS = ("deployments.apps", "pods", "nodes", "horizontalpodautoscalers.autoscaling")
ACCOUNT = "reachd"


class Observer(NamedTuple):
    """A service account with the Roles of the page, in a namespace in which a Meshery keeps every rule."""

    kubernetes: Cluster
    namespace: str
    roles: tuple[Json, ...]
    kubeconfig: Path

    async def judge(self, rule: RuleName) -> Outcome:
        keys = {"external_url": "https://meshery.example.com", "recovery_drill": "2026-01-01", "max_age_days": 3650}
        asked = {"kind": "checklist", "rule": rule, "namespace": self.namespace, "kubeconfig": str(self.kubeconfig)}
        return await probe({**asked, **keys, "config_repository": "https://git.example.com/m"}, timeout=20.0)

    async def refused(self, resource: str = "") -> set[RuleName]:
        """The rules that lack the right to list a resource; all others must be up."""
        refused = set()
        for rule in RuleName:
            outcome = await self.judge(rule)
            if outcome.reason is Reason.AUTH_REJECTED:
                assert resource
                assert outcome.detail.startswith(f"the credentials may not list {resource} in the "), outcome
                refused.add(rule)
            else:
                assert outcome.verdict is Verdict.UP, outcome
        return refused

    def holder(self) -> ApiClient:
        """A client of the API that has the Roles."""
        return self.kubernetes.client(self.kubernetes.token(ACCOUNT, self.namespace))


@pytest.fixture(scope="module")
def observer() -> Iterator[Observer]:
    """In a cluster of its own: nodes and kinds are everybody's."""
    with cluster() as kubernetes:
        namespace = kubernetes.namespace()
        _serve_kinds(kubernetes)
        _apply_objects(kubernetes, namespace)
        kubernetes.service_account(ACCOUNT, namespace)
        roles = _roles(namespace)
        for role in roles:
            kubernetes.admin.apply(role)
            kubernetes.admin.apply(_binding(role, namespace))
        yield Observer(kubernetes, namespace, roles, kubernetes.kubeconfig(kubernetes.token(ACCOUNT, namespace)))


def _serve_kinds(kubernetes: Cluster) -> None:
    """The kinds of Meshery Operator, and one for the metrics API."""
    for name, version in CUSTOM.items():
        plural, _, group = name.partition(".")
        kubernetes.admin.apply(custom_resource(KINDS[name], group, version, plural))
    for name in CUSTOM:
        wait_until(_lists(kubernetes, RESOURCES[name].path("default")), SECONDS, f"{name} is served")


def _lists(kubernetes: Cluster, path: str) -> Callable[[], bool]:
    def lists() -> bool:
        try:
            return "items" in kubernetes.admin.get(path)
        except ApiError:
            return False

    return lists


def _apply_objects(kubernetes: Cluster, namespace: str) -> None:
    for name, things in healthy().items():
        for thing in things:
            whole = manifest(name, thing, namespace)
            status = whole.pop("status", None) if name in WITH_STATUS else None
            kubernetes.admin.apply(whole)
            if status is not None:
                identity = {key: whole[key] for key in ("apiVersion", "kind")}
                place = {key: whole["metadata"][key] for key in ("name", "namespace") if key in whole["metadata"]}
                kubernetes.admin.apply({**identity, "metadata": place, "status": status}, "status")


def _roles(namespace: str) -> tuple[Json, ...]:
    """The roles as the page has them, but for the namespace."""
    blocks = [block.partition("```")[0] for block in PAGE.read_text(encoding="utf-8").split("```yaml\n")[1:]]
    documents = [document for block in blocks for document in yaml.safe_load_all(block)]
    roles = tuple(document for document in documents if "rules" in document)
    assert [role["kind"] for role in roles] == ["Role", "ClusterRole"]
    for role in roles:
        if "namespace" in role["metadata"]:
            role["metadata"]["namespace"] = namespace
    return roles


def _binding(role: Json, namespace: str) -> Json:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": role["metadata"],
        "roleRef": {"apiGroup": group, "kind": role["kind"], "name": role["metadata"]["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
    }


async def test_every_rule_is_up_with_the_roles_of_the_page(observer: Observer) -> None:
    assert await observer.refused() == set()


async def test_each_right_of_the_page_is_needed(observer: Observer) -> None:
    """Without the right to one resource, the rules that look at it say so by its name, and all others are up."""
    for name in sorted({str(each) for rule in RULES.values() for each in rule.resources}):
        with _without_right(observer, RESOURCES[name]):
            assert await observer.refused(name) == {
                rule for rule in RuleName if name in map(str, RULES[rule].resources)
            }, name
    assert await observer.refused() == set()


@contextmanager
def _without_right(observer: Observer, resource: Resource) -> Iterator[None]:
    role = observer.roles[0 if resource.namespaced else 1]
    less = deepcopy(role)
    for rule in less["rules"]:
        if rule["apiGroups"] == [resource.group]:
            rule["resources"] = [each for each in rule["resources"] if each != resource.plural] or ["nothing"]
    listing = partial(observer.holder().get, resource.path(observer.namespace))
    observer.kubernetes.admin.apply(less)
    wait_until(lambda: _status(listing) == 403, SECONDS, f"{resource} may not be listed")
    yield
    observer.kubernetes.admin.apply(role)
    wait_until(lambda: _status(listing) == 200, SECONDS, f"{resource} may be listed again")


def _status(request: Callable[[], object]) -> int:
    try:
        request()
    except ApiError as refusal:
        return refusal.status
    return 200


async def test_nothing_else_may_be_done_with_the_roles(observer: Observer) -> None:
    """Neither the verbs beside `list`, nor what holds secrets."""
    holder = observer.holder()
    inside = f"/api/v1/namespaces/{observer.namespace}"
    for path in (f"{inside}/secrets", f"{inside}/configmaps", f"{inside}/pods/meshery-7d9f-aaaaa", "/api/v1/pods"):
        assert _status(partial(holder.get, path)) == 403, path
    assert _status(lambda: holder.delete(f"{inside}/services/meshery")) == 403


async def test_what_is_changed_in_the_cluster_is_what_is_said(observer: Observer) -> None:
    admin, service = observer.kubernetes.admin, healthy()["services"][0]
    exposed = deepcopy(service)
    exposed["spec"]["type"] = "LoadBalancer"
    admin.apply(manifest("services", exposed, observer.namespace))
    try:
        outcome = await observer.judge(RuleName.LOAD_BALANCER)
    finally:
        admin.apply(manifest("services", service, observer.namespace))
    assert outcome.reason is Reason.DEGRADED
    assert 'the Service "meshery" is a LoadBalancer' in outcome.detail
    assert (await observer.judge(RuleName.LOAD_BALANCER)).verdict is Verdict.UP


async def test_nodes_are_told_by_their_metadata_alone(observer: Observer) -> None:
    """As the probe asks for them; the control plane's nodes do not count."""
    outcome = await observer.judge(RuleName.SERVER_SPREAD)
    assert outcome.detail == "3 replicas on 3 of 3 nodes, in 3 of 3 zones"
