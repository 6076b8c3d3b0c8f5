"""NetworkPolicies that let through what the catalogue says, for the pods of each vantage and for those that answer.

They name the pods' own ports, because a NetworkPolicy is applied behind the Service. What has only a name cannot be
expressed in a NetworkPolicy and is listed in comments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple

import yaml

from agent.core.check import Check, Plan, Vantage
from agent.probes._endpoint import Endpoint
from agent.probes._settings import Model, ProbeSettings
from agent.profiles.deployment import Deployment, as_deployment
from agent.profiles.rows import DeploymentRow
from agent.profiles.vantages import LOOPBACK_ELSEWHERE, is_loopback, own_vantages

Labels = tuple[tuple[str, str], ...]
_Yaml = dict[str, object]

_REACHD: Labels = (("app.kubernetes.io/name", "reachd"),)
_COMPONENT = "app.kubernetes.io/component"
_PACKAGED = (Vantage.OPERATIONS, Vantage.NODE)
"""Vantages whose pods carry them as their component (config/kubernetes, charts/reachd)."""
_NAMESPACE = "kubernetes.io/metadata.name"
_ANYWHERE_IN_CLUSTER: _Yaml = {"namespaceSelector": {}}
_HEAD = """\
# What the connections of this configuration need, as NetworkPolicies with the ports of the pods.
# Policies add up, but a pod that one of them selects can do nothing that none of them allows. Before you apply them,
# look at the lines that say "not expressible" and open those by address, or by name where your CNI can; and allow what
# else your pods need: a proxy, a service mesh, the Kubernetes API.
"""


def network_policies(plan: Plan, deployments: Iterable[Model], agent_port: int) -> str:
    """The policies as a stream of YAML documents. `agent_port`: where Prometheus scrapes the agent."""
    expected = [
        _Deployment(deployment, own_vantages(plan, deployment.name), agent_port)
        for deployment in map(as_deployment, deployments)
    ]
    policies = [policy for deployment in expected for policy in deployment.policies()]
    names = {deployment.name for deployment in expected}
    own = [check for check in plan.checks if check.deployment not in names]
    if own:
        policies += _own_checks(own, _pods_of_agents({check.vantage for check in own}, expected), agent_port)
    return _HEAD + "".join(policy.render() for policy in policies)


@dataclass
class _Policy:
    """A policy while it is being built."""

    name: str
    namespace: str
    title: str
    labels: Labels
    limits_egress: bool
    egress: list[_Yaml] = field(default_factory=list)
    ingress: list[_Yaml] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    named: set[Endpoint] = field(default_factory=set)
    """Endpoints by name that a remark tells of already."""

    def allow_to(self, peers: Sequence[_Yaml], port: int, *protocols: str) -> None:
        """Lets connections out, to anywhere without peers."""
        _add(self.egress, {**({"to": list(peers)} if peers else {}), "ports": _ports(port, protocols)})

    def allow_from(self, peers: Sequence[_Yaml], port: int) -> None:
        """Lets connections in."""
        _add(self.ingress, {"from": list(peers), "ports": _ports(port, ())})

    def allow_names(self) -> None:
        """Lets questions out to whatever resolves names, which may be a pod or an address of the node."""
        self.allow_to((), 53, "UDP", "TCP")

    def allow_endpoint(self, endpoint: Endpoint, why: str, *protocols: str) -> None:
        """Lets connections out to an address, or remarks that a name cannot be expressed."""
        try:
            address = ip_address(endpoint.host.partition("%")[0])
        except ValueError:
            if not is_loopback(endpoint.host) and endpoint not in self.named:
                self.named.add(endpoint)
                self.remark(f"because it is a name: egress to {endpoint} for {why}")
            return
        if not address.is_loopback:
            self.allow_to([{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}], endpoint.port, *protocols)

    def remark(self, what: str) -> None:
        """Tells in a comment what the policy cannot let through."""
        remark = f"not expressible, {what}"
        if remark not in self.remarks:
            self.remarks.append(remark)

    def render(self) -> str:
        """The policy as a YAML document, with its remarks as comments."""
        comments = "".join(f"# {line}\n" for line in (self.title, *self.remarks))
        document: _Yaml = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})},
            "spec": {
                "podSelector": {"matchLabels": dict(self.labels)},
                "policyTypes": ["Ingress", *(["Egress"] if self.limits_egress else [])],
                "ingress": self.ingress,
                **({"egress": self.egress} if self.limits_egress else {}),
            },
        }
        return "---\n" + comments + yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=False)


class _Deployment:
    """The policies of one deployment: who connects to whom follows from the catalogue's rows."""

    def __init__(self, deployment: Deployment, own_vantages: frozenset[str], agent_port: int) -> None:
        self._deployment = deployment
        self._own_vantages = own_vantages
        self._catalogue = deployment.catalogue()
        self._agent_port = agent_port
        used = [row for row in deployment.expanded_rows() if not row.row.unused]
        self._rows = [row for row in used if row.probe is not None]
        self._answered = [row for row in used if row.probe is not None or self._comes_from_outside(row)]
        """Who comes from outside of the cluster has to be let in, whether or not reachd is told by which URL."""
        self._ways = {name: self._ways_of(name) for name in self._catalogue.pods}

    @property
    def name(self) -> str:
        return self._deployment.name

    def pods_of(self, vantage: str) -> "Iterator[_AgentPods]":
        """The pods in which an agent of this vantage runs, as a container of its own or as a sidecar."""
        name = self._catalogue.viewpoints[Vantage(vantage)].pods
        if name is not None:
            pods = self._catalogue.pods[name]
            namespace = "" if pods.agent else self._deployment.namespace
            for position, labels in enumerate(self._ways[name], 1):
                yield _AgentPods(f"{self.name}-{_numbered(name, position)}", namespace, pods.title, labels)

    def policies(self) -> Iterator[_Policy]:
        for name, ways in self._ways.items():
            for position, labels in enumerate(ways, 1):
                policy = self._policy(name, labels, _numbered(name, position))
                if policy.ingress or policy.egress:
                    yield policy

    def _policy(self, pods_name: str, labels: Labels, suffix: str) -> _Policy:
        pods = self._catalogue.pods[pods_name]
        vantages = {vantage for vantage, view in self._catalogue.viewpoints.items() if view.pods == pods_name}
        policy = _Policy(
            name=f"{self._deployment.name}-{suffix}",
            namespace="" if pods.agent else self._deployment.namespace,
            title=f"{pods.title} of the deployment {self._deployment.name}",
            labels=labels,
            limits_egress=bool(vantages),
        )
        self._let_in(policy, [row for row in self._answered_by(pods_name) if labels in row.answering_labels])
        leaving = [row for row in self._rows if vantages & set(row.row.vantages)]
        if leaving:
            policy.allow_from([_ANYWHERE_IN_CLUSTER], self._agent_port)
            policy.allow_names()
        for row in leaving:
            self._let_out(policy, row, not self._own_vantages.isdisjoint(vantages))
        return policy

    def _answered_by(self, pods_name: str) -> list[DeploymentRow]:
        return [row for row in self._answered if row.row.answers_from and row.row.answers_from.pods == pods_name]

    def _comes_from_outside(self, row: DeploymentRow) -> bool:
        return any(self._catalogue.viewpoints[vantage].pods is None for vantage in row.row.vantages)

    def _let_in(self, policy: _Policy, answered: Sequence[DeploymentRow]) -> None:
        """One rule for each port, with all who connect to it."""
        peers: dict[int, list[_Yaml]] = {}
        for row in answered:
            known = peers.setdefault(row.answering_port, [])
            known += [peer for vantage in row.row.vantages for peer in self._sources(vantage) if peer not in known]
        for port, sources in peers.items():
            policy.allow_from(sources, port)
            if _ANYWHERE_IN_CLUSTER in sources:
                policy.remarks.append(
                    f"the port {port} is open to the whole cluster: narrow it to your ingress controller"
                )

    def _let_out(self, policy: _Policy, row: DeploymentRow, from_here: bool) -> None:
        if row.probe is None:
            return
        endpoint, purpose = row.probe.endpoint(), f"{row.id} ({row.path.purpose})"
        if further := row.probe.further_endpoints():
            policy.remark(f"because only a run can tell: egress to {further}, for {purpose}")
        if problem := row.probe.endpoint_problem():
            policy.remark(f"because the host is not known: egress for {purpose}: {problem}")
            return
        if is_loopback(endpoint.host) and not from_here:
            policy.remark(f"because {endpoint.host} {LOOPBACK_ELSEWHERE}: egress for {purpose}")
            return
        namespace = _namespace_of_service(endpoint.host, self._deployment.namespace)
        if namespace is None or not row.answering_labels:
            policy.allow_endpoint(endpoint, purpose)
        if row.answering_labels and (namespace is not None or _is_address(endpoint.host)):
            peers = [_pods(namespace or self._deployment.namespace, labels) for labels in row.answering_labels]
            policy.allow_to(peers, row.answering_port)

    def _sources(self, vantage: Vantage) -> list[_Yaml]:
        name = self._catalogue.viewpoints[vantage].pods
        if name is None:
            return [_ANYWHERE_IN_CLUSTER]
        namespace = None if self._catalogue.pods[name].agent else self._deployment.namespace
        return [_pods(namespace, labels) for labels in self._ways[name]]

    def _ways_of(self, name: str) -> tuple[Labels, ...]:
        """How pods are labelled; those that are repeated for something, as they are in the rows repeated for it."""
        fixed = tuple(tuple(way.items()) for way in self._catalogue.pods[name].labels)
        if not any("{" in value for way in fixed for _, value in way):
            return fixed
        return tuple(dict.fromkeys(way for row in self._answered_by(name) for way in row.answering_labels))


