"""Looks at the objects of a cluster, and judges one rule of Meshery's resiliency checklist."""

from typing import ClassVar, Literal
from urllib.parse import quote as percent_encoded

from agent.core.measures import Metric
from agent.core.ports import Probe
from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._checklist_rule import Resource, RuleName, Wanted
from agent.probes._checklist_rules import RULES
from agent.probes._connection import TCP_METRICS
from agent.probes._http import HTTP_METRICS, Response
from agent.probes._http_session import HttpSession
from agent.probes._json import JsonObject, child, children, json_object, text_of
from agent.probes._kube_access import KubeAccessSettings, KubeApiServer
from agent.probes._kube_objects import labels_of, name_of
from agent.probes._network import Network
from agent.probes._text import quote
from agent.probes._tls import TLS_METRICS
from agent.probes._verdict import judge_status

_PAGE, _PAGE_OF_LABELS = 50, 200
"""Objects that are asked for at once: so few that parsing them delays no other check by more than some milliseconds."""
_MAX_PAGE = 2 * 1024 * 1024
_MOST_PAGES = 100
_MAX_LIST = 32 * 1024 * 1024
"""Bytes of all pages together: 5,000 nodes with all their labels and annotations."""
_LONGEST_TOKEN = 4096
_METADATA_ONLY = (("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"),)


class ChecklistSettings(Wanted, KubeAccessSettings):
    """Keys of the `checklist` probe. Either `url` or `kubeconfig`."""

    summary: ClassVar[str] = "Asks a Kubernetes API server for objects, and judges one rule of the checklist by them."
    metrics: ClassVar[tuple[Metric, ...]] = (*HTTP_METRICS, *TCP_METRICS, *TLS_METRICS)

    kind: Literal["checklist"] = "checklist"
    rule: RuleName
    """The rule; docs/checklist.md explains them. Those about what is attested ask nobody."""

    def endpoint_problem(self) -> str:
        return super().endpoint_problem() if RULES[self.rule].resources else "attested, so that nothing is connected to"

    def target(self) -> str:
        return super().target() if RULES[self.rule].resources else "the configuration"

    def probe(self, network: Network) -> Probe:
        return ChecklistProbe(self, network)


class ChecklistProbe:
    """Lists what the rule looks at, over one connection, and lets the rule judge."""

    def __init__(self, settings: ChecklistSettings, network: Network) -> None:
        self._settings = settings
        self._server = KubeApiServer(settings, network)
        self._rule = RULES[settings.rule]

    async def run(self, run: Run) -> None:
        objects = await self._objects(run) if self._rule.resources else {}
        run.detail = self._rule.judge(objects, self._settings)

    async def _objects(self, run: Run) -> dict[Resource, tuple[JsonObject, ...]]:
        target, access = self._server.reach()
        objects: dict[Resource, tuple[JsonObject, ...]] = {}
        with HttpSession(run, target) as session:
            for resource in self._rule.resources:
                listed = await _list(session, resource, self._settings.namespace, authenticated=access.authenticated)
                if listed is not None:
                    objects[resource] = listed
        return objects


async def _list(
    session: HttpSession, resource: Resource, namespace: str, *, authenticated: bool
) -> tuple[JsonObject, ...] | None:
    """All objects of a kind, or None where the cluster does not serve it."""
    limit = _PAGE_OF_LABELS if resource.labels_only else _PAGE
    path = f"{resource.path(namespace)}?limit={limit}" + (f"&{resource.selector}" if resource.selector else "")
    found: list[JsonObject] = []
    token, size = "", 0
    for _ in range(_MOST_PAGES):
        page = f"{path}&continue={percent_encoded(token, safe='', errors='replace')}" if token else path
        response = await session.get(page, _MAX_PAGE, _METADATA_ONLY if resource.labels_only else ())
        if response.status in resource.absent:
            return None
        document = _listing(response, resource, authenticated=authenticated)
        found += [_kept(thing, resource.labels_only) for thing in children(document, "items")]
        token = text_of(child(document, "metadata"), "continue")
        if not token:
            return tuple(found)
        if len(token) > _LONGEST_TOKEN:
            raise ProbeFailure(Reason.BODY_MISMATCH, f"the list of {resource} goes on with a token that is too long")
        size += len(response.body)
        if size > _MAX_LIST:
            break
    raise Inconclusive(
        f"there are more than {len(found)} {resource}, which is more than are looked at",
        "Meshery should have a namespace of its own; else switch the row off.",
    )


def _kept(thing: JsonObject, labels: tuple[str, ...]) -> JsonObject:
    """What is kept of an object: its name and some labels, or all but its largest part, which no rule looks at."""
    if labels:
        kept = {label: value for label, value in labels_of(thing).items() if label in labels}
        return {"metadata": {"name": name_of(thing), "labels": kept}}
    metadata = {key: value for key, value in child(thing, "metadata").items() if key != "managedFields"}
    return {**thing, "metadata": metadata}


def _listing(response: Response, resource: Resource, *, authenticated: bool) -> JsonObject:
    """The list that an answer is. Raises ProbeFailure and Inconclusive."""
    where = "in the namespace" if resource.namespaced else "in the cluster"
    if response.status in (401, 403) and not authenticated:
        raise Inconclusive(
            f"the API server wants authentication ({response.status})",
            f"Give the checklist a kubeconfig, or a service account, that may list {resource} {where}.",
        )
    document = json_object(response.body)
    if response.status == 403:
        said = text_of(document or {}, "message")
        raise ProbeFailure(
            Reason.AUTH_REJECTED, f"the credentials may not list {resource} {where}: {quote(said or response.body)}"
        )
    judge_status(response, url=resource.plural, authenticated=authenticated)
    if document is None or not text_of(document, "kind").endswith("List"):
        raise ProbeFailure(Reason.BODY_MISMATCH, f"the answer is no list of {resource}: {quote(response.body)}")
    return document


SETTINGS = ChecklistSettings
