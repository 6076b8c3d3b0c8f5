"""Rules about who can reach Meshery: its Services, its Ingress with TLS, and NetworkPolicies."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from agent.probes._checklist_meshery import NETWORK_POLICIES, server, services_of_server
from agent.probes._checklist_proxies import class_of, ingresses
from agent.probes._checklist_rule import Objects, Wanted, no_problem, served, unknowable, wrong
from agent.probes._json import JsonObject, child, children, text_of, texts
from agent.probes._kube_objects import is_host_of, listed, name_of, shown

_DIRECTIONS = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
"""Where the rules of a NetworkPolicy are for each of its types, and their peers."""


def load_balancer(objects: Objects, _: Wanted) -> str:
    """No Service of the type LoadBalancer leads to Meshery Server, whatever the Service is called: users come through
    an ingress that ends TLS."""
    services = services_of_server(objects, server(objects))
    if not services:
        raise unknowable("no Service leads to Meshery Server", "Look at the selectors of its Services.")
    exposed = [each for each in services if text_of(child(each, "spec"), "type") == "LoadBalancer"]
    if exposed:
        raise wrong(
            f"the Service {listed(map(name_of, exposed))} is a LoadBalancer that leads to Meshery Server past the "
            "ingress, without TLS",
            "set service.type to ClusterIP in the chart's values, and enable its ingress",
        )
    return f"{listed(map(name_of, services))}: no LoadBalancer"


def ingress(objects: Objects, wanted: Wanted) -> str:
    """An Ingress leads to Meshery Server, with a class, with TLS for each of its hosts, and with the host of
    `external_url`."""
    found = ingresses(objects)
    problems = [problem for each in found for problem in _problems(each)]
    external = urlsplit(wanted.external_url).hostname if wanted.external_url else None
    hosts = [host for each in found for host in _hosts(each)]
    if external and not any(is_host_of(host, external) or not host for host in hosts):
        problems.append(f"no Ingress has the host {external} of external_url, but {listed(hosts)}")
    no_problem(problems, "set ingress.ingressClassName, ingress.hosts and ingress.tls in the chart's values")
    classes = listed(sorted({class_of(each) for each in found}))
    return f"{listed(map(name_of, found))}: class {classes}, with TLS for all its hosts"


def network_policy(objects: Objects, wanted: Wanted) -> str:
    """Meshery has a namespace of its own, in which NetworkPolicies deny all pods what no other policy allows, in both
    directions, and none allows all pods everything. `reachd targets --output networkpolicy` writes those that allow
    what is needed."""
    if wanted.namespace == "default" or wanted.namespace.startswith("kube-"):
        raise wrong(
            f"the namespace {wanted.namespace} is not Meshery's own", "install Meshery into a namespace of its own"
        )
    policies = served(objects, NETWORK_POLICIES)
    for_all = [spec for each in policies if (spec := child(each, "spec")) and _is_for_all(spec)]
    problems = [problem for kind in _DIRECTIONS for problem in _openness(for_all, kind)]
    no_problem(
        problems,
        "apply those that `reachd targets --output networkpolicy` writes, and then one with podSelector: {} and both "
        "policyTypes",
    )
    return f"ingress and egress are denied by default, beside {len(policies) - len(for_all)} other NetworkPolicies"


def _hosts(found: JsonObject) -> tuple[str, ...]:
    """The hosts of an Ingress; an empty one stands for all of them."""
    spec = child(found, "spec")
    rules = children(spec, "rules")
    return (*(text_of(rule, "host") for rule in rules), *([""] if child(spec, "defaultBackend") else []))


def _problems(found: JsonObject) -> Iterator[str]:
    if not class_of(found):
        yield f"the Ingress {shown(found)} has no class, so that no controller need serve it"
    tls = children(child(found, "spec"), "tls")
    with_certificate = [host for entry in tls for host in texts(entry, "hosts")]
    bare = [host for host in _hosts(found) if not any(is_host_of(each, host) for each in with_certificate)]
    if not tls:
        yield f"the Ingress {shown(found)} has no TLS"
    elif bare and all(texts(entry, "hosts") for entry in tls):  # an entry without hosts is for all of them
        yield f"the Ingress {shown(found)} has no TLS for {listed(host or 'any host' for host in bare)}"


def _openness(for_all: list[JsonObject], kind: str) -> Iterator[str]:
    """Why a direction is not denied by default. for_all: the policies that select every pod of the namespace."""
    rules, peers = _DIRECTIONS[kind]
    if any(not (rule.get("ports") or rule.get(peers)) for spec in for_all for rule in children(spec, rules)):
        yield f"a NetworkPolicy allows all pods all {rules}"
    elif not any(kind in _types(spec) for spec in for_all):
        yield f"no NetworkPolicy denies {rules} by default"


def _is_for_all(spec: JsonObject) -> bool:
    selector = child(spec, "podSelector")
    return not (selector.get("matchLabels") or selector.get("matchExpressions"))


def _types(spec: JsonObject) -> tuple[str, ...]:
    """The directions that a policy limits, as Kubernetes has it where they are left out."""
    return texts(spec, "policyTypes") or ("Ingress", *(["Egress"] if children(spec, "egress") else []))
