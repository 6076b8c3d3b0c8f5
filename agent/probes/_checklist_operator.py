"""Rules about Meshery Operator and the resources that it keeps reconciled."""

from agent.probes._checklist_meshery import BROKERS, MESHSYNCS, custom_resource, operator
from agent.probes._checklist_replicas import replicas
from agent.probes._checklist_rule import Objects, Wanted, unknowable, wrong
from agent.probes._json import JsonObject
from agent.probes._kube_objects import condition, is_true, shown, why

_REMEDY = "look at the log of Meshery Operator, which says why"
_BEFORE_1_0 = ("healthy", "not healthy")
"""Types of conditions of Operators before 1.0."""


def operator_available(objects: Objects, wanted: Wanted) -> str:
    """All replicas of Meshery Operator that its Deployment wants are available, and as many as
    `checklist.operator_replicas` wants; without the Operator, nobody restores Broker and MeshSync."""
    return replicas(operator(objects), wanted.replicas, "the Operator")


def broker_ready(objects: Objects, _: Wanted) -> str:
    """The Broker resource has the condition Ready: the Operator has reconciled it, and found it healthy."""
    return _ready(custom_resource(objects, BROKERS, "meshery-broker"), "Broker")


def meshsync_ready(objects: Objects, _: Wanted) -> str:
    """The MeshSync resource has the condition Ready: the Operator has reconciled it, so that MeshSync synchronises
    again after an interruption."""
    return _ready(custom_resource(objects, MESHSYNCS, "meshery-meshsync"), "MeshSync")


def _ready(thing: JsonObject, kind: str) -> str:
    ready = condition(thing, "Ready")
    if ready is None:
        ready, not_healthy = (condition(thing, name) for name in _BEFORE_1_0)
        if not_healthy is not None and is_true(not_healthy):
            raise wrong(f"the {kind} resource {shown(thing)} is not healthy: {why(not_healthy)}", _REMEDY)
    if is_true(ready):
        return f"the {kind} resource {shown(thing)} is Ready"
    if ready is not None:
        raise wrong(f"the {kind} resource {shown(thing)} is not Ready: {why(ready)}", _REMEDY)
    raise unknowable(
        f"the {kind} resource {shown(thing)} has no condition Ready",
        "An Operator that has just started has not reconciled it yet; else look at the Operator's log.",
    )
