"""Rules about nodes: where the replicas of Meshery Server stand, and how many nodes the control plane has."""

from collections import Counter
from collections.abc import Mapping
from math import ceil

from agent.probes._checklist_meshery import (
    CONTROL_PLANE_LABEL,
    CONTROL_PLANE_NODES,
    NODES,
    RUNNING_PODS,
    ZONE_LABEL,
    server,
)
from agent.probes._checklist_rule import Objects, Wanted, served, unknowable, wrong
from agent.probes._json import child, text_of
from agent.probes._kube_objects import condition, is_true, labels_of, listed, name_of, pods_of
from agent.probes._text import quote


def server_spread(objects: Objects, _: Wanted) -> str:
    """Where Meshery Server has several running replicas, they are spread over the nodes as evenly as the number of
    nodes allows, and over the zones where nodes say that there are several. Control-plane nodes do not count, unless
    a replica stands there."""
    pods = pods_of(server(objects), served(objects, RUNNING_PODS))
    used = [node for pod in pods if (node := text_of(child(pod, "spec"), "nodeName"))]
    if not used:
        raise unknowable("no pod of Meshery Server runs on a node", "See the row checklist-server-replicas.")
    if len(used) == 1:
        return f"a single replica on the node {quote(used[0], 80)} has nothing to be spread over"
    zones = {
        name_of(node): text_of(labels_of(node), ZONE_LABEL)
        for node in served(objects, NODES)
        if CONTROL_PLANE_LABEL not in labels_of(node) or name_of(node) in used
    }
    return f"{_spread(used, zones)}{_spread_over_zones(used, zones)}"


def control_plane(objects: Objects, wanted: Wanted) -> str:
    """As many control-plane nodes are Ready as are wanted, three by default: with fewer, the loss of one takes the API
    away, and with it the Server's discovery and the Operator."""
    nodes = served(objects, CONTROL_PLANE_NODES)
    if not nodes:
        raise unknowable(
            f"no node has the label {CONTROL_PLANE_LABEL}",
            "The control plane of a managed cluster is its provider's; switch the row off there.",
        )
    ready = [name_of(node) for node in nodes if is_true(condition(node, "Ready"))]
    others = [name_of(node) for node in nodes if not is_true(condition(node, "Ready"))]
    found = f"{len(ready)} of {len(nodes)} control-plane nodes are Ready"
    if others:
        raise wrong(f"{found}: {listed(others)} is not", "kubectl describe node shows its conditions")
    if len(ready) < wanted.control_plane_nodes:
        raise wrong(
            f"{found}, and {wanted.control_plane_nodes} are wanted",
            "add control-plane nodes, or set checklist.control_plane_nodes to what you have decided on",
        )
    return found


def _spread(used: list[str], zones: Mapping[str, str]) -> str:
    node, most = Counter(used).most_common(1)[0]
    nodes = len({*zones, *used})
    found = f"{len(used)} replicas on {len(set(used))} of {nodes} nodes"
    if most > ceil(len(used) / nodes) or most == len(used):
        raise wrong(
            f"{found}: {most} of them share {quote(node, 80)}",
            "set podAntiAffinity or topologySpreadConstraints over kubernetes.io/hostname"
            + ("" if nodes > 1 else ", and add nodes"),
        )
    return found


def _spread_over_zones(used: list[str], zones: Mapping[str, str]) -> str:
    every = {zone for zone in zones.values() if zone}
    known = [zone for node in used if (zone := zones.get(node, ""))]
    if len(every) < 2 or len(known) < 2:
        return "; they do not say that there are several zones"
    zone, most = Counter(known).most_common(1)[0]
    if most > ceil(len(used) / len(every)):
        raise wrong(
            f"{most} of {len(used)} replicas share the zone {quote(zone, 80)}, of {len(every)} zones",
            f"set podAntiAffinity or topologySpreadConstraints over {ZONE_LABEL}",
        )
    return f", in {len(set(known))} of {len(every)} zones"
