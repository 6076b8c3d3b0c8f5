"""How to tell from the metrics alone what is done with a node. Each query gives one series per node.

The series are labelled `node`, and `cluster` where Prometheus tells clusters apart by that label; where it does not,
the queries are right without it. They count nothing twice where kube-state-metrics is scraped beside reachd.
"""

from typing import Final, NamedTuple


class NodeState(NamedTuple):
    """A state, what it means, and the PromQL that finds the nodes in it; put it in parentheses to build on it."""

    name: str
    meaning: str
    query: str


_CORDONED = "max by (cluster, node) (kube_node_spec_unschedulable) == 1"
_DRAIN_REPORTED = 'max by (cluster, node) (kube_node_status_condition{condition="DrainInProgress",status="true"}) == 1'
_REMOVAL_TAINTS = "ToBeDeletedByClusterAutoscaler|karpenter.sh/disrupt(ed|ion)"
_MOVABLE = 'kube_pod_info{created_by_kind!~"DaemonSet|Node"}'
"""Neither pods that each node has to run nor static pods, which a drain leaves alone."""
_ALL_PODS_KNOWN = "max by (cluster) (reachd_all_pods_watched) == 1"
_LEAVING = f"""\
count by (cluster, node) (
  {_MOVABLE}
  and on (cluster, namespace, pod, uid) kube_pod_deletion_timestamp
)"""

CORDONED: Final = NodeState(
    "cordoned",
    "takes no new pods, and no pod is leaving it. A drain that a PodDisruptionBudget holds up looks the same",
    f"""\
{_CORDONED}
unless on (cluster, node) {_LEAVING}
unless on (cluster, node) {_DRAIN_REPORTED}""",
)
DRAINING: Final = NodeState(
    "draining",
    "takes no new pods, and those that can run elsewhere are leaving it. Autoscalers taint a node instead of "
    "cordoning it; other tools may report the condition DrainInProgress",
    f"""\
(
  {_CORDONED}
  or max by (cluster, node) (kube_node_spec_taint{{key=~"{_REMOVAL_TAINTS}"}})
)
and on (cluster, node) {_LEAVING}
or {_DRAIN_REPORTED}""",
)
DRAINED: Final = NodeState(
    "drained",
    "cordoned, and has no pods but static ones, those of DaemonSets, and those that have ended. Only an agent that "
    "watches all namespaces knows that; elsewhere such a node is no more than cordoned",
    f"""\
{_CORDONED}
and on (cluster) {_ALL_PODS_KNOWN}
unless on (cluster, node) count by (cluster, node) (
  {_MOVABLE}
  and on (cluster, namespace, pod, uid) kube_pod_status_phase{{phase!~"Succeeded|Failed"}} == 1
)""",
)
FRESHLY_JOINED: Final = NodeState(
    "freshly joined",
    "part of the cluster for less than ten minutes, and not cordoned",
    f"""\
time() - max by (cluster, node) (kube_node_created) < 600
unless on (cluster, node) {_CORDONED}""",
)
NOT_READY: Final = NodeState(
    "not ready",
    "not able to run pods, or not known to be",
    'max by (cluster, node) (kube_node_status_condition{condition="Ready",status!="true"}) == 1',
)
SILENT: Final = NodeState(
    "silent",
    "its kubelet has not renewed the lease for a minute: it is dead, or cannot reach the API server",
    "time() - max by (cluster, node) (reachd_node_lease_renewed_timestamp_seconds) > 60",
)

NODE_STATES: Final = (CORDONED, DRAINING, DRAINED, FRESHLY_JOINED, NOT_READY, SILENT)
