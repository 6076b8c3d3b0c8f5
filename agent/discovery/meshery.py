"""Installations of Meshery in a cluster, by the labels and names that its charts and its Operator give."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from agent.discovery.objects import LONGEST_PATH, Named, Objects, Service, named, pod_ports, service_of
from agent.probes._broker_candidates import BROKER_NAMES
from agent.probes._endpoint import parse_url
from agent.probes._json import JsonObject, child, children, text_of, texts
from agent.probes._kube_objects import is_host_of
from agent.profiles.catalogue import catalogue
from agent.settings.references import RESERVED_DEPLOYMENT

_MARKS = {"server", "broker", "operator"}
"""Keys of which one at least makes an installation."""
_NAME_LABEL = "app.kubernetes.io/name"
_SERVER = "meshery"
_OPERATORS = ("meshery-operator-metrics-service", "meshery-operator")
_PERF = ("perf", "nighthawk")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")
_METACHARACTER = re.compile(r"\.?[\\^$|?*+()\[\]{}]")
"""Where a regular expression begins to stand for more than itself; a dot alone is mostly meant as one."""
_ONE_PART = re.compile(r"/(?:api|healthz)(?:/|$)")
"""Paths that lead to a part of the Server and never to its pages, as those of an Ingress for the WebSocket alone."""
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_CALLBACK_PATH = "/api/user/token"


class Installation(NamedTuple):
    """An installation of Meshery in one namespace.

    settings: as an entry of `deployments` says it. found_by: which object each of its keys comes from, for people.
    """

    namespace: str
    settings: dict[str, object]
    found_by: dict[str, str]


class _Part(NamedTuple):
    """One key of a deployment's settings, and what it was found by."""

    key: str
    value: object
    found_by: str


def installations(objects: Objects) -> list[Installation]:
    """One for each namespace with Meshery's Server, Broker or Operator, or with a resource that asks for a Broker."""
    services: dict[str, list[Service]] = {}
    at_pods = pod_ports(objects.endpointslices)
    for each in named(objects.services):
        if (service := service_of(each, at_pods)) is not None:
            services.setdefault(service.namespace, []).append(service)
    with_broker = {each.namespace for each in (*named(objects.brokers), *named(objects.meshsyncs))}
    ingresses, workloads = _by_namespace(objects.ingresses), _by_namespace(objects.deployments)
    found = []
    for namespace in sorted(services.keys() | with_broker):
        parts = [
            *_server_parts(services.get(namespace, []), ingresses.get(namespace, []), workloads.get(namespace, [])),
            *_broker_parts(namespace, services.get(namespace, []), wanted=namespace in with_broker),
            *_other_parts(services.get(namespace, [])),
        ]
        if any(part.key in _MARKS for part in parts):
            found.append(_installation(namespace, parts))
    return found


def _by_namespace(objects: Mapping[str, JsonObject]) -> dict[str, list[Named]]:
    found: dict[str, list[Named]] = {}
    for each in named(objects):
        found.setdefault(each.namespace, []).append(each)
    return found


def _installation(namespace: str, parts: Sequence[_Part]) -> Installation:
    name = namespace if namespace != RESERVED_DEPLOYMENT else f"meshery-{namespace}"
    settings = {"name": name, "profile": "meshery", "namespace": namespace}
    return Installation(
        namespace,
        {**settings, **{part.key: part.value for part in parts}},
        {part.key: part.found_by for part in parts},
    )


def _server_parts(
    services: Iterable[Service], ingresses: Sequence[Named], workloads: Sequence[Named]
) -> Iterator[_Part]:
    labelled = [each for each in services if each.labels.get(_NAME_LABEL) == _SERVER and each.ports]
    server = min(labelled, key=lambda each: each.name != _SERVER, default=None)  # other Services may lead to it, too
    if server is None:
        return
    port = server.port("http", 9081) or server.ports[0]
    yield _Part("server", f"{'https' if port.tls else 'http'}://{server.host}:{port.number}", f"Service {server.name}")
    environment = dict(_environment(workloads, server.selector))
    outside = min(_ways_in(ingresses, server.name), default=None)
    callback = _without_path(environment.get("MESHERY_SERVER_CALLBACK_URL", ""))
    # A load balancer in front may end TLS of which the Ingress says nothing; the Server's callback tells.
    if outside is not None and not (outside.plain and callback.startswith("https://")):
        yield _Part("external_url", outside.url, f"Ingress {outside.ingress}")
    elif callback:
        yield _Part("external_url", callback, "MESHERY_SERVER_CALLBACK_URL of the Server")
    if url := _first_url(environment.get("PROVIDER_BASE_URLS", "")):
        yield _Part("provider", url, "PROVIDER_BASE_URLS of the Server")


