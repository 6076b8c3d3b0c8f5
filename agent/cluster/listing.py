"""All objects of a collection, page by page."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from agent.cluster.client import AnswerTooLargeError, Cluster, Parameters
from agent.probes._json import JsonObject, child, children, text_of

_PAGE = 100
"""Pods of a page. To parse a page holds the event loop for 5 ms; for one of 500 pods it would be 40 ms."""
MOST_OBJECTS = 200_000
"""More than the largest cluster that Kubernetes supports has pods (150,000)."""


Kept = TypeVar("Kept")


class Listing(NamedTuple, Generic[Kept]):
    """The objects of a collection as they were at one moment, which `resource_version` names."""

    objects: list[Kept]
    resource_version: str


async def list_objects(
    cluster: Cluster, path: str, selectors: Parameters, keep: Callable[[JsonObject], Kept]
) -> Listing[Kept]:
    """All objects that `selectors` let through: what `keep` makes of each.

    Raises what `Cluster` raises: an ApiError of status 410, too, where the moment is forgotten before the last page.
    """
    objects: list[Kept] = []
    limit, following = _PAGE, ""
    while True:
        position = {"continue": following} if following else {}
        try:
            page = await cluster.get(path, {**selectors, **position, "limit": str(limit)})
        except AnswerTooLargeError:
            if limit == 1:
                raise
            limit //= 2  # whoever may fill objects to the brim must not keep the others from being seen
            continue
        objects += [keep(item) for item in children(page, "items")]
        if len(objects) > MOST_OBJECTS:
            raise AnswerTooLargeError(f"there are more than {MOST_OBJECTS} objects in {path}")
        metadata = child(page, "metadata")
        following = text_of(metadata, "continue")
        if not following:
            return Listing(objects, text_of(metadata, "resourceVersion"))
