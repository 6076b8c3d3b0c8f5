"""Leases (coordination.k8s.io/v1): what they say, and how they are taken, renewed and given up.

Their times are by the clocks of those who wrote them, so nothing is concluded from these but that a Lease was renewed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

from agent.cluster.client import ApiError
from agent.probes._json import JsonObject, child, number_of, text_of
from agent.probes._kube_objects import list_path

_MOST_TRANSITIONS = 2**31 - 1


RELEASE_SECONDS = 3.0
"""Time that giving a Lease up may take; after it the Lease runs out by itself."""


def leases_path(namespace: str) -> str:
    """Where the Leases of a namespace are."""
    return list_path("/apis/coordination.k8s.io/v1", "leases", namespace)


def is_race(error: ApiError | OSError) -> bool:
    """Whether another one has written the Lease meanwhile."""
    return isinstance(error, ApiError) and error.status == HTTPStatus.CONFLICT


class Lease(NamedTuple):
    """A Lease as it was read. `holder` is empty when nobody has it; `seconds` is its duration, or None.

    renewed: differs after each renewal.
    """

    document: JsonObject
    name: str
    holder: str
    seconds: float | None
    renewed: tuple[str, str]

    @classmethod
    def read(cls, document: JsonObject) -> "Lease":
        """What the API server sent."""
        spec = child(document, "spec")
        holder, seconds = text_of(spec, "holderIdentity"), number_of(spec, "leaseDurationSeconds")
        name = text_of(child(document, "metadata"), "name")
        return cls(document, name, holder, seconds, (holder, text_of(spec, "renewTime")))

    @classmethod
    def new(cls, name: str, labels: Mapping[str, str] | None = None) -> "Lease":
        """One that does not exist yet."""
        return cls.read(
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name, **({"labels": labels} if labels else {})},
            }
        )

    def held_by(self, holder: str, seconds: float) -> JsonObject:
        """The document that makes `holder` the holder from now on, or renews what it has."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec = {
            **child(self.document, "spec"),
            "holderIdentity": holder,
            "leaseDurationSeconds": int(seconds),
            "renewTime": now,
        }
        if holder != self.holder:
            before = number_of(spec, "leaseTransitions")
            spec["acquireTime"] = now
            spec["leaseTransitions"] = 0 if before is None else min(max(0, int(before)) + 1, _MOST_TRANSITIONS)
        return {**self.document, "spec": spec}

    def released(self) -> JsonObject:
        """The document that leaves the Lease to whoever comes first."""
        spec = {key: value for key, value in child(self.document, "spec").items() if key != "holderIdentity"}
        return {**self.document, "spec": spec}