def _broker_parts(namespace: str, services: Iterable[Service], *, wanted: bool) -> Iterator[_Part]:
    by_name = {each.name: each for each in services}
    broker = next((by_name[name] for name in BROKER_NAMES if name in by_name), None)
    if broker is not None:
        client, monitor = broker.port("nats", "client", 4222), broker.port("monitor", 8222)
        addresses = {
            **({"address": f"{broker.host}:{client.number}"} if client else {}),
            **({"monitor": f"http://{broker.host}:{monitor.number}"} if monitor else {}),
        }
        yield _Part("broker", addresses, f"Service {broker.name}")
    elif wanted:
        # The Operator was told to run one. That its Service is missing is what the checks are to show.
        host = f"{BROKER_NAMES[0]}.{namespace}.svc"
        addresses = {"address": f"{host}:4222", "monitor": f"http://{host}:8222"}
        yield _Part("broker", addresses, "its Broker or MeshSync resource")


def _other_parts(services: Sequence[Service]) -> Iterator[_Part]:
    by_name = {each.name: each for each in services}
    operators = [by_name[name] for name in _OPERATORS if name in by_name]
    operators += [each for each in services if each.labels.get(_NAME_LABEL) == "meshery-operator"]
    for operator in operators:
        if (port := operator.port("https-metrics", "https", 8443)) is not None:
            url = f"https://{operator.host}:{port.number}/metrics"
            yield _Part("operator", {"metrics": url}, f"Service {operator.name}")
            break
    adapters = {name: address for name in _adapters() if (address := _address_of(services, name))}
    if adapters:
        yield _Part("adapters", adapters, "Services of adapters")
    perf = next((address for name in _PERF if (address := _address_of(services, name))), "")
    if perf:
        yield _Part("perf", perf, "Service of Meshery Perf")


def _adapters() -> list[str]:
    return [name for name in catalogue("meshery").row("adapter-{each.name}").known if name not in _PERF]


def _address_of(services: Iterable[Service], adapter: str) -> str:
    """Host and port of an adapter's Service, by its name or by the label of its chart; empty when there is none."""
    name = f"meshery-{adapter}"
    for service in services:
        if name in (service.name, service.labels.get(_NAME_LABEL)) and service.ports:
            port = service.port("http", "grpc") or service.ports[0]
            return f"{service.host}:{port.number}"
    return ""


class _WayIn(NamedTuple):
    """Where an Ingress leads to the Server; the least is the one to choose.

    plain: without TLS. length: of its path; a longer one leads to a part of what a shorter one leads to.
    """

    plain: bool
    length: int
    ingress: str
    url: str


def _ways_in(ingresses: Iterable[Named], server: str) -> Iterator[_WayIn]:
    for each in ingresses:
        spec = child(each.content, "spec")
        with_tls = children(spec, "tls")
        for rule in children(spec, "rules"):
            host = text_of(rule, "host")
            for way in children(child(rule, "http"), "paths"):
                service = child(child(way, "backend"), "service")
                path = _literal_path(text_of(way, "path"))
                if text_of(service, "name") == server and _HOST.fullmatch(host) and _leads_to_all(path):
                    scheme = "https" if any(_is_for(tls, host) for tls in with_tls) else "http"
                    yield _WayIn(scheme == "http", len(path), each.name, f"{scheme}://{host}{path}")


def _leads_to_all(path: str) -> bool:
    """Whether a path is one of the Server's whole, and fit for an address."""
    return len(path) <= LONGEST_PATH and not _ONE_PART.match(path)


def _literal_path(path: str) -> str:
    """Where a path of an Ingress begins to lead: `/meshery` of `/meshery(/|$)(.*)`; empty for the root."""
    literal = _METACHARACTER.split(path, maxsplit=1)[0]
    return literal.rstrip("/") if _PATH.fullmatch(literal) else ""


def _is_for(tls: JsonObject, host: str) -> bool:
    """Whether an entry of an Ingress' `tls` is for a host; one that names none is for all of them."""
    hosts = list(texts(tls, "hosts"))
    return not hosts or any(is_host_of(pattern, host) for pattern in hosts)


def _environment(workloads: Iterable[Named], selector: JsonObject) -> Iterator[tuple[str, str]]:
    """What the environment of the Server's containers says in plain text; `selector`: of the Server's Service."""
    for each in workloads:
        template = child(child(each.content, "spec"), "template")
        selected = selector.items() <= child(child(template, "metadata"), "labels").items()
        if selected and child(child(each.content, "metadata"), "labels").get(_NAME_LABEL) == _SERVER:
            pod = child(template, "spec")
            for container in children(pod, "containers"):
                yield from (
                    (text_of(variable, "name"), text_of(variable, "value")) for variable in children(container, "env")
                )


def _first_url(text: str) -> str:
    """The first URL of a list as Meshery separates it: by commas or white space."""
    return next((url for url in re.split(r"[,\s]+", text) if _is_url(url)), "")


def _without_path(callback: str) -> str:
    """Where the Server says it is reached from outside."""
    return callback.removesuffix("/").removesuffix(_CALLBACK_PATH) if _is_url(callback) else ""


def _is_url(text: str) -> bool:
    """Whether a text is a URL as it is; Kubernetes puts values that are not known here in place of $(NAME)."""
    if len(text) > LONGEST_PATH or "$(" in text or not (text.isascii() and text.isprintable()):
        return False
    try:
        return parse_url(text).scheme in ("http", "https")
    except ValueError:
        return False
