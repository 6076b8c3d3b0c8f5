"""Tries the endpoint that Meshery Operator publishes for the Broker, as Meshery Server would."""

import os
from asyncio import timeout as deadline
from typing import ClassVar, Literal, NamedTuple
from urllib.parse import quote as percent_encoded

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Blame, Phase, Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._address import parse_literal
from agent.probes._connection import TCP_METRICS, connect
from agent.probes._door import reason_of
from agent.probes._http import HTTP_METRICS
from agent.probes._http_session import HttpSession
from agent.probes._json import child, json_object, text_of
from agent.probes._kube_access import KubeAccessSettings, KubeApiServer
from agent.probes._kube_objects import list_path
from agent.probes._nats_protocol import Lines, judge_info, parse_info
from agent.probes._network import Network
from agent.probes._settings import Endpoint, ObjectName, parse_address
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS
from agent.probes._verdict import StatusExpectation, judge_status

_GROUP = "/apis/meshery.io/v1alpha1"
"""Served by every release of the Operator, 1.0 and newer with v1alpha2 beside it."""
_MAX_RESOURCE = 256 * 1024
_INTERNAL_SHARE = 0.4
"""Share of the time that is left which the internal endpoint gets; outside of the cluster it stays silent."""
_VERDICT_MARGIN = 0.05
"""Seconds before the deadline at which silence is judged."""
_LONGEST_ENDPOINT = 270


class BrokerEndpointSettings(KubeAccessSettings):
    """Keys of the `broker_endpoint` probe. Either `url` or `kubeconfig`."""

    summary: ClassVar[str] = "Reads which endpoint Meshery Operator publishes for the Broker, and tries it from here."
    metrics: ClassVar[tuple[Metric, ...]] = (*HTTP_METRICS, *TCP_METRICS, *TLS_METRICS)

    kind: Literal["broker_endpoint"] = "broker_endpoint"
    namespace: ObjectName = "meshery"
    """Namespace of the Broker resource."""
    name: ObjectName = "meshery-broker"
    """Name of the Broker resource."""

    def further_endpoints(self) -> str:
        return "the endpoint that the Operator publishes for the Broker, usually port 4222"

    def probe(self, network: Network) -> Probe:
        return BrokerEndpointProbe(self, network)


class _Published(NamedTuple):
    """What the status of a Broker resource says; None where it says nothing."""

    internal: Endpoint | None
    external: Endpoint | None


class BrokerEndpointProbe:
    """Up when the internal or the external endpoint answers as a NATS server, tried in the Server's own order.

    Nothing published for the outside is normal where the Broker's Service is a ClusterIP, so it is no failure.
    """

    def __init__(self, settings: BrokerEndpointSettings, network: Network) -> None:
        self._server = KubeApiServer(settings, network)
        self._network = network
        self._namespace, self._name = settings.namespace, settings.name
        self._path = f"{list_path(_GROUP, 'brokers', self._namespace)}/{percent_encoded(self._name, safe='')}"

    async def run(self, run: Run) -> None:
        internal, external = await self._read(run)
        why: dict[Endpoint, str] = {}
        if internal is not None:
            patience = run.remaining() * _INTERNAL_SHARE if external is not None else run.remaining() - _VERDICT_MARGIN
            why[internal] = await self._try(run, internal, patience)
            if not why[internal]:
                run.detail = f"the Broker answers at its internal endpoint {internal}"
                return
        if external is not None:
            why[external] = await self._try(run, external, run.remaining() - _VERDICT_MARGIN)
            if not why[external]:
                run.detail = f"the Broker answers at its external endpoint {external}"
                return
        tried = "; ".join(f"{endpoint} {words}" for endpoint, words in why.items())
        if external is not None:
            raise ProbeFailure(
                Reason.ENDPOINT_UNREACHABLE,
                f"the Operator publishes {_described(external)}, and the Broker does not answer from here: {tried}",
            )
        raise Inconclusive(
            f"the Operator publishes no external endpoint, and the internal one does not answer from here: {tried}",
            "From outside of the cluster this is normal: the Server then forwards a port by itself. To get a verdict, "
            "make the Broker's Service a LoadBalancer or NodePort.",
        )

    async def _read(self, run: Run) -> _Published:
        target, access = self._server.reach()
        with HttpSession(run, target) as session:
            response = await session.get(self._path, _MAX_RESOURCE)
        if response.status == 404:
            raise Inconclusive(
                f"there is no Broker resource {self._namespace}/{self._name}",
                "A Meshery with embedded MeshSync has none; switch the row off there.",
            )
        if response.status in (401, 403) and not access.authenticated:
            raise Inconclusive(
                f"the API server wants authentication ({response.status})",
                "Give this cluster credentials that may get brokers.meshery.io.",
            )
        judge_status(response, StatusExpectation(), url=target.url, authenticated=access.authenticated)
        document = json_object(response.body)
        if document is None or text_of(document, "kind") != "Broker":
            raise ProbeFailure(Reason.BODY_MISMATCH, f"the answer is no Broker resource: {quote(response.body)}")
        endpoint = child(child(document, "status"), "endpoint")
        published = _Published(_endpoint(text_of(endpoint, "internal")), _endpoint(text_of(endpoint, "external")))
        if published == (None, None):
            raise ProbeFailure(
                Reason.DEGRADED,
                f"the status of the Broker resource {self._namespace}/{self._name} names no endpoint: the Operator has "
                "not reconciled it",
            )
        return published

    async def _try(self, run: Run, endpoint: Endpoint, seconds: float) -> str:
        """Why nothing that clients can use answers at `endpoint`; empty where it does."""
        try:
            async with deadline(seconds):
                with await connect(run, self._network, *endpoint) as connection:
                    run.enter(Phase.RESPONSE)
                    judge_info(parse_info(await Lines(connection).next(beginning=b"INFO ")))
        except TimeoutError:
            return f"did not answer within {seconds:.1f} s"
        except ProbeFailure as failure:
            if failure.reason.blame is Blame.AGENT:
                raise
            return f"failed with {failure.reason}: {failure.detail}"
        except OSError as error:
            reason = reason_of(error, run.phase)
            if reason.blame is Blame.AGENT:
                raise
            return f"failed with {reason}: {os.strerror(error.errno or 0)}"
        return ""


def _endpoint(text: str) -> Endpoint | None:
    """An endpoint as the Operator writes it: `host:port`, before 0.6 with a scheme. Raises ProbeFailure for others."""
    if not text:
        return None
    try:
        if len(text) > _LONGEST_ENDPOINT or not text.isprintable():
            raise ValueError
        return parse_address(text.rpartition("://")[2].rstrip("/"))
    except ValueError:
        raise ProbeFailure(Reason.BODY_MISMATCH, f"the published endpoint {quote(text)} is no host:port") from None


def _described(endpoint: Endpoint) -> str:
    """Says which kind of address won: the documents put host names first, the Operator's code IP addresses."""
    return f"{endpoint} ({'a host name' if parse_literal(endpoint.host) is None else 'an IP address'})"


SETTINGS = BrokerEndpointSettings
