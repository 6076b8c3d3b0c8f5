"""Asks the API server of a Kubernetes cluster whether it is alive and ready."""

from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import model_validator

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import ProbeFailure, Run
from agent.probes._connection import TCP_METRICS
from agent.probes._healthz_format import (
    HEALTHZ_CHECK,
    MAX_HEALTH,
    HealthAnswer,
    describe_failure,
    is_health_failure,
    measure_health,
    parse_health,
)
from agent.probes._http import HTTP_METRICS, Response
from agent.probes._http_session import HttpSession
from agent.probes._http_target import HttpTarget
from agent.probes._json import json_object, text_of
from agent.probes._kubeconfig import ClusterAccess, cluster_access
from agent.probes._network import Network
from agent.probes._settings import (
    AuthSettings,
    Endpoint,
    HttpUrl,
    Model,
    ProbeSettings,
    TlsSettings,
    url_endpoint,
)
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS, tls_identity
from agent.probes._verdict import StatusExpectation, judge_status

_MAX_VERSION = 16 * 1024
_HEALTH = ("/livez", "/readyz?verbose=1")
_SHUTDOWN = "shutdown"
"""The check of /readyz that fails from the moment on that the server is told to end."""


class KubeApiExpectation(Model):
    """What is looked for in the server's answer."""

    checks: tuple[str, ...] = ("etcd", "etcd-readiness", "informer-sync", "shutdown")
    """Names of checks of /readyz to export one by one. Any check that fails makes the server down."""


class KubeApiSettings(ProbeSettings):
    """Keys of the `kube_api` probe. Either `url` or `kubeconfig`."""

    summary: ClassVar[str] = "Asks a Kubernetes API server for /livez, /readyz and /version."
    metrics: ClassVar[tuple[Metric, ...]] = (HEALTHZ_CHECK, *HTTP_METRICS, *TCP_METRICS, *TLS_METRICS)

    kind: Literal["kube_api"] = "kube_api"
    url: HttpUrl | None = None
    """Base of the API server, such as https://kubernetes.default.svc."""
    kubeconfig: Path | None = None
    """A kubeconfig that says how to reach the cluster, and who the agent is; re-read when it changes."""
    context: str | None = None
    """The kubeconfig's context. Default: its current one."""
    tls: TlsSettings | None = None
    """How to verify the server and to identify the agent, beside `url`."""
    auth: AuthSettings | None = None
    """How to authenticate, beside `url`. Without it, being asked to authenticate is up."""
    expect: KubeApiExpectation = KubeApiExpectation()
    """What is looked for in the server's answer."""

    @model_validator(mode="after")
    def _one_way_to_the_cluster(self) -> "KubeApiSettings":
        if (self.url is None) == (self.kubeconfig is None):
            raise ValueError("kube_api needs exactly one of url and kubeconfig")
        if self.kubeconfig is None and self.context is not None:
            raise ValueError("context needs kubeconfig beside it")
        if self.kubeconfig is not None and (self.tls or self.auth):
            raise ValueError("a kubeconfig says itself how to verify and authenticate; leave out tls and auth")
        return self

    def endpoint(self) -> Endpoint:
        """Where a kubeconfig cannot be read, its name stands for the host: the check then says what is wrong."""
        try:
            return url_endpoint(self.access().server)
        except ProbeFailure:
            return Endpoint(self.kubeconfig.name if self.kubeconfig else "", 443)

    def endpoint_problem(self) -> str:
        try:
            self.access()
        except ProbeFailure as failure:
            return failure.detail
        return ""

    def target(self) -> str:
        if self.url is not None:
            return self.url
        try:
            return self.access().server
        except ProbeFailure:
            return f"context {self.context or 'in use'} of {self.kubeconfig}"

    def access(self) -> ClusterAccess:
        """How to reach the cluster. Raises ProbeFailure for a kubeconfig that cannot be used."""
        if self.kubeconfig is not None:
            return cluster_access(self.kubeconfig, self.context)
        return _direct_access(self.url or "", self.tls or TlsSettings(), self.auth)

    def probe(self, network: Network) -> Probe:
        return KubeApiProbe(self, network)


@lru_cache(maxsize=1024)
def _direct_access(url: str, tls: TlsSettings, auth: AuthSettings | None) -> ClusterAccess:
    return ClusterAccess(url, tls, tls_identity(tls, ("http/1.1",)), auth)


class KubeApiProbe:
    """Asks for liveness, readiness and version over one connection."""

    def __init__(self, settings: KubeApiSettings, network: Network) -> None:
        self._settings = settings
        self._network = network
        self._access: ClusterAccess | None = None
        self._target: HttpTarget | None = None

    async def run(self, run: Run) -> None:
        target, access = self._reach()
        # The API server answers 403 where 401 might be expected: to it an anonymous caller is a user like others.
        expected = StatusExpectation(forbidden_is_up=not access.authenticated)
        with HttpSession(run, target) as session:
            for path in _HEALTH:
                response = await session.get(path, MAX_HEALTH)
                self._judge_health(run, path, response)
                run.detail = judge_status(response, expected, url=target.url, authenticated=access.authenticated)
                if run.detail:
                    return
                self._judge_body(path, response)
            version = await session.get("/version", _MAX_VERSION)
        run.detail = _version(version)

    def _reach(self) -> tuple[HttpTarget, ClusterAccess]:
        access = self._settings.access()
        if self._target is None or access != self._access:
            if self._access is not None:
                self._network.tls.forget(self._access.identity)
            self._access = access
            self._target = HttpTarget(
                self._network, access.server, tls=access.tls, auth=access.auth, identity=access.identity
            )
        return self._target, access

    def _judge_health(self, run: Run, path: str, response: Response) -> None:
        answer = parse_health(response.body)
        if path == _HEALTH[-1]:
            measure_health(run, answer, self._settings.expect.checks)
        if not (answer.failed or is_health_failure(response)):
            return
        words = f"{path.partition('?')[0]} answers {response.status}: {describe_failure(answer, response.body)}"
        raise ProbeFailure(Reason.SHUTTING_DOWN if _is_ending(answer) else Reason.HEALTH_CHECK_FAILED, words)

    def _judge_body(self, path: str, response: Response) -> None:
        if not parse_health(response.body).recognised:
            raise ProbeFailure(
                Reason.BODY_MISMATCH, f"{path} is not answered by a Kubernetes API server: {quote(response.body)}"
            )


def _is_ending(answer: HealthAnswer) -> bool:
    return answer.failed.keys() == {_SHUTDOWN}


def _version(response: Response) -> str:
    document = json_object(response.body) if response.status == 200 else None
    version = text_of(document, "gitVersion") if document else ""
    return f"Kubernetes {quote(version, 40)}" if version else "its version could not be read"


SETTINGS = KubeApiSettings
