"""A copy of one collection of the API, kept current by list and watch (kubernetes.io: Kubernetes API Concepts)."""

import re
from asyncio import sleep
from collections.abc import Callable, Mapping
from http import HTTPStatus
from random import uniform
from time import monotonic, time
from typing import NamedTuple

import structlog

from agent.cluster.backoff import Backoff
from agent.cluster.client import AnswerTooLargeError, ApiError, Cluster, WatchEvent
from agent.cluster.listing import list_objects
from agent.probes._json import JsonObject, child, text_of

_log = structlog.get_logger("agent.cluster")

_WATCH_SECONDS = 60.0
"""Not much: the end that comes at its time proves that a watch lived, though nothing happened."""
_SHORTEST_WATCH = 1.0
"""A server that ends a watch sooner, and has told nothing in it, is not to be asked again at once."""


_ALWAYS_SERVED = re.compile(r"/api/|/apis/(apps|[^/]+\.k8s\.io)/").match


def without_managed_fields(found: JsonObject) -> JsonObject:
    """An object without the book-keeping about who set which field: a third of a pod."""
    metadata = {key: value for key, value in child(found, "metadata").items() if key != "managedFields"}
    return {**found, "metadata": metadata}


class _Known(NamedTuple):
    """An object, and what is remembered of it."""

    uid: str
    version: str
    kept: JsonObject


class Reflector:
    """The objects of a collection, by uid. `run` keeps them current, for ever.

    Where the API server cannot be asked they stay as they were, and `last_success` tells their age. A custom resource
    that is not served (404) has no objects: its definition may come and go. What they hold was written by others:
    anything may be missing, of another type, or absurd.
    """

    def __init__(
        self,
        cluster: Cluster,
        path: str,
        *,
        changed: Callable[[], None],
        label_selector: str = "",
        keep: Callable[[JsonObject], JsonObject] = without_managed_fields,
        watch_seconds: float = _WATCH_SECONDS,
    ) -> None:
        """`path`: of the collection, such as /api/v1/nodes. `changed`: called whenever `objects` has changed.

        keep: what to remember of an object.
        watch_seconds: a watch that died unseen is noticed so much later, and 5 s.
        """
        self._cluster = cluster
        self._path = path
        self._changed = changed
        self._selectors = {"labelSelector": label_selector} if label_selector else {}
        self._keep = keep
        self._watch_seconds = watch_seconds
        self._objects: dict[str, JsonObject] = {}
        self._versions: dict[str, str] = {}
        """The resourceVersion of each object."""
        self._resource_version = ""
        self._last_success = 0.0
        self._backoff = Backoff()
        self._problem = ""
        self._failures = 0

    @property
    def objects(self) -> Mapping[str, JsonObject]:
        """The objects as they are now: always the same mapping, which changes while its reader waits for something."""
        return self._objects

    @property
    def synced(self) -> bool:
        """Whether it has been known at least once which objects there are."""
        return self._last_success > 0

    @property
    def last_success(self) -> float:
        """Unix time of the last list, event, bookmark, or begin or regular end of a watch, or at which the server last
        said that there is no such resource; 0 before the first of them.
        """
        return self._last_success

    @property
    def problem(self) -> str:
        """Why the API server could not be asked the last time; empty when it could."""
        return self._problem

    async def run(self) -> None:
        """Lists, watches, and does so again after whatever may happen."""
        while True:
            try:
                if not self._resource_version:
                    await self._list()
                await self._watch()
            except (ApiError, OSError) as error:
                if self._says_not_served(error):
                    self._have_none()
                    await sleep(self._backoff.next())
                else:
                    await sleep(self._pause_after(error))

    async def _list(self) -> None:
        listing = await list_objects(self._cluster, self._path, self._selectors, self._known)
        found = {known.uid: known for known in listing.objects if known.uid}
        gone = self._objects.keys() - found.keys()
        differs = not self.synced or bool(gone)
        for uid in gone:
            self._forget(uid)
        for known in found.values():
            if known.version != self._versions.get(known.uid):
                self._remember(known)
                differs = True
        self._resource_version = listing.resource_version
        self._answered()
        if differs:
            self._changed()

    def _known(self, found: JsonObject) -> _Known:
        return _Known(_uid(found), _resource_version(found), self._keep(found))

    def _remember(self, known: _Known) -> None:
        self._objects[known.uid] = known.kept
        self._versions[known.uid] = known.version

    def _forget(self, uid: str) -> None:
        self._objects.pop(uid, None)
        self._versions.pop(uid, None)

    async def _watch(self) -> None:
        began, told = monotonic(), False
        parameters = {**self._selectors, "resourceVersion": self._resource_version}
        seconds = self._watch_seconds * uniform(0.75, 1)  # noqa: S311 - no secret; or all watches would end together
        async with self._cluster.watch(self._path, parameters, seconds=seconds) as events:
            self._answered()
            async for event in events:
                told = True
                self._works()
                self._take(event)
        if not told and monotonic() - began < _SHORTEST_WATCH:
            raise ConnectionError(f"the watch of {self._path} was ended at once")
        self._works()

    def _take(self, event: WatchEvent) -> None:
        uid, version = _uid(event.object), _resource_version(event.object)
        match event.kind:
            case "ADDED" | "MODIFIED" if uid:
                self._remember(_Known(uid, version, self._keep(event.object)))
            case "DELETED" if uid:
                self._forget(uid)
            case "BOOKMARK":
                pass
            case _:
                return
        if version:
            self._resource_version = version
        if event.kind != "BOOKMARK":
            self._changed()

    def _says_not_served(self, error: ApiError | OSError) -> bool:
        """Whether that is an answer. For what every cluster serves, 404 comes from something before the API server."""
        is_missing = isinstance(error, ApiError) and error.status == HTTPStatus.NOT_FOUND
        return is_missing and not _ALWAYS_SERVED(self._path)

    def _have_none(self) -> None:
        differs = not self.synced or bool(self._objects)
        self._objects.clear()
        self._versions.clear()
        self._resource_version = ""
        self._answered()
        if differs:
            _log.info("not served here; asking again", path=self._path)
            self._changed()

    def _answered(self) -> None:
        self._last_success = time()
        self._problem = ""

    def _works(self) -> None:
        self._answered()
        self._backoff.reset()
        if self._failures > 1:
            _log.info("watching again", path=self._path)
        self._failures = 0

    def _pause_after(self, error: ApiError | OSError) -> float:
        """Seconds to wait. The log tells of the second failure in a row: connections may be cut at any time."""
        pause = self._backoff.next()
        if isinstance(error, AnswerTooLargeError):
            self._resource_version = ""  # a list may bring what was too large for a watch
        if isinstance(error, ApiError):
            if error.status == HTTPStatus.GONE:
                self._resource_version = ""
            pause = max(pause, error.retry_after or 0.0)
        self._problem = str(error) or type(error).__name__
        self._failures += 1
        if self._failures == 2:
            _log.warning("cannot watch; what was known before stays", path=self._path, problem=self._problem)
        return pause


def _uid(found: JsonObject) -> str:
    return text_of(child(found, "metadata"), "uid")


def _resource_version(found: JsonObject) -> str:
    return text_of(child(found, "metadata"), "resourceVersion")
