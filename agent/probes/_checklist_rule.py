"""What a rule of the checklist is: the objects that it looks at, what may be wanted, and how it says what it found."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field

from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure
from agent.probes._json import JsonObject
from agent.probes._kube_objects import list_path
from agent.probes._settings import Duration, HttpUrl, Model, ObjectName

DRILL_DAYS = 90
"""Days after which a recovery drill is too old, unless the configuration says otherwise."""
CONTROL_PLANE_NODES = 3
"""Nodes of a highly available control plane with stacked etcd, as kubeadm's documents have it."""
MEMORY_HEADROOM = 0.2
PROXY_TIMEOUT = 3600.0
"""Seconds; what the documents of ingress-nginx advise for WebSockets."""

Replicas = Annotated[int, Field(ge=1, le=1000)]
Nodes = Annotated[int, Field(ge=1, le=100)]
Headroom = Annotated[float, Field(gt=0, lt=1)]
ProxyTimeout = Annotated[Duration, Field(gt=0, le=86400)]
Days = Annotated[int, Field(ge=1, le=3650)]


class RuleName(StrEnum):
    """The closed list of rules."""

    SERVER_PROBES = "server_probes"
    UPGRADE_VALUES = "upgrade_values"
    SERVER_REPLICAS = "server_replicas"
    SERVER_SPREAD = "server_spread"
    AUTOSCALING = "autoscaling"
    SERVER_MEMORY = "server_memory"
    BROKER_MEMORY = "broker_memory"
    REMOTE_PROVIDER = "remote_provider"
    CALLBACK_URL = "callback_url"
    TRACING = "tracing"
    LOAD_BALANCER = "load_balancer"
    INGRESS = "ingress"
    PROXY_TIMEOUTS = "proxy_timeouts"
    SESSION_AFFINITY = "session_affinity"
    NETWORK_POLICY = "network_policy"
    OPERATOR = "operator"
    BROKER_READY = "broker_ready"
    MESHSYNC_READY = "meshsync_ready"
    CONTROL_PLANE = "control_plane"
    RECOVERY_DRILL = "recovery_drill"
    CONFIG_REPOSITORY = "config_repository"


class Wanted(Model):
    """What rules compare with; each key is for the rules that it names."""

    namespace: ObjectName = "meshery"
    """Namespace of Meshery."""
    replicas: Replicas | None = None
    """Replicas wanted of Server or Operator (`server_replicas`, `operator`). Default: what the Deployment wants."""
    control_plane_nodes: Nodes = CONTROL_PLANE_NODES
    """Control-plane nodes that must be Ready (`control_plane`)."""
    memory_headroom: Headroom = MEMORY_HEADROOM
    """Ratio of the memory limit that must be free (`server_memory`, `broker_memory`)."""
    proxy_timeout: ProxyTimeout = PROXY_TIMEOUT
    """Shortest time for which a proxy must keep a silent WebSocket open (`proxy_timeouts`)."""
    external_url: HttpUrl | None = None
    """Meshery's address as users know it (`ingress`, `callback_url`)."""
    recovery_drill: date | None = None
    """Date of the last recovery drill (`recovery_drill`)."""
    max_age_days: Days = DRILL_DAYS
    """Days after which a recovery drill is too old (`recovery_drill`)."""
    config_repository: str | None = None
    """Where the configuration is under version control (`config_repository`)."""


class Resource(NamedTuple):
    """A kind of objects that the API server lists.

    group: empty for the core. plural: as in paths and RBAC. namespaced: only those of one namespace, for which a Role
    is enough. selector: a query parameter that leaves most of them out. labels_only: the labels that are kept beside
    the name, where rules look at nothing else; such objects may be many, and are asked for without spec and status.
    absent: statuses that mean that the cluster does not serve the group, `advice` what to do then.
    """

    group: str
    version: str
    plural: str
    namespaced: bool = True
    selector: str = ""
    labels_only: tuple[str, ...] = ()
    absent: tuple[int, ...] = ()
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str) -> str:
        """The path of the list, without its query."""
        root = f"/apis/{self.group}" if self.group else "/api"
        return list_path(f"{root}/{self.version}", self.plural, namespace if self.namespaced else None)


Objects = Mapping[Resource, Sequence[JsonObject]]
"""What the API server lists, by what was asked for; without what the cluster does not serve."""

Judge = Callable[[Objects, Wanted], str]
"""Says what was found, in a sentence. Raises ProbeFailure for what is wrong, Inconclusive for what cannot be known."""


class Rule(NamedTuple):
    """A rule: its function, whose docstring is for the documentation, and the objects that the function looks at."""

    judge: Judge
    resources: tuple[Resource, ...] = ()


def served(objects: Objects, resource: Resource) -> Sequence[JsonObject]:
    """The objects of a kind. Raises Inconclusive where the cluster does not serve it."""
    if resource not in objects:
        raise unknowable(f"the cluster does not serve {resource}", resource.advice)
    return objects[resource]


def wrong(what: str, remedy: str) -> ProbeFailure:
    """Ends a rule: `what` is wrong, and `remedy` says what to do. Both are without a full stop."""
    return ProbeFailure(Reason.DEGRADED, f"{what}; {remedy}")


def unknowable(what: str, advice: str) -> Inconclusive:
    """Ends a rule without a verdict; `advice` is a sentence."""
    return Inconclusive(what, advice)


def no_problem(problems: Sequence[str], remedy: str) -> None:
    """Raises what a rule has found wrong, all of it in one sentence; nothing where it has found nothing."""
    if problems:
        raise wrong(" and ".join(problems), remedy)
