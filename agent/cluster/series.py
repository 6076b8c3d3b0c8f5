"""All series of a cluster, made at each scrape from the objects that are there at that moment."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from agent.cluster.nodes import lease_series, node_series
from agent.cluster.packed import unpacked
from agent.cluster.pods import pod_series
from agent.cluster.usage import node_usage_series, pod_usage_series
from agent.cluster.workloads import daemonset_series, deployment_series, statefulset_series
from agent.metrics import kubernetes as families
from agent.metrics.objects import ObjectFamilies, ObjectSeries, ObjectText
from agent.metrics.pieces import slices
from agent.metrics.text import Description, Format
from agent.probes._json import JsonObject, child, text_of

_SLICE = 8
"""Objects whose text is made without a pause: at most some 0.5 ms of work when all of them are new."""


class Resource(StrEnum):
    """A kind of objects that series are made of."""

    NODES = "nodes"
    LEASES = "leases"
    DEPLOYMENTS = "deployments"
    STATEFULSETS = "statefulsets"
    DAEMONSETS = "daemonsets"
    PODS = "pods"
    POD_USAGE = "pod_usage"
    NODE_USAGE = "node_usage"


class Source(Protocol):
    """Where objects of one kind come from, such as a list and watch of one namespace.

    An object is never changed in place: a new version is another object.
    """

    @property
    def objects(self) -> Mapping[str, JsonObject]:
        """The objects that are there now, by uid, or by what else tells them apart."""


class _Kind(NamedTuple):
    """What is made of the objects of one kind.

    part_of: where an object of that kind has to be there under the same name. versioned: whether objects with the same
    resourceVersion are the same.
    """

    series: Callable[[JsonObject], ObjectSeries | None]
    families: tuple[Description, ...]
    part_of: Resource | None = None
    versioned: bool = True


_KINDS = {
    Resource.NODES: _Kind(node_series, families.NODES),
    Resource.LEASES: _Kind(lease_series, families.LEASES, Resource.NODES),
    Resource.DEPLOYMENTS: _Kind(deployment_series, families.DEPLOYMENTS),
    Resource.STATEFULSETS: _Kind(statefulset_series, families.STATEFULSETS),
    Resource.DAEMONSETS: _Kind(daemonset_series, families.DAEMONSETS),
    Resource.PODS: _Kind(pod_series, families.PODS),
    Resource.POD_USAGE: _Kind(pod_usage_series, families.POD_USAGE, Resource.PODS, versioned=False),
    Resource.NODE_USAGE: _Kind(node_usage_series, families.NODE_USAGE, Resource.NODES, versioned=False),
}

_Texts = dict[str, ObjectText]
"""Texts of one kind by the object's name."""


class ClusterSeries:
    """The series of a cluster. What one source has lost is gone with the next scrape, its lease and usage included."""

    def __init__(self, sources: Mapping[Resource, Sequence[Source]], kube_state_metrics: bool = False) -> None:
        """`sources`: of each kind that is watched, one or several. `kube_state_metrics`: it runs too, so that only what
        it does not have is exported.
        """
        self._sources = sources
        self._kept = {
            resource: _KeptTexts(kind, own_only=kube_state_metrics)
            for resource, kind in _KINDS.items()
            if resource in sources
        }

    def texts(self, form: Format) -> Iterator[str]:
        """The text of all families that have samples, one after the other, in pieces that are quick to make.

        The objects are those of the beginning, however long the reader takes and whatever comes and goes meanwhile.
        """
        now = {resource: _objects(self._sources[resource]) for resource in self._kept}
        texts: dict[Resource, _Texts] = {}
        for resource, kept in self._kept.items():
            texts[resource] = {}
            for _ in kept.read(now[resource], texts[resource]):
                yield ""
        for resource, kept in self._kept.items():
            yield from kept.families.texts(_whole(resource, texts), form)


def _objects(sources: Iterable[Source]) -> dict[str, JsonObject]:
    """A copy, because sources change while a reader takes its time."""
    objects: dict[str, JsonObject] = {}
    for source in sources:
        objects.update(source.objects)
    return objects


def _whole(resource: Resource, texts: Mapping[Resource, _Texts]) -> list[ObjectText]:
    """The texts of one kind, without those whose object of another kind has gone."""
    part_of = _KINDS[resource].part_of
    if part_of is None or part_of not in texts:
        return list(texts[resource].values())
    return [text for name, text in texts[resource].items() if name in texts[part_of]]


class _Kept(NamedTuple):
    """An object, and its text when it has one."""

    thing: JsonObject
    text: ObjectText | None


class _KeptTexts:
    """The texts of one kind of objects, kept from one scrape to the next."""

    def __init__(self, kind: _Kind, own_only: bool) -> None:
        self._kind = kind
        wanted = [it for it in kind.families if not own_only or it.name.startswith(families.OWN_PREFIX)]
        self.families = ObjectFamilies(wanted)
        self._kept: dict[str, _Kept] = {}

    def read(self, objects: Mapping[str, JsonObject], texts: _Texts) -> Iterator[None]:
        """Puts the texts of these objects into `texts`, making those that are new, and pauses often.

        Of objects with the same name, which can only be there one after the other, the last one counts.
        """
        kept = self._kept
        current: dict[str, _Kept] = {}
        for some in slices(objects.items(), _SLICE):
            for uid, thing in some:
                # Another scrape that goes on meanwhile finds the text, too.
                entry = kept[uid] = current[uid] = self._entry(kept.get(uid), thing)
                if entry.text is not None:
                    texts[entry.text.name] = entry.text
            yield
        self._kept = current

    def _entry(self, before: _Kept | None, thing: JsonObject) -> _Kept:
        if before is not None and before.thing is thing:
            return before
        if before is not None and self._same_version(before.thing, thing):
            return _Kept(thing, before.text)
        series = self._kind.series(unpacked(thing))
        return _Kept(thing, self.families.text(series) if series is not None else None)

    def _same_version(self, before: JsonObject, now: JsonObject) -> bool:
        """After a new list all objects are others, though most of them have the version that they had."""
        return self._kind.versioned and _version(before) == _version(now) != ""


def _version(thing: JsonObject) -> str:
    return text_of(child(thing, "metadata"), "resourceVersion")
