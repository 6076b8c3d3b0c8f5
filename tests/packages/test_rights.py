"""The agent with nothing but the rights of its package: what it asks the API server for is what the Roles grant it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.agent.support import AgentProcess, agent_process, wait_until, write
from tests.packages.cases import CASES, WHOLE, Case, by_kustomize
from tests.packages.manifests import Json, configurations, merged, of_kind
from tests.servers.custom_resources import custom_resource
from tests.servers.kubernetes import Cluster, cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.servers("etcd", "kube-apiserver", "kubectl")]

AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
USER = "system:serviceaccount:reachd:{}"
SHARING = next(case for case in CASES if case.name == "sharing")
RIGHTS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount")


class Right(NamedTuple):
    """A verb on a resource in a namespace, or in the cluster; `name` where it is about one object only."""

    namespace: str
    group: str
    resource: str
    verb: str
    name: str = ""


class Audited(NamedTuple):
    """A cluster that notes who asks for what."""

    cluster: Cluster
    log: Path

    def asked(self, service_account: str) -> Iterator[tuple[Right, bool]]:
        """What the service account asked for, and whether it was allowed."""
        for line in self.log.read_text().splitlines():
            event = json.loads(line)
            if event["user"]["username"] == USER.format(service_account) and "objectRef" in event:
                thing = event["objectRef"]
                namespace, group, resource, name = (
                    thing.get(key, "") for key in ("namespace", "apiGroup", "resource", "name")
                )
                right = Right(namespace, group, resource, event["verb"], name)
                yield right, event["annotations"]["authorization.k8s.io/decision"] == "allow"

    def holds(self, service_account: str, right: Right) -> bool:
        """Whether the service account has the right by now."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": USER.format(service_account), "resourceAttributes": right._asdict()},
        }
        answer = self.cluster.admin.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    folder = tmp_path_factory.mktemp("audit")
    (folder / "policy.yaml").write_text(yaml.safe_dump(AUDIT))
    flags = (f"--audit-policy-file={folder / 'policy.yaml'}", f"--audit-log-path={folder / 'log'}")
    with cluster(*flags, "--audit-log-mode=blocking") as running:
        for name in ("reachd", "meshery"):
            running.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for kind in ("Broker", "MeshSync"):
            running.admin.apply(custom_resource(kind, "meshery.io", "v1alpha1"))
        yield Audited(running, folder / "log")


def granted(manifests: Iterable[Json]) -> set[Right]:
    """What the Roles grant."""
    return {
        Right(role["metadata"].get("namespace", ""), group, resource, verb, name)
        for role in of_kind(manifests, "Role", "ClusterRole")
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def used(rights: Iterable[Right], grants: Iterable[Right]) -> set[Right]:
    """Of the grants those that the rights are an example of."""
    grants = set(grants)
    return {grant for right in rights for grant in (right, right._replace(name="")) if grant in grants}


def installed(audited: Audited, case: Case, name: str, folder: Path) -> Json:
    """The configuration of an agent of the package, with what it takes to reach the cluster from here as that agent."""
    manifests = by_kustomize(case)
    for manifest in of_kind(manifests, *RIGHTS):
        audited.cluster.admin.apply(manifest)
    wait_until(lambda: all(audited.holds(name, right) for right in granted(manifests)), 30)
    token = audited.cluster.token(name, "reachd")
    (folder / "token").write_text(token)
    (folder / "ca.crt").write_bytes(audited.cluster.certificates.authority.read_bytes())
    [files] = [files for found, files in configurations(manifests).items() if found.rpartition("-")[0] == name]
    configuration = merged(files)
    del configuration["state_file"]
    configuration["kubernetes"]["kubeconfig"] = str(audited.cluster.kubeconfig(token))
    for deployment in configuration["deployments"]:
        deployment["kubernetes"] = {"api": audited.cluster.api.url, "service_account": str(folder)}
    return configuration


def assert_rights_fit(audited: Audited, name: str, grants: set[Right], agent: AgentProcess) -> None:
    """That the agent asks for all that it is granted, and for nothing else, until it has been stopped."""
    renewals: set[str] = set()

    def unused() -> set[Right]:
        return grants - used((right for right, _ in audited.asked(name)), grants)

    def settled() -> bool:
        leases = audited.cluster.admin.get("/apis/coordination.k8s.io/v1/namespaces/reachd/leases")["items"]
        renewals.update(lease["spec"]["renewTime"] for lease in leases if lease["metadata"]["name"].startswith(name))
        return len(renewals) > 1 and not unused()

    with contextlib.suppress(AssertionError):
        wait_until(settled, 60)
    agent.signal(signal.SIGTERM)
    assert agent.wait() == 0
    assert {right for right, allowed in audited.asked(name) if not allowed} == set(), "needed, and not granted"
    assert unused() == set(), "granted, and not needed"


def test_the_observer_needs_what_it_is_granted(audited: Audited, tmp_path: Path) -> None:
    configuration = installed(audited, WHOLE, "reachd-observer", tmp_path)
    configuration["deployments"][0]["checklist"] = {"autoscaling": True}
    command = [sys.executable, "-m", "agent", "check", "--config", str(write(tmp_path / "once.yaml", configuration))]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
    with agent_process(tmp_path, configuration) as agent:
        assert_rights_fit(audited, "reachd-observer", granted(by_kustomize(WHOLE)), agent)


def test_agents_that_share_their_checks_need_what_they_are_granted(audited: Audited, tmp_path: Path) -> None:
    with agent_process(tmp_path, installed(audited, SHARING, "reachd-deployment", tmp_path)) as agent:
        assert_rights_fit(audited, "reachd-deployment", granted(by_kustomize(SHARING)), agent)
