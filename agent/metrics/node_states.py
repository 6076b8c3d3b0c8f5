"""How to tell from the metrics alone what is done with a node. Each query gives one series per node, labelled `node`.

The queries are right where kube-state-metrics is scraped beside reachd, too: they count nothing twice.
"""

from typing import NamedTuple


class NodeState(NamedTuple):
    """A state, what it means, and the PromQL that finds the nodes in it."""

    name: str
    meaning: str
    query: str


_CORDONED = "max by (node) (kube_node_spec_unschedulable) == 1"
_DRAIN_REPORTED = 'max by (node) (kube_node_status_condition{condition="DrainInProgress",status="true"}) == 1'
_MOVABLE = 'kube_pod_info{created_by_kind!~"DaemonSet|Node"}'
"""Neither pods that each node has to run nor static pods, which a drain leaves alone."""
_LEAVING = f"""\
count by (node) (
  {_MOVABLE}
  and on (namespace, pod, uid) kube_pod_deletion_timestamp
)"""

NODE_STATES = (
    NodeState(
        "cordoned",
        "takes no new pods, and no pod is leaving it. A drain that a PodDisruptionBudget holds up looks the same",
        f"""\
{_CORDONED}
unless on (node) {_LEAVING}
unless on (node) {_DRAIN_REPORTED}""",
    ),
    NodeState(
        "draining",
        "takes no new pods, and those that can run elsewhere are leaving it. Autoscalers taint a node instead of "
        "cordoning it; other tools may report the condition DrainInProgress",
        f"""\
(
  {_CORDONED}
  or max by (node) (kube_node_spec_taint{{key=~"ToBeDeletedByClusterAutoscaler|karpenter.sh/disrupt(ed|ion)"}})
)
and on (node) {_LEAVING}
or {_DRAIN_REPORTED}""",
    ),
    NodeState(
        "drained",
        "cordoned, and has no pods but static ones, those of DaemonSets, and those that have ended",
        f"""\
{_CORDONED}
unless on (node) count by (node) (
  {_MOVABLE}
  and on (namespace, pod, uid) kube_pod_status_phase{{phase!~"Succeeded|Failed"}} == 1
)""",
    ),
    NodeState(
        "freshly joined",
        "part of the cluster for less than ten minutes, and not cordoned",
        f"""\
time() - max by (node) (kube_node_created) < 600
unless on (node) {_CORDONED}""",
    ),
    NodeState(
        "not ready",
        "not able to run pods, or not known to be",
        'max by (node) (kube_node_status_condition{condition="Ready",status!="true"}) == 1',
    ),
    NodeState(
        "silent",
        "its kubelet has not renewed the lease for a minute: it is dead, or cannot reach the API server",
        "time() - max by (node) (reachd_node_lease_renewed_timestamp_seconds) > 60",
    ),
)
