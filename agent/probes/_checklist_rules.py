"""The table of all rules."""

from collections.abc import Mapping

from agent.probes._checklist_attested import config_repository, recovery_drill
from agent.probes._checklist_environment import callback_url, remote_provider, tracing
from agent.probes._checklist_exposure import ingress, load_balancer, network_policy
from agent.probes._checklist_memory import broker_memory, server_memory
from agent.probes._checklist_meshery import (
    AUTOSCALERS,
    BROKERS,
    CONTROL_PLANE_NODES,
    DEPLOYMENTS,
    INGRESSES,
    MESHSYNCS,
    NETWORK_POLICIES,
    NODES,
    POD_METRICS,
    RUNNING_PODS,
    SERVICES,
    STATEFUL_SETS,
)
from agent.probes._checklist_nodes import control_plane, server_spread
from agent.probes._checklist_operator import broker_ready, meshsync_ready, operator_available
from agent.probes._checklist_probes import server_probes, upgrade_values
from agent.probes._checklist_proxies import proxy_timeouts, session_affinity
from agent.probes._checklist_replicas import autoscaling, server_replicas
from agent.probes._checklist_rule import Rule, RuleName

RULES: Mapping[RuleName, Rule] = {
    RuleName.SERVER_PROBES: Rule(server_probes, (DEPLOYMENTS,)),
    RuleName.UPGRADE_VALUES: Rule(upgrade_values, (DEPLOYMENTS,)),
    RuleName.SERVER_REPLICAS: Rule(server_replicas, (DEPLOYMENTS,)),
    RuleName.SERVER_SPREAD: Rule(server_spread, (DEPLOYMENTS, RUNNING_PODS, NODES)),
    RuleName.AUTOSCALING: Rule(autoscaling, (DEPLOYMENTS, AUTOSCALERS)),
    RuleName.SERVER_MEMORY: Rule(server_memory, (DEPLOYMENTS, POD_METRICS)),
    RuleName.BROKER_MEMORY: Rule(broker_memory, (STATEFUL_SETS, POD_METRICS)),
    RuleName.REMOTE_PROVIDER: Rule(remote_provider, (DEPLOYMENTS,)),
    RuleName.CALLBACK_URL: Rule(callback_url, (DEPLOYMENTS,)),
    RuleName.TRACING: Rule(tracing, (DEPLOYMENTS,)),
    RuleName.LOAD_BALANCER: Rule(load_balancer, (DEPLOYMENTS, SERVICES)),
    RuleName.INGRESS: Rule(ingress, (DEPLOYMENTS, SERVICES, INGRESSES)),
    RuleName.PROXY_TIMEOUTS: Rule(proxy_timeouts, (DEPLOYMENTS, SERVICES, INGRESSES)),
    RuleName.SESSION_AFFINITY: Rule(session_affinity, (DEPLOYMENTS, SERVICES, INGRESSES)),
    RuleName.NETWORK_POLICY: Rule(network_policy, (NETWORK_POLICIES,)),
    RuleName.OPERATOR: Rule(operator_available, (DEPLOYMENTS,)),
    RuleName.BROKER_READY: Rule(broker_ready, (BROKERS,)),
    RuleName.MESHSYNC_READY: Rule(meshsync_ready, (MESHSYNCS,)),
    RuleName.CONTROL_PLANE: Rule(control_plane, (CONTROL_PLANE_NODES,)),
    RuleName.RECOVERY_DRILL: Rule(recovery_drill),
    RuleName.CONFIG_REPOSITORY: Rule(config_repository),
}
