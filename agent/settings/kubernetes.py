"""What the agent does in one cluster. Without the key `kubernetes` nothing of it is loaded."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from agent.probes._kubeconfig import refuse_context_alone
from agent.probes._settings import Duration, Model
from agent.profiles.fields import Name


class LeaseSettings(Model):
    """How long what an agent holds outlives it, and how often it says that it lives."""

    namespace: Name
    """Namespace of the Leases."""
    duration: Annotated[Duration, Field(ge=1, le=3600)] = 15.0
    """Time after which others give up an agent that does not renew; whole seconds, as Kubernetes keeps them."""
    retry: Annotated[Duration, Field(ge=0.1, le=600)] = 2.0
    """Time between two looks, and between two renewals; a third of `duration` at most, so that one may fail."""

    @model_validator(mode="after")
    def _several_tries(self) -> Self:
        if self.duration % 1:
            raise ValueError("duration must be whole seconds, as in 15s: Kubernetes keeps no fractions")
        if self.retry * 3 > self.duration:
            raise ValueError("retry must be a third of duration at most, as in duration: 15s and retry: 2s")
        return self


class ElectionSettings(LeaseSettings):
    """Of several replicas, one leads: it alone watches the cluster."""

    name: Name = "reachd"
    """Name of the Lease that the leader holds."""


class SharingSettings(LeaseSettings):
    """The checks are spread over the agents of a group that live."""

    group: Name = "reachd"
    """Name of the group; each of its agents holds a Lease whose name begins with it."""


class KubernetesSettings(Model):
    """The cluster that this agent looks into."""

    kubeconfig: Path | None = None
    """A kubeconfig that says how to reach the cluster, and who the agent is; re-read when it changes. Default: the
    service account of the pod that the agent runs in."""
    context: str | None = None
    """The kubeconfig's context. Default: its current one."""
    namespaces: tuple[Name, ...] = ()
    """Namespaces to watch, for which a Role in each is enough. Default: all, which takes a ClusterRole."""
    nodes: bool = True
    """Export series of the nodes, which takes a ClusterRole."""
    workloads: bool = True
    """Export series of Deployments, StatefulSets, pods and their kin."""
    kube_state_metrics: bool = False
    """Prometheus scrapes kube-state-metrics, too: leave the series whose names begin with `kube_` to it."""
    discovery: bool = False
    """Make checks of annotated Services, and find deployments of Meshery."""
    election: ElectionSettings | None = None
    """Of several replicas, one leads. Default: this agent always leads."""
    sharing: SharingSettings | None = None
    """Spread the checks over the living agents of a group. Default: this agent runs all of them."""

    @model_validator(mode="after")
    def _context_of_a_kubeconfig(self) -> Self:
        refuse_context_alone(self.kubeconfig, self.context)
        return self
