"""Objects kept small, for there may be 20,000 pods: only what series are made of, and that as bytes.

As dictionaries they would take ten times the memory, and each full garbage collection would stop the event loop for
200 ms to look at them.
"""

import marshal
from collections.abc import Iterator, Mapping

from agent.probes._json import JsonObject, child

_UNUSED = {
    "metadata": {"managedFields", "annotations"},
    "spec": {"volumes", "ephemeralContainers", "tolerations", "affinity", "topologySpreadConstraints", "template"},
    "status": {"images", "volumesInUse", "volumesAttached", "ephemeralContainerStatuses"},
}
"""What makes most of a node, a pod or a workload, by its section, and is part of no series."""
_CONTAINERS = ("containers", "initContainers")
_OF_CONTAINERS = ("name", "resources")


class Packed(Mapping[str, object]):
    """An object, unpacked whenever it is looked into: take `unpacked` first where that is more than once."""

    __slots__ = ("_bytes",)

    def __init__(self, whole: JsonObject) -> None:
        self._bytes = marshal.dumps(whole)  # type: ignore[arg-type]  # JSON is nothing else

    def unpacked(self) -> dict[str, object]:
        """The object itself, anew each time."""
        whole: dict[str, object] = marshal.loads(self._bytes)  # noqa: S302 - from `dumps` above, of this very process
        return whole

    def __getitem__(self, name: str) -> object:
        return self.unpacked()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.unpacked())

    def __len__(self) -> int:
        return len(self.unpacked())


def packed(found: JsonObject) -> Packed:
    """What series need of an object of any kind."""
    slim = dict(found)
    for section, unused in _UNUSED.items():
        if section in slim:
            slim[section] = {key: value for key, value in child(found, section).items() if key not in unused}
    spec = child(slim, "spec")
    containers = {key: _slim_containers(spec[key]) for key in _CONTAINERS if key in spec}
    return Packed({**slim, "spec": {**spec, **containers}} if containers else slim)


def unpacked(thing: JsonObject) -> JsonObject:
    """The object, whether packed or not."""
    return thing.unpacked() if isinstance(thing, Packed) else thing


def _slim_containers(listed: object) -> object:
    """Entries that are no objects stay, for they count where entries are bounded."""
    if not isinstance(listed, list):
        return None
    return [
        {key: each[key] for key in _OF_CONTAINERS if key in each} if isinstance(each, dict) else None for each in listed
    ]
