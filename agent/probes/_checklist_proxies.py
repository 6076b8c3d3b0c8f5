"""Rules about the proxies in front of Meshery Server, as far as the annotations of their controllers tell."""

import re
from typing import NamedTuple

from agent.core.durations import duration
from agent.probes._checklist_meshery import INGRESSES, ingresses_of_server, server, services_of_server
from agent.probes._checklist_rule import Objects, Wanted, served, unknowable, wrong
from agent.probes._json import JsonObject, child, text_of
from agent.probes._kube_objects import annotation, annotations_of, count_of, listed, name_of, shown

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""What named the class before there was a field for it."""
_COMMUNITY, _F5 = "nginx.ingress.kubernetes.io", "nginx.org"
"""Prefixes of the annotations of the two nginx controllers."""
_NGINX_DEFAULT = 60.0
"""Seconds; nginx' own proxy_read_timeout and proxy_send_timeout."""
_TIME = {_COMMUNITY: re.compile(r"([0-9]{1,9})()"), _F5: re.compile(r"([0-9]{1,9})(ms|s|m|h|d)?")}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class _Sticky(NamedTuple):
    """An annotation with which the requests of one user stay at one replica, and what its value contains."""

    annotation: str
    value: str = ""


_STICKY = (
    _Sticky(f"{_COMMUNITY}/affinity", "cookie"),
    _Sticky(f"{_COMMUNITY}/upstream-hash-by"),
    _Sticky(f"{_F5}/sticky-cookie-services"),
    _Sticky(f"{_F5}/lb-method", "ip_hash"),
    _Sticky("haproxy-ingress.github.io/affinity", "cookie"),
    _Sticky("haproxy.org/cookie-persistence"),
    _Sticky("traefik.ingress.kubernetes.io/service.sticky.cookie", "true"),
    _Sticky("traefik.ingress.kubernetes.io/affinity", "true"),
    _Sticky("alb.ingress.kubernetes.io/target-group-attributes", "stickiness.enabled=true"),
)
"""As ingress-nginx, F5, HAProxy, Traefik and the AWS Load Balancer Controller document them."""


def ingresses(objects: Objects) -> tuple[JsonObject, ...]:
    """The Ingresses that lead to Meshery Server. Raises Inconclusive where there is none."""
    found = ingresses_of_server(objects, server(objects))
    if not found:
        raise unknowable(
            f"no Ingress leads to Meshery Server, of {len(served(objects, INGRESSES))} in this namespace",
            "Enable the ingress of the chart; where a Gateway or an Emissary Mapping leads there, switch the row off.",
        )
    return found


def class_of(ingress: JsonObject) -> str:
    """The class of an Ingress; empty where it has none."""
    return text_of(child(ingress, "spec"), "ingressClassName") or annotation(ingress, _CLASS_ANNOTATION)


def proxy_timeouts(objects: Objects, wanted: Wanted) -> str:
    """An Ingress of nginx that leads to Meshery Server keeps a silent WebSocket open for as long as is wanted: it has
    the annotations proxy-read-timeout and proxy-send-timeout."""
    found = ingresses(objects)
    for ingress in found:
        prefix = _nginx_of(ingress)
        for name in (f"{prefix}/proxy-read-timeout", f"{prefix}/proxy-send-timeout") if prefix else ():
            seconds = _seconds(annotation(ingress, name), prefix)
            if (seconds or _NGINX_DEFAULT) < wanted.proxy_timeout:
                lasts = f"{seconds:g} s" if seconds is not None else "60 s, unless its ConfigMap says otherwise"
                unit = "" if prefix == _COMMUNITY else "s"
                raise wrong(
                    f"the Ingress {shown(ingress)} cuts a silent WebSocket after {lasts}",
                    f'set {name} to "{wanted.proxy_timeout:.0f}{unit}" or more',
                )
    if not any(map(_nginx_of, found)):
        raise unknowable(
            f"the timeouts of the class {listed(map(class_of, found))} are no annotations of its Ingresses",
            "The row websocket-idle shows whether a silent WebSocket stays open; switch this one off.",
        )
    return (
        f"{listed(map(name_of, found))}: a silent WebSocket stays open for {duration(wanted.proxy_timeout)} or longer"
    )


def session_affinity(objects: Objects, _: Wanted) -> str:
    """Where Meshery Server has several replicas, each with a cache of its own, a user's requests stay at one of them:
    by an annotation of the ingress, or by the Service where there is no ingress in front of it."""
    deployment = server(objects)
    replicas = count_of(child(deployment, "spec"), "replicas", 1.0)
    if replicas < 2:
        return "a single replica needs no session affinity"
    services, found = services_of_server(objects, deployment), ingresses_of_server(objects, deployment)
    for thing in (*found, *services):
        if sticky := _stickiness(thing):
            return f"{shown(thing)} has {sticky}"
    if found:
        return _without_stickiness(found, replicas)
    specs = [child(service, "spec") for service in services]
    if any(text_of(spec, "sessionAffinity") == "ClientIP" for spec in specs):
        return f"{listed(map(name_of, services))}: session affinity by the client's address"
    if any(text_of(spec, "type") in ("LoadBalancer", "NodePort") for spec in specs):
        raise wrong(
            f"{replicas:g} replicas without session affinity at {listed(map(name_of, services))}",
            "put an ingress with session affinity in front of it, or set sessionAffinity: ClientIP",
        )
    raise unknowable(
        f"no Ingress leads to the {replicas:g} replicas of Meshery Server",
        "Where a Gateway or an Emissary Mapping does, give it session affinity, and switch the row off.",
    )


def _without_stickiness(found: tuple[JsonObject, ...], replicas: float) -> str:
    if any(map(_nginx_of, found)):
        raise wrong(
            f"{replicas:g} replicas without session affinity at the Ingress {listed(map(name_of, found))}",
            f"set {_COMMUNITY}/affinity to cookie; the Service's own affinity does nothing behind nginx",
        )
    raise unknowable(
        f"nothing at the Ingress {listed(map(name_of, found))} gives session affinity, and its class "
        f"{listed(map(class_of, found))} may have it elsewhere",
        "Look at what your ingress controller has for it; then switch the row off.",
    )


def _stickiness(thing: JsonObject) -> str:
    """The annotation that gives session affinity, empty where none does."""
    for name, value in _STICKY:
        said = annotation(thing, name)
        if said and value in said:
            return name
    return ""


def _nginx_of(ingress: JsonObject) -> str:
    """The prefix of the annotations that an Ingress' controller reads; empty where it is no nginx."""
    for prefix in (_F5, _COMMUNITY):
        if any(name.startswith(f"{prefix}/") for name in annotations_of(ingress)):
            return prefix
    return _COMMUNITY if "nginx" in class_of(ingress) else ""


def _seconds(text: str, prefix: str) -> float | None:
    """Seconds of a timeout as a controller takes it; None where there is none, or one that it does not understand."""
    match = _TIME[prefix].fullmatch(text)
    return float(match[1]) * _SECONDS[match[2] or ""] if match else None
