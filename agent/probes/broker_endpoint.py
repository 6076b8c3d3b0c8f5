"""Tries the endpoint that Meshery Operator publishes for the Broker, as Meshery Server would."""

from asyncio import timeout as deadline
from collections.abc import Sequence
from time import perf_counter
from typing import ClassVar, Literal, NamedTuple
from urllib.parse import quote as percent_encoded

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._address import parse_literal
from agent.probes._broker_attempts import Attempts, attempt, attempts
from agent.probes._broker_candidates import BROKER_NAMES, Candidate, candidates, node_port
from agent.probes._connection import TCP_METRICS
from agent.probes._endpoint import Endpoint, parse_address, url_endpoint
from agent.probes._http import HTTP_METRICS
from agent.probes._http_session import HttpSession
from agent.probes._json import NOTHING, JsonObject, child, children, json_object, text_of
from agent.probes._kube_access import KubeAccessSettings, KubeApiServer
from agent.probes._kube_objects import list_path
from agent.probes._network import Network
from agent.probes._settings import ObjectName
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS
from agent.probes._verdict import judge_status

_GROUP = "/apis/meshery.io/v1alpha1"
"""Served by every release of the Operator, 1.0 and newer with v1alpha2 beside it."""
_NODES = "/api/v1/nodes?limit=20"
"""One worker that is Ready is enough."""
_MAX_RESOURCE = 256 * 1024
_MAX_NODES = 2 * 1024 * 1024
_INTERNAL_SHARE = 0.4
"""Share of the time that is left which the internal endpoint gets; outside of the cluster it stays silent."""
_LOOK_AROUND = 2.0
"""Seconds at most to find out what else could be published; the verdict does not depend on it."""
_PATIENCE_BESIDE = 1.0
"""Seconds for which a run waits, once it has its verdict, for the endpoints that have no part in it."""
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
        return "the endpoints that the Operator publishes or could publish for the Broker, usually port 4222"

    def probe(self, network: Network) -> Probe:
        return BrokerEndpointProbe(self, network)


class _Published(NamedTuple):
    """What the status of a Broker resource says; None where it says nothing."""

    internal: Endpoint | None
    external: Endpoint | None


class _Possible(NamedTuple):
    """What the Operator could publish, and what the agent may not read to know it."""

    candidates: Sequence[Candidate] = ()
    remark: str = ""

    def kind_of(self, endpoint: Endpoint) -> str:
        """What a published endpoint is: the documents put host names first, the Operator's code IP addresses."""
        kind = "an IP address" if parse_literal(endpoint.host) else "a host name"
        return next((each.what for each in self.candidates if each.endpoint == endpoint), kind)


