"""A source of checks: Services that ask for a check, and installations of Meshery."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar, Protocol

from agent.discovery.annotations import annotated_checks
from agent.discovery.meshery import installations
from agent.discovery.objects import Objects, collection, named, pod_ports
from agent.probes._json import JsonObject
from agent.probes._kube_objects import Collection
from agent.probes._settings import Model
from agent.settings.problems import ConfigurationError
from agent.settings.snapshot import Snapshot, Source
from agent.settings.targets import targets_of

SOURCE = "kubernetes"
_LOOK_AT_LEAST_EVERY = 10.0
"""Seconds: the objects' age changes without them."""
_SETTLE = 1.0
"""Seconds to wait for more changes after one."""


def snapshot_of(objects: Objects, at: float = 0.0, problems: Sequence[str] = ()) -> Snapshot:
    """What the objects of a cluster ask to be watched. What is bad is left out, told, and hurts nothing else."""
    checks, bad_annotations = annotated_checks(named(objects.services), pod_ports(objects.endpointslices))
    deployments, bad_installations = _deployments(objects)
    return Snapshot(SOURCE, tuple(checks), tuple(deployments), (*problems, *bad_annotations, *bad_installations), at)


def _deployments(objects: Objects) -> tuple[list[Model], list[str]]:
    deployments: list[Model] = []
    problems: list[str] = []
    for found in installations(objects):
        try:
            deployments += targets_of({"deployments": [found.settings]}, f"Meshery in {found.namespace}").deployments
        except ConfigurationError as error:
            problems += [str(problem) for problem in error.problems]
    return deployments, problems


class Watched(Protocol):
    """A collection of objects, kept current."""

    @property
    def objects(self) -> Mapping[str, JsonObject]:
        """The objects by uid, as they were when the API server could be asked last."""

    @property
    def last_success(self) -> float:
        """Unix time at which the API server could be asked last; 0 when it never could."""

    @property
    def problem(self) -> str:
        """Why it cannot be asked now; empty when it can."""


def to_watch(namespaces: Sequence[str]) -> Mapping[str, Sequence[Collection]]:
    """The collections of each field of `Objects`: in these namespaces, or in all where none are named."""
    return {field: [collection(field, namespace) for namespace in namespaces or (None,)] for field in Objects._fields}


class KubernetesSource:
    """Looks at the objects whenever they have changed.

    Until the Services of one namespace have been listed, nothing is known. A collection that was never listed counts as
    empty and is told of; while one of Services is among them, the source counts as never asked with success.
    """

    name: ClassVar[str] = SOURCE

    def __init__(self, watched: Mapping[str, Sequence[Watched]], changed: asyncio.Event) -> None:
        """`watched`: for fields of `Objects`, `services` among them, a collection of each namespace, or one of all.

        changed: set whenever objects of a collection have changed.
        """
        self._watched = watched
        self._changed = changed

    def goes_on_from(self, _: Source) -> bool:
        """There is only one, which stays."""
        return False

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        while True:
            self._changed.clear()
            if any(watched.last_success for watched in self._watched["services"]):
                # Copies, because the collections change while a thread goes through twenty thousand of them.
                objects = Objects(**{field: _together(watched) for field, watched in self._watched.items()})
                yield await asyncio.to_thread(snapshot_of, objects, self._at(), self._problems())
            elif problems := self._problems():
                yield Snapshot(SOURCE, problems=tuple(problems))
            try:
                async with asyncio.timeout(_LOOK_AT_LEAST_EVERY):
                    await self._changed.wait()
                await asyncio.sleep(_SETTLE)
            except TimeoutError:
                pass

    def _at(self) -> float:
        if not all(watched.last_success for watched in self._watched["services"]):
            return 0.0
        return min(watched.last_success for kind in self._watched.values() for watched in kind if watched.last_success)

    def _problems(self) -> list[str]:
        found = [watched.problem for kind in self._watched.values() for watched in kind]
        return [problem for problem in dict.fromkeys(found) if problem]


def _together(watched: Sequence[Watched]) -> Mapping[str, JsonObject]:
    return {uid: each for collection in watched for uid, each in collection.objects.items()}
