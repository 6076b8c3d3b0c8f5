"""Rights in a cluster: what the agent is allowed in a test is what it needs, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from tests.servers import kubernetes as servers
from tests.servers.kubernetes_api import Json
from tests.servers.process import wait_until

_GROUP = "rbac.authorization.k8s.io"


def rule(group: str, resource: str, *verbs: str, names: Sequence[str] = ()) -> Json:
    """One rule of a Role; `names`: of the only objects that it is about."""
    about = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **about}


def allow(kubernetes: servers.Cluster, namespace: str, *rules: Json) -> str:
    """A token of the new service account `observer`, which may do what `rules` say."""
    kubernetes.service_account("observer", namespace)
    metadata = {"name": "observer", "namespace": namespace}
    version = f"{_GROUP}/v1"
    kubernetes.admin.apply({"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": list(rules)})
    kubernetes.admin.apply(
        {
            "apiVersion": version,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": "observer"},
            "subjects": [{"kind": "ServiceAccount", "name": "observer", "namespace": namespace}],
        }
    )
    token = kubernetes.token("observer", namespace)
    wait_until(lambda: _allowed(kubernetes, namespace, rules[0]), 20, "the rights hold")
    return token


def _allowed(kubernetes: servers.Cluster, namespace: str, granted: Json) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{namespace}:observer",
            "resourceAttributes": {
                "namespace": namespace,
                "group": granted["apiGroups"][0],
                "resource": granted["resources"][0],
                "verb": granted["verbs"][0],
                "name": granted.get("resourceNames", [""])[0],
            },
        },
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(kubernetes.admin.create(path, review)["status"]["allowed"])
