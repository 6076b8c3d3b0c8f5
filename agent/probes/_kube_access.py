"""How a probe reaches the API server of a cluster: by URL, or as a kubeconfig says."""

from functools import lru_cache
from pathlib import Path
from typing import Self

from pydantic import model_validator

from agent.core.run import ProbeFailure
from agent.probes._endpoint import Endpoint, shown_url, url_endpoint
from agent.probes._http_target import HttpTarget
from agent.probes._kubeconfig import ClusterAccess, cluster_access, refuse_context_alone
from agent.probes._network import Network
from agent.probes._settings import AuthSettings, HttpUrl, ProbeSettings, TlsSettings
from agent.probes._tls import tls_identity


class KubeAccessSettings(ProbeSettings):
    """Either `url`, with how to verify and to authenticate beside it, or `kubeconfig`."""

    url: HttpUrl | None = None
    """Base of the API server, such as https://kubernetes.default.svc."""
    kubeconfig: Path | None = None
    """A kubeconfig that says how to reach the cluster, and who the agent is; re-read when it changes."""
    context: str | None = None
    """The kubeconfig's context. Default: its current one."""
    tls: TlsSettings | None = None
    """How to verify the server and to identify the agent, beside `url`."""
    auth: AuthSettings | None = None
    """How to authenticate, beside `url`. Without it, being asked to authenticate is no failure."""

    @model_validator(mode="after")
    def _one_way_to_the_cluster(self) -> Self:
        if (self.url is None) == (self.kubeconfig is None):
            raise ValueError(f"{self.kind} needs exactly one of url and kubeconfig")
        refuse_context_alone(self.kubeconfig, self.context)
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
            return shown_url(self.url)
        try:
            return shown_url(self.access().server)
        except ProbeFailure:
            return f"context {self.context or 'in use'} of {self.kubeconfig}"

    def access(self) -> ClusterAccess:
        """How to reach the cluster. Raises ProbeFailure for a kubeconfig that cannot be used."""
        if self.kubeconfig is not None:
            return cluster_access(self.kubeconfig, self.context)
        return _direct_access(self.url or "", self.tls or TlsSettings(), self.auth)


@lru_cache(maxsize=1024)
def _direct_access(url: str, tls: TlsSettings, auth: AuthSettings | None) -> ClusterAccess:
    return ClusterAccess(url, tls, tls_identity(tls, ("http/1.1",)), auth)


class KubeApiServer:
    """The API server that settings name, through changes of its kubeconfig."""

    def __init__(self, settings: KubeAccessSettings, network: Network) -> None:
        self._settings = settings
        self._network = network
        self._access: ClusterAccess | None = None
        self._target: HttpTarget | None = None

    def reach(self) -> tuple[HttpTarget, ClusterAccess]:
        """What to ask, and how the agent shows who it is. Raises ProbeFailure for a kubeconfig that cannot be used."""
        access = self._settings.access()
        if self._target is None or access != self._access:
            if self._access is not None:
                self._network.tls.forget(self._access.identity)
            self._access = access
            self._target = HttpTarget(
                self._network, access.server, tls=access.tls, auth=access.auth, identity=access.identity
            )
        return self._target, access
