"""A cluster for tests: a real etcd and a real kube-apiserver on loopback, with no node and no controller.

with cluster("--watch-cache=false") as kubernetes:
    namespace = kubernetes.namespace()
    kubernetes.admin.apply({...})  # may do anything
    kubernetes.service_account("observer", namespace)
    observer = kubernetes.client(kubernetes.token("observer", namespace))  # may do what RBAC allows: nothing yet
    ...  # kubernetes.kubeconfig(), kubernetes.api.stop(), kubernetes.api.start(), kubernetes.compact()
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from tests.servers.kubernetes_api import ApiClient, ApiError, Json
from tests.servers.kubernetes_certificates import Certificates
from tests.servers.process import Server, free_port
from tests.servers.run import etcd

START_SECONDS = 45.0
"""An API server takes 3 s on an idle machine; this must end before pytest ends the test, so that its log is shown."""
STOP_SECONDS = 20.0
"""It takes 1 s."""


class KubernetesServer(Server):
    """One of Kubernetes' programs; `port` takes HTTPS."""

    @property
    def url(self) -> str:
        """Its port as an https URL, without a slash at the end."""
        return f"https://{self.address}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster. Tests that share one keep to namespaces of their own."""

    folder: Path
    certificates: Certificates
    etcd: Server
    api: KubernetesServer
    admin: ApiClient

    def client(self, token: str) -> ApiClient:
        """A client that has nothing but a token."""
        return ApiClient(self.api.url, self.certificates.tls(), token)

    def namespace(self, labels: dict[str, str] | None = None) -> str:
        """The name of a new namespace, with the service account of those pods that name none."""
        name = f"test-{token_hex(4)}"
        metadata = {"name": name, "labels": labels or {}}
        self.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.service_account("default", name)
        return name

    def service_account(self, name: str, namespace: str) -> None:
        """A new service account."""
        metadata = {"name": name, "namespace": namespace}
        self.admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})

    def token(self, service_account: str, namespace: str, seconds: int = 3600) -> str:
        """A new token of a service account; Kubernetes issues none for less than 600 s."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = self.admin.create(path, {**request, "spec": {"expirationSeconds": seconds}})
        return str(answer["status"]["token"])

    def kubeconfig(self, token: str | None = None, namespace: str = "default") -> Path:
        """A new kubeconfig file, for the holder of `token` or else for the administrator."""
        admin = self.certificates.admin
        user = (
            {"token": token} if token else {"client-certificate": str(admin.certificate), "client-key": str(admin.key)}
        )
        server = {"server": self.api.url, "certificate-authority": str(self.certificates.authority)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
            "current-context": "test",
        }
        file = self.folder / f"kubeconfig-{token_hex(4)}"
        file.write_text(json.dumps(document))
        return file

    def compact(self) -> None:
        """Makes etcd forget the history of all objects, as it does from time to time.

        A watch from a version before that is then answered 410 Gone by an API server without a watch cache.
        """
        key = b64encode(b"/").decode()
        newest = self._ask_etcd("range", {"key": key})["header"]["revision"]
        self._ask_etcd("compaction", {"revision": newest, "physical": True})

    @contextmanager
    def controllers(self, *names: str) -> Iterator[KubernetesServer]:
        """Runs some of the controllers of kube-controller-manager, such as `endpointslice-controller`."""
        port = free_port()
        flags = [
            f"--kubeconfig={self.kubeconfig()}",
            f"--controllers={','.join(names)}",
            "--leader-elect=false",
            *_serving(port, self.certificates),
        ]
        client = ApiClient(f"https://127.0.0.1:{port}", self.certificates.tls())
        with _server("kube-controller-manager", flags, self.folder, port, _healthy(client, "/healthz")) as manager:
            yield manager

    def _ask_etcd(self, what: str, question: Json) -> Json:
        request = urllib.request.Request(f"{self.etcd.url}/v3/kv/{what}", data=json.dumps(question).encode())
        directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with directly.open(request, timeout=START_SECONDS) as response:
            answer: Json = json.load(response)
            return answer


@contextmanager
def cluster(*flags: str) -> Iterator[Cluster]:
    """A cluster of its own; `flags` are more of kube-apiserver's, such as `--min-request-timeout=5`.

    RBAC decides, nobody is anonymous, and the admission plugins that are on by default are on, PodSecurity among them.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="reachd-") as name, etcd() as storage:
        folder = Path(name)
        certificates = Certificates.issue(folder)
        signing = certificates.service_accounts.key
        admin = ApiClient(f"https://127.0.0.1:{port}", certificates.tls(certificates.admin))
        arguments = [
            f"--etcd-servers={storage.url}",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # an address of loopback may be no endpoint
            "--service-cluster-ip-range=10.96.0.0/16",
            "--shutdown-watch-termination-grace-period=5s",  # or it waits for clients that watch when it is to stop
            "--authorization-mode=RBAC",
            "--allow-privileged=true",  # Pod Security decides, as in real clusters
            "--anonymous-auth=false",
            f"--client-ca-file={certificates.authority}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={signing}",
            f"--service-account-key-file={signing}",
            *_serving(port, certificates),
            *flags,
        ]
        with _server("kube-apiserver", arguments, folder, port, _healthy(admin, "/readyz")) as api:
            yield Cluster(folder, certificates, storage, api, admin)


def _serving(port: int, certificates: Certificates) -> list[str]:
    return [
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={certificates.server.certificate}",
        f"--tls-private-key-file={certificates.server.key}",
    ]


def _server(program: str, arguments: list[str], folder: Path, port: int, ready: Callable[[], bool]) -> KubernetesServer:
    return KubernetesServer(
        program, arguments, folder, ready, port=port, start_seconds=START_SECONDS, stop_seconds=STOP_SECONDS
    )


def _healthy(client: ApiClient, path: str) -> Callable[[], bool]:
    def healthy() -> bool:
        try:
            return client.text(path) == "ok"
        except (OSError, ApiError):
            return False

    return healthy