class _AgentPods(NamedTuple):
    """Pods in which the agent of this configuration runs. namespace: empty for the one it is installed in."""

    name: str
    namespace: str
    title: str
    labels: Labels


def _pods_of_agents(vantages: Iterable[str], deployments: Iterable[_Deployment]) -> list[_AgentPods]:
    """Those that the deployments' profiles know for the vantages; without any, the agent's own by its packages."""
    known = [pods for each in deployments for vantage in sorted(vantages) for pods in each.pods_of(vantage)]
    own = [
        _AgentPods(
            "reachd", "", "reachd", ((*_REACHD, (_COMPONENT, str(vantage))) if vantage in _PACKAGED else _REACHD)
        )
        for vantage in sorted(vantages)
    ]
    found = {(pods.namespace, pods.labels): pods for pods in reversed(known or own[:1])}
    return list(reversed(found.values()))


def _own_checks(checks: Sequence[Check], agents: Iterable[_AgentPods], agent_port: int) -> Iterator[_Policy]:
    """What the checks outside any deployment need, for the pods that make them."""
    for pods in agents:
        title = f"{pods.title}, for the checks outside any deployment"
        policy = _Policy(f"{pods.name}-own-checks", pods.namespace, title, pods.labels, True)
        policy.allow_from([_ANYWHERE_IN_CLUSTER], agent_port)
        policy.allow_names()
        _let_out_own(policy, checks)
        yield policy


