"""Objects of the Kubernetes API as rules read them: anything may be missing, of another type, or absurd."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote as percent_encoded

from agent.core.run import Inconclusive
from agent.probes._json import JsonObject, child, children, number_of, text_of
from agent.probes._quantity import exact
from agent.probes._text import quote

_LONGEST_NAME = 80
_MOST_NAMED = 5


class Collection(NamedTuple):
    """Objects that an API server lists at `path`, or those of them that the selector lets through."""

    path: str
    label_selector: str = ""


def list_path(group: str, plural: str, namespace: str | None) -> str:
    """Where the API server lists a resource, in one namespace or in all. `group`: its path, such as /apis/apps/v1."""
    below = f"/namespaces/{percent_encoded(namespace, safe='')}" if namespace is not None else ""
    return f"{group}{below}/{plural}"


def name_of(thing: JsonObject) -> str:
    """The object's name, empty when it has none."""
    return text_of(child(thing, "metadata"), "name")


def labels_of(thing: JsonObject) -> JsonObject:
    """The object's labels."""
    return child(child(thing, "metadata"), "labels")


def annotations_of(thing: JsonObject) -> JsonObject:
    """The object's annotations."""
    return child(child(thing, "metadata"), "annotations")


def annotation(thing: JsonObject, name: str) -> str:
    """The value of one of the object's annotations, without white space around it; empty when there is none."""
    return text_of(annotations_of(thing), name).strip()


def shown(thing: JsonObject) -> str:
    """The object's name for people."""
    return quote(name_of(thing), _LONGEST_NAME)


def listed(names: Iterable[str]) -> str:
    """Names for people, the first few of them where there are many."""
    every = list(names)
    first = ", ".join(quote(name, _LONGEST_NAME) for name in every[:_MOST_NAMED])
    return f"{first} and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else first


def is_selected(selector: JsonObject, labels: JsonObject) -> bool:
    """Whether a selector of labels that must be equal selects a thing with these labels; an empty one selects none."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def pod_template(workload: JsonObject) -> JsonObject:
    """What a Deployment or StatefulSet makes its pods of."""
    return child(child(workload, "spec"), "template")


def pods_of(workload: JsonObject, pods: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    """The pods, or metrics of pods, that a Deployment or StatefulSet selects, without those that are being deleted."""
    selector = child(child(child(workload, "spec"), "selector"), "matchLabels")
    return tuple(
        [
            pod
            for pod in pods
            if is_selected(selector, labels_of(pod)) and "deletionTimestamp" not in child(pod, "metadata")
        ]
    )


def container_named(name: str, containers: Sequence[JsonObject]) -> JsonObject | None:
    """The container of this name, else the first one: sidecars stand behind what they serve."""
    return next((container for container in containers if text_of(container, "name") == name), None) or next(
        iter(containers), None
    )


def environment_of(container: JsonObject, name: str) -> str:
    """The value of an environment variable, empty where it has none.

    Raises Inconclusive where it comes from a ConfigMap or Secret, which is not read.
    """
    for variable in reversed(children(container, "env")):  # the last one of a name wins
        if text_of(variable, "name") == name:
            if child(variable, "valueFrom"):
                raise Inconclusive(
                    f"the value of {name} comes from elsewhere, such as a Secret, which is not read",
                    "Look it up there; the row can be switched off.",
                )
            return text_of(variable, "value").strip()
    if children(container, "envFrom"):
        raise Inconclusive(
            f"{name} may be in a ConfigMap or Secret whose keys all become variables, which is not read",
            f"Look there, or set {name} in the Deployment itself.",
        )
    return ""


def condition(thing: JsonObject, kind: str) -> JsonObject | None:
    """The condition of this type in the object's status, or None."""
    conditions = children(child(thing, "status"), "conditions")
    return next((found for found in conditions if text_of(found, "type") == kind), None)


def is_true(found: JsonObject | None) -> bool:
    """Whether a condition is there and true."""
    return found is not None and text_of(found, "status") == "True"


def why(found: JsonObject) -> str:
    """What a condition says of itself, for people."""
    said = [text_of(found, "reason"), text_of(found, "message")]
    return quote(": ".join(part for part in said if part))


def count_of(parent: JsonObject, name: str, default: float = 0.0) -> float:
    """The number under `name`, or the default that Kubernetes takes for a missing one."""
    number = number_of(parent, name)
    return default if number is None else number


def bytes_of(quantity: object) -> float | None:
    """Bytes of a quantity such as `512Mi`, `1G` or `128974848`; None for what is none, or not positive."""
    amount = exact(quantity)
    return amount if amount is not None and amount > 0 else None


def is_host_of(pattern: str, host: str) -> bool:
    """Whether an Ingress' host, which may have a wildcard for its first label, stands for `host`."""
    first, _, rest = pattern.lower().partition(".")
    return pattern.lower() == host.lower() or (first == "*" and bool(rest) and rest == host.lower().partition(".")[2])
