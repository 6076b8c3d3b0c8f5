"""The cluster for tests is a real one: it authenticates, authorizes, admits, and forgets what etcd compacts."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest

from tests.servers.catalogue import find
from tests.servers.commands import run
from tests.servers.kubernetes import Cluster, cluster
from tests.servers.kubernetes_api import ApiClient, ApiError, Json
from tests.servers.process import accepts, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.servers("etcd", "kube-apiserver")]


def config_map(name: str, namespace: str, **data: str) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def pod(name: str, namespace: str, **security: object) -> Json:
    container = {"name": "main", "image": "registry.test/image", "securityContext": security}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def allow_reading_config_maps(kubernetes: Cluster, namespace: str, service_account: str) -> None:
    rbac = "rbac.authorization.k8s.io"
    metadata = {"name": "reader", "namespace": namespace}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    subject = {"kind": "ServiceAccount", "name": service_account, "namespace": namespace}
    role = {"apiGroup": rbac, "kind": "Role", "name": "reader"}
    version = f"{rbac}/v1"
    kubernetes.admin.apply({"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": rules})
    kubernetes.admin.apply(
        {"apiVersion": version, "kind": "RoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]}
    )


def status_of(request: Callable[[], object]) -> int:
    """With which HTTP status a request is answered."""
    try:
        request()
    except ApiError as refusal:
        return refusal.status
    return 200


def test_it_is_ready_and_tells_its_release(kubernetes: Cluster) -> None:
    assert kubernetes.admin.text("/readyz") == "ok"
    version = kubernetes.admin.get("/version")
    assert version["gitVersion"].startswith(f"v1.{version['minor']}.")


def test_nobody_is_anonymous(kubernetes: Cluster) -> None:
    without_token = ApiClient(kubernetes.api.url, kubernetes.certificates.tls())
    assert status_of(lambda: without_token.get("/version")) == 401
    assert status_of(lambda: kubernetes.client("a-token-of-nobody").get("/version")) == 401


def test_a_token_may_do_what_is_bound_to_it_and_no_more(kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    kubernetes.service_account("observer", namespace)
    observer = kubernetes.client(kubernetes.token("observer", namespace))
    assert status_of(lambda: observer.get(config_maps(namespace))) == 403
    allow_reading_config_maps(kubernetes, namespace, "observer")
    wait_until(lambda: status_of(lambda: observer.get(config_maps(namespace))) == 200, 20, "the binding holds")
    assert status_of(lambda: observer.get(f"/api/v1/namespaces/{namespace}/pods")) == 403
    assert status_of(lambda: observer.apply(config_map("own", namespace))) == 403


def test_pod_security_is_enforced(kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace({"pod-security.kubernetes.io/enforce": "baseline"})
    with pytest.raises(ApiError, match="violates PodSecurity") as refused:
        kubernetes.admin.apply(pod("mighty", namespace, privileged=True))
    assert refused.value.status == 403
    kubernetes.admin.apply(pod("modest", namespace))
    kubernetes.admin.apply(pod("modest", namespace) | {"status": {"phase": "Running"}}, "status")
    assert kubernetes.admin.get(f"/api/v1/namespaces/{namespace}/pods/modest")["status"]["phase"] == "Running"


def test_a_watch_tells_what_happens(kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    thing = kubernetes.admin.apply(config_map("thing", namespace))
    kubernetes.admin.apply(config_map("thing", namespace, key="value"))
    kubernetes.admin.delete(kubernetes.admin.path_of(thing))
    since = thing["metadata"]["resourceVersion"]
    events = kubernetes.admin.watch(config_maps(namespace), resourceVersion=since, timeoutSeconds=20)
    assert [next(events)["type"] for _ in range(2)] == ["MODIFIED", "DELETED"]
    events.close()


@pytest.mark.servers("kubectl")
def test_kubectl_takes_the_kubeconfig(kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    kubernetes.service_account("observer", namespace)
    token = kubernetes.token("observer", namespace)
    for kubeconfig, groups in (
        (kubernetes.kubeconfig(), ["system:masters"]),
        (kubernetes.kubeconfig(token, namespace), ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]),
    ):
        question = [find("kubectl") or "", "auth", "whoami", "--output=json"]
        answer = json.loads(run(question, 30, environment={"KUBECONFIG": str(kubeconfig)}))
        assert answer["status"]["userInfo"]["groups"] == [*groups, "system:authenticated"]


@pytest.mark.servers("kube-controller-manager")
def test_a_controller_fills_an_endpoint_slice(kubernetes: Cluster) -> None:
    namespace = kubernetes.namespace()
    labels, metadata = {"app": "web"}, {"name": "web", "namespace": namespace}
    service = {"selector": labels, "ports": [{"port": 80}]}
    kubernetes.admin.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    node: Json = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-of-{namespace}"}}
    kubernetes.admin.apply(node)
    web = pod("web", namespace)
    web["metadata"]["labels"] = labels
    web["spec"]["nodeName"] = node["metadata"]["name"]
    kubernetes.admin.apply(web)
    ready = {"type": "Ready", "status": "True"}
    running = {"phase": "Running", "podIPs": [{"ip": "10.0.0.7"}], "podIP": "10.0.0.7", "conditions": [ready]}
    kubernetes.admin.apply(web | {"status": running}, "status")

    def addresses() -> list[str]:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        slices = kubernetes.admin.get(path)["items"]
        return [address for each in slices for end in each["endpoints"] or () for address in end["addresses"]]

    with kubernetes.controllers("endpointslice-controller"):
        wait_until(lambda: addresses() == ["10.0.0.7"], 60, "the slice has the pod's address")
    kubernetes.admin.delete(kubernetes.admin.path_of(node))


def test_a_restart_keeps_the_objects_and_compaction_forgets_their_history() -> None:
    with cluster("--watch-cache=false") as kubernetes:
        namespace = kubernetes.namespace()
        first = kubernetes.admin.apply(config_map("thing", namespace))
        since = first["metadata"]["resourceVersion"]
        kubernetes.admin.apply(config_map("thing", namespace, key="value"))

        def first_event() -> Json:
            events = kubernetes.admin.watch(config_maps(namespace), resourceVersion=since, timeoutSeconds=20)
            event = next(events)
            events.close()
            return event

        kubernetes.api.stop(signal.SIGKILL)
        assert not accepts(kubernetes.api.port)
        kubernetes.api.start()
        assert kubernetes.admin.get(kubernetes.admin.path_of(first))["data"] == {"key": "value"}
        assert first_event()["type"] == "MODIFIED"

        kubernetes.compact()
        gone = first_event()
        assert (gone["type"], gone["object"]["code"], gone["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watch_holds_up_no_api_server_that_stops() -> None:
    with cluster() as kubernetes:
        namespace = kubernetes.namespace()
        kubernetes.admin.apply(config_map("thing", namespace))
        events = kubernetes.admin.watch(config_maps(namespace), resourceVersion="0", timeoutSeconds=120)
        assert next(events)["type"] == "ADDED"
        kubernetes.api.signal(signal.SIGTERM)
        assert list(events) == []


def test_an_api_server_that_cannot_start_shows_its_log() -> None:
    with pytest.raises(AssertionError, match="unknown flag: --no-such-flag"), cluster("--no-such-flag"):
        pass