def _let_out_own(policy: _Policy, checks: Sequence[Check]) -> None:
    for check in checks:
        port, _, transport = check.path.port.partition("/")
        if port == "53":
            continue  # open to anywhere by now
        problem = check.settings.endpoint_problem() if isinstance(check.settings, ProbeSettings) else ""
        if problem:
            policy.remark(f"because the host is not known: egress for {check.name}: {problem}")
            continue
        policy.allow_endpoint(Endpoint(check.host, int(port)), check.name, transport.upper())


def _numbered(name: str, position: int) -> str:
    return f"{name}-{position}" if position > 1 else name


def _namespace_of_service(host: str, own: str) -> str | None:
    """The namespace of a Service by its name in the cluster (kubernetes.io: DNS for Services and Pods), or None."""
    steps = host.removesuffix(".").removesuffix(".cluster.local").split(".")
    if len(steps) == 1 and not _is_address(host):
        return own
    return steps[1] if len(steps) == 3 and steps[2] == "svc" else None


def _is_address(host: str) -> bool:
    try:
        return not ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _pods(namespace: str | None, labels: Labels) -> _Yaml:
    spaces = {"matchLabels": {_NAMESPACE: namespace}} if namespace else {}
    return {"namespaceSelector": spaces, "podSelector": {"matchLabels": dict(labels)}}


def _ports(port: int, protocols: Sequence[str]) -> list[_Yaml]:
    return [{"protocol": protocol, "port": port} for protocol in protocols or ("TCP",)]


def _add(rules: list[_Yaml], rule: _Yaml) -> None:
    if rule not in rules:
        rules.append(rule)


class _Dumper(yaml.SafeDumper):
    """Writes out what occurs twice, where YAML would refer from one place to the other."""

    def ignore_aliases(self, data: object) -> bool:
        return True
