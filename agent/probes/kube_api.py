"""Asks the API server of a Kubernetes cluster whether it is alive and ready."""

from typing import ClassVar, Literal

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
from agent.probes._json import json_object, text_of
from agent.probes._kube_access import KubeAccessSettings, KubeApiServer
from agent.probes._network import Network
from agent.probes._settings import Model
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS
from agent.probes._verdict import StatusExpectation, judge_status

_MAX_VERSION = 16 * 1024
_HEALTH = ("/livez", "/readyz?verbose=1")
_SHUTDOWN = "shutdown"
"""The check of /readyz that fails from the moment on that the server is told to end."""


class KubeApiExpectation(Model):
    """What is looked for in the server's answer."""

    checks: tuple[str, ...] = ("etcd", "etcd-readiness", "informer-sync", "shutdown")
    """Names of checks of /readyz to export one by one. Any check that fails makes the server down."""


class KubeApiSettings(KubeAccessSettings):
    """Keys of the `kube_api` probe. Either `url` or `kubeconfig`."""

    summary: ClassVar[str] = "Asks a Kubernetes API server for /livez, /readyz and /version."
    metrics: ClassVar[tuple[Metric, ...]] = (HEALTHZ_CHECK, *HTTP_METRICS, *TCP_METRICS, *TLS_METRICS)

    kind: Literal["kube_api"] = "kube_api"
    expect: KubeApiExpectation = KubeApiExpectation()
    """What is looked for in the server's answer."""

    def probe(self, network: Network) -> Probe:
        return KubeApiProbe(self, network)


class KubeApiProbe:
    """Asks for liveness, readiness and version over one connection."""

    def __init__(self, settings: KubeApiSettings, network: Network) -> None:
        self._server = KubeApiServer(settings, network)
        self._checks = settings.expect.checks

    async def run(self, run: Run) -> None:
        target, access = self._server.reach()
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

    def _judge_health(self, run: Run, path: str, response: Response) -> None:
        answer = parse_health(response.body)
        if path == _HEALTH[-1]:
            measure_health(run, answer, self._checks)
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
