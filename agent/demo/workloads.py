"""The small HTTP servers of a deployment: Operator, MeshSync, a managed cluster's API server, a registry."""

from hmac import compare_digest
from ssl import SSLContext

from aiohttp import web

from agent.demo.ingress import Ingress
from agent.demo.kubernetes_objects import is_selected, lists
from agent.demo.listening import HttpPart
from agent.probes._endpoint import Endpoint

_HEALTH_PATHS = ("/livez", "/readyz", "/healthz")
_RECONCILED = """\
# TYPE meshery_operator_reconcile_total counter
meshery_operator_reconcile_total{controller="broker"} 14
meshery_operator_reconcile_total{controller="meshsync"} 9
"""


def operator_metrics(place: Endpoint, tls: SSLContext, token: str) -> HttpPart:
    """The Operator's metrics: HTTPS with a certificate of its own, and nothing without a token of the cluster."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/metrics":
            return web.Response(status=404)
        if not _may_pass(request, token):
            return web.Response(status=401, text="Unauthorized")
        return web.Response(text=_RECONCILED)

    return HttpPart(place, handle, tls)


def health(place: Endpoint) -> HttpPart:
    """The health endpoints of Operator and MeshSync."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="ok") if request.path in ("/healthz", "/readyz") else web.Response(status=404)

    return HttpPart(place, handle)


def registry(place: Endpoint, tls: SSLContext) -> HttpPart:
    """A container registry, which wants a sign-in for everything."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        challenge = {"WWW-Authenticate": f'Bearer realm="https://{place}/token"'}
        return web.Response(status=401, headers=challenge) if request.path == "/v2/" else web.Response(status=404)

    return HttpPart(place, handle, tls)


def _may_pass(request: web.BaseRequest, token: str) -> bool:
    return compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())


_BROKER_RESOURCE = "/apis/meshery.io/v1alpha1/namespaces/meshery/brokers/meshery-broker"


class Cluster:
    """A Kubernetes API server, as far as its health, its version and what the agent reads there go."""

    def __init__(
        self, place: Endpoint, tls: SSLContext, token: str, broker_endpoint: Endpoint, ingress: Ingress
    ) -> None:
        """`broker_endpoint`: where the Operator has found the Broker to be reachable from outside."""
        self.server_exposed = False
        """The Service of Meshery Server is a raw LoadBalancer."""
        self.etcd_failed = False
        """Its check of etcd fails, so that it is neither live nor ready."""
        self.broker_endpoint = broker_endpoint
        self._ingress = ingress
        self._token = token
        self._part = HttpPart(place, self._handle, tls)
        self.place = place
        self.url = self._part.url
        self.start = self._part.start
        self.stop = self._part.stop

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _may_pass(request, self._token):
            document = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "reason": "Unauthorized",
                "code": 401,
            }
            return web.json_response(document, status=401)
        if request.path in _HEALTH_PATHS:
            return self._health(request.path[1:], verbose="verbose" in request.query)
        if request.path == "/version":
            return web.json_response({"major": "1", "minor": "34", "gitVersion": "v1.34.1", "platform": "linux/amd64"})
        if request.path == _BROKER_RESOURCE:
            return web.json_response(self._broker())
        return self._list(request)

    def _list(self, request: web.BaseRequest) -> web.Response:
        known = lists(self._ingress.url, self._ingress.place.host, exposed=self.server_exposed)
        if request.path not in known:
            return web.Response(status=404)
        kind, items = known[request.path]
        selected = [item for item in items if is_selected(item, request.query.get("labelSelector", ""))]
        return web.json_response({"kind": kind, "metadata": {}, "items": selected})

    def _broker(self) -> dict[str, object]:
        return {
            "apiVersion": "meshery.io/v1alpha1",
            "kind": "Broker",
            "metadata": {"name": "meshery-broker", "namespace": "meshery"},
            "status": {
                "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSuccessful"}],
                "endpoint": {"internal": "", "external": str(self.broker_endpoint)},
            },
        }

    def _health(self, name: str, *, verbose: bool) -> web.Response:
        if self.etcd_failed:
            lines = f"[+]ping ok\n[-]etcd failed: reason withheld\n{name} check failed\n"
            return web.Response(status=500, text=lines)
        return web.Response(text=f"[+]ping ok\n[+]etcd ok\n{name} check passed\n" if verbose else "ok")
