"""Rules about the number of replicas: of Meshery Server, and for those of the Operator to share."""

from agent.probes._checklist_meshery import AUTOSCALERS, server
from agent.probes._checklist_rule import Objects, Wanted, served, wrong
from agent.probes._json import JsonObject, child, text_of
from agent.probes._kube_objects import condition, count_of, name_of, shown, why


def server_replicas(objects: Objects, wanted: Wanted) -> str:
    """All replicas of Meshery Server that its Deployment wants are available, and there are as many as
    `checklist.server_replicas` wants. The documents disagree on the number: the production document wants three, the
    one on availability prefers a single one with vertical headroom, because each replica has a cache of its own. So
    there is no number by default."""
    deployment = server(objects)
    found = replicas(deployment, wanted.replicas, "the Server")
    if wanted.replicas is not None:
        return found
    return (
        f"{found}; Meshery's documents disagree: one wants three replicas, the other one Server with headroom, because "
        "replicas share no cache. Set checklist.server_replicas to choose"
    )


def replicas(deployment: JsonObject, wanted: float | None, of: str) -> str:
    """Whether as many replicas are available as a Deployment wants, and as many as are `wanted` of it."""
    asked_for = count_of(child(deployment, "spec"), "replicas", 1.0)
    available = count_of(child(deployment, "status"), "availableReplicas")
    if asked_for < 1:
        raise wrong(f"{of} is scaled to zero", "scale its Deployment up")
    if wanted is not None and asked_for < wanted:
        raise wrong(f"{of} has {asked_for:g} of {wanted:g} wanted replicas", "raise replicaCount in the chart's values")
    if available < asked_for:
        raise wrong(
            f"{available:g} of {asked_for:g} replicas of {of} are available",
            "see why its pods are not: kubectl describe shows their events",
        )
    return f"{available:g} of {asked_for:g} replicas of {of} are available"


def autoscaling(objects: Objects, _: Wanted) -> str:
    """A HorizontalPodAutoscaler scales Meshery Server (KEDA makes one, too), gets its metrics, and is not at its
    maximum."""
    deployment = server(objects)
    scaler = next((each for each in served(objects, AUTOSCALERS) if _scales(each, deployment)), None)
    if scaler is None:
        raise wrong(
            f"no HorizontalPodAutoscaler scales the Deployment {shown(deployment)}",
            "create one, or a ScaledObject of KEDA; or leave checklist.autoscaling out",
        )
    for kind in ("AbleToScale", "ScalingActive"):
        found = condition(scaler, kind)
        if found is not None and text_of(found, "status") == "False":
            raise wrong(
                f"the autoscaler {shown(scaler)} does not scale: {why(found)}", "give it the metrics that it asks for"
            )
    lowest = count_of(child(scaler, "spec"), "minReplicas", 1.0)
    highest = count_of(child(scaler, "spec"), "maxReplicas")
    current = count_of(child(scaler, "status"), "currentReplicas")
    if highest <= lowest:
        raise wrong(
            f"the autoscaler {shown(scaler)} has no room: from {lowest:g} to {highest:g}", "raise its maxReplicas"
        )
    if current >= highest:
        raise wrong(
            f"the autoscaler {shown(scaler)} is at its maximum of {highest:g} replicas", "raise its maxReplicas"
        )
    return f"the autoscaler {shown(scaler)} has {current:g} replicas, between {lowest:g} and {highest:g}"


def _scales(scaler: JsonObject, deployment: JsonObject) -> bool:
    target = child(child(scaler, "spec"), "scaleTargetRef")
    return text_of(target, "kind") == "Deployment" and text_of(target, "name") == name_of(deployment)