class BrokerEndpointProbe:
    """Up when the internal or the external endpoint answers as a NATS server, tried in the Server's own order.

    Nothing published for the outside is normal where the Broker's Service is a ClusterIP, so it is no failure. Whatever
    else the Operator could publish is tried at the same time: the detail tells of it, and the verdict is the same.
    """

    def __init__(self, settings: BrokerEndpointSettings, network: Network) -> None:
        self._server = KubeApiServer(settings, network)
        self._network = network
        self._namespace, self._name = settings.namespace, settings.name

    async def run(self, run: Run) -> None:
        target, access = self._server.reach()
        with HttpSession(run, target) as session:
            broker = await self._broker(session, target.url, authenticated=access.authenticated)
            try:
                async with deadline(min(_LOOK_AROUND, run.remaining() * _INTERNAL_SHARE)):
                    possible = await self._possible(session, broker, url_endpoint(access.server).host)
            except (ProbeFailure, OSError) as error:
                what = error.detail if isinstance(error, ProbeFailure) else str(error) or type(error).__name__
                possible = _Possible(remark=f"what else could be published is not known: {what}")
        published = _published(broker)
        beside = [each for each in possible.candidates if each.endpoint not in published]
        if published.internal is not None and published.external is not None:
            beside.insert(0, Candidate(published.external, f"published, {possible.kind_of(published.external)}"))
        async with attempts(self._network, beside, run.time_to_judge()) as others:
            try:
                tried = await self._judge(run, published, possible)
            except ProbeFailure as failure:
                also = await _also(run, others, possible, published)
                raise ProbeFailure(failure.reason, failure.detail + also) from failure
            except Inconclusive as verdict:
                also = await _also(run, others, possible, published)
                raise Inconclusive(verdict.detail + also, verdict.advice) from verdict
            run.detail += await _also(run, others, possible, tried)

    async def _broker(self, session: HttpSession, url: str, *, authenticated: bool) -> JsonObject:
        path = f"{list_path(_GROUP, 'brokers', self._namespace)}/{percent_encoded(self._name, safe='')}"
        response = await session.get(path, _MAX_RESOURCE)
        if response.status == 404:
            raise Inconclusive(
                f"there is no Broker resource {self._namespace}/{self._name}",
                "A Meshery with embedded MeshSync has none; switch the row off there.",
            )
        if response.status in (401, 403) and not authenticated:
            raise Inconclusive(
                f"the API server wants authentication ({response.status})",
                "Give this cluster credentials that may get brokers.meshery.io.",
            )
        judge_status(response, url=url, authenticated=authenticated)
        document = json_object(response.body)
        if document is None or text_of(document, "kind") != "Broker":
            raise ProbeFailure(Reason.BODY_MISMATCH, f"the answer is no Broker resource: {quote(response.body)}")
        return document

    async def _possible(self, session: HttpSession, broker: JsonObject, api_host: str) -> _Possible:
        """What is not there, or may not be read, is no reason to fail: nobody has to grant these rights."""
        for name in BROKER_NAMES:
            path = f"{list_path('/api/v1', 'services', self._namespace)}/{name}"
            response = await session.get(path, _MAX_RESOURCE)
            if response.status in (401, 403):
                return _Possible(remark=f"the Service {name} may not be read ({response.status})")
            service = json_object(response.body) if response.status == 200 else None
            if service is None:
                continue
            if node_port(service) is None:
                return _Possible(candidates(broker, service, api_host, ()))
            response = await session.get(_NODES, _MAX_NODES)
            remark = f"nodes may not be listed ({response.status})" if response.status in (401, 403) else ""
            nodes = children(json_object(response.body) or NOTHING, "items")
            return _Possible(candidates(broker, service, api_host, nodes), remark)
        return _Possible()

    async def _judge(self, run: Run, published: _Published, possible: _Possible) -> tuple[Endpoint, ...]:
        """The endpoints that have been tried, the last of which answers. Raises ProbeFailure and Inconclusive."""
        internal, external = published
        if internal is None and external is None:
            raise ProbeFailure(
                Reason.DEGRADED,
                f"the status of the Broker resource {self._namespace}/{self._name} names no endpoint: the Operator has "
                "not reconciled it",
            )
        why: dict[Endpoint, str] = {}
        if internal is not None:
            patience = run.remaining() * _INTERNAL_SHARE if external is not None else run.time_to_judge()
            why[internal] = await attempt(run, self._network, internal, patience)
            if not why[internal]:
                run.detail = f"the Broker answers at its internal endpoint {internal}"
                return (internal,)
        if external is not None:
            why[external] = await attempt(run, self._network, external, run.time_to_judge())
            if not why[external]:
                run.detail = f"the Broker answers at its external endpoint {external}"
                return tuple(why)
        tried = "; ".join(f"{endpoint} {words}" for endpoint, words in why.items())
        if external is not None:
            raise ProbeFailure(
                Reason.ENDPOINT_UNREACHABLE,
                f"the Operator publishes {external} ({possible.kind_of(external)}), and the Broker does not answer "
                f"from here: {tried}",
            )
        raise Inconclusive(
            f"the Operator publishes no external endpoint, and the internal one does not answer from here: {tried}",
            "From outside of the cluster this is normal: the Server then forwards a port by itself. To get a verdict, "
            "make the Broker's Service a LoadBalancer or NodePort.",
        )


async def _also(run: Run, others: Attempts, possible: _Possible, tried: Sequence[Endpoint | None]) -> str:
    """The end of a detail: how it went with what was tried beside, and what is not known. Waits a moment for it."""
    began = perf_counter()
    # They end by themselves when it is time to judge; half of what is left then is for them to say so.
    await others.settle(min(_PATIENCE_BESIDE, (run.time_to_judge() + run.remaining()) / 2))
    run.waited += perf_counter() - began
    return "".join(f"; {words}" for words in (*others.described(tried), possible.remark) if words)


def _published(broker: JsonObject) -> _Published:
    endpoint = child(child(broker, "status"), "endpoint")
    return _Published(_endpoint(text_of(endpoint, "internal")), _endpoint(text_of(endpoint, "external")))


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


SETTINGS = BrokerEndpointSettings
