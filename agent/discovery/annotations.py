"""Services whose annotations ask for a check of them."""

from collections.abc import Iterable, Iterator, Mapping

from agent.core.durations import duration
from agent.discovery.names import name_of
from agent.discovery.objects import LONGEST_PATH, Named, PodPorts, Service, ServicePort, service_of
from agent.probes._json import child, text_of
from agent.probes._text import printable, quote
from agent.settings.checks import CheckSettings
from agent.settings.problems import ConfigurationError, unknown
from agent.settings.targets import targets_of

PREFIX = "reachd.io/"
_KEYS = ("check", "kind", "port", "path", "interval", "severity")
_CHECK_KEYS = {"interval": "every", "severity": "severity"}
"""Annotations that are keys of a check, under another name."""
_PATHS = {"http": "/", "healthz": "/healthz", "sse": "/", "websocket": "/", "nats_monitor": ""}
"""Kinds that ask for a URL, and the path where none is given."""
_ADDRESSES = ("tcp", "tls", "grpc", "nats")
_SHORTEST_INTERVAL = 1.0
"""Seconds: whoever may annotate a Service decides how much this agent does."""
_MOST_CHECKS = 5000


def annotated_checks(services: Iterable[Named], at_pods: PodPorts) -> tuple[list[CheckSettings], list[str]]:
    """A check for each Service that asks for one, and what is wrong with the annotations of others."""
    checks: list[CheckSettings] = []
    problems: list[str] = []
    for each in services:
        asked, found_in = _asked(each), f"Service {each.namespace}/{printable(each.name, 63)}"
        try:
            if not _wants_check(asked):
                continue
            if len(checks) >= _MOST_CHECKS:
                problems.append(f"more than {_MOST_CHECKS} Services ask for a check; the others are left out")
                break
            (check,) = targets_of({"checks": [_check(each, asked, at_pods)]}, found_in).checks
            if check.every is not None and check.every < _SHORTEST_INTERVAL:
                raise ValueError(f"{PREFIX}interval is less than {duration(_SHORTEST_INTERVAL)}; write that or more")
            checks.append(check)
        except ValueError as error:
            problems.append(f"{found_in}: {error}")
        except ConfigurationError as error:
            problems += [str(problem) for problem in error.problems]
    return checks, problems


def _asked(each: Named) -> dict[str, str]:
    """Its annotations that are for reachd, without their prefix."""
    annotations = child(child(each.content, "metadata"), "annotations")
    return {key.removeprefix(PREFIX): text_of(annotations, key) for key in annotations if key.startswith(PREFIX)}


def _wants_check(asked: Mapping[str, str]) -> bool:
    """Raises ValueError where a mistake leaves open what is wanted: who writes `chek` waits for a check in vain."""
    for key in asked:
        if key not in _KEYS:
            raise ValueError(unknown("annotation", PREFIX + key, [PREFIX + known for known in _KEYS]))
    wanted = asked.get("check", "false")
    if wanted not in ("true", "false"):
        raise ValueError(f'{PREFIX}check is {quote(wanted, 40)}; write "true"')
    return wanted == "true"


def _check(each: Named, asked: Mapping[str, str], at_pods: PodPorts) -> dict[str, object]:
    """The check as a configuration would have it. Raises ValueError for what no configuration can say."""
    service = service_of(each, at_pods)
    if service is None:
        raise ValueError("it leads out of the cluster, or its name cannot be resolved; write a check of your own")
    check: dict[str, object] = {"name": name_of(service.namespace, service.name), "probe": _probe(service, asked)}
    return {**check, **{key: asked[annotation] for annotation, key in _CHECK_KEYS.items() if annotation in asked}}


def _probe(service: Service, asked: Mapping[str, str]) -> dict[str, object]:
    kind, port = asked.get("kind", "http"), _port(service, asked.get("port", ""))
    tls: dict[str, object] = {"tls": {}} if port.tls else {}
    if kind in _PATHS:
        path = asked.get("path", _PATHS[kind])
        if path and not path.startswith("/"):
            raise ValueError(f'{PREFIX}path is {quote(path, 40)}; write one that begins with "/"')
        if len(path) > LONGEST_PATH:
            raise ValueError(f"{PREFIX}path has {len(path)} characters; write at most {LONGEST_PATH}")
        return {"kind": kind, "url": f"http{'s' if port.tls else ''}://{service.host}:{port.number}{path}"}
    if kind not in _ADDRESSES:
        raise ValueError(unknown("kind of check for a Service", kind, [*_PATHS, *_ADDRESSES]))
    if "path" in asked:
        raise ValueError(f"{PREFIX}path is of no use for a check of kind {kind}; remove it")
    return {"kind": kind, "address": f"{service.host}:{port.number}", **(tls if kind == "grpc" else {})}


def _port(service: Service, wanted: str) -> ServicePort:
    """Raises ValueError where it is not clear which one is meant."""
    known = ", ".join(_both_names(service.ports)) or "none that speaks TCP"
    if not wanted:
        if len(service.ports) != 1:
            raise ValueError(f"name one of its ports with {PREFIX}port; it has {known}")
        return service.ports[0]
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 5 else 0
    found = service.port(number or wanted)
    if found is not None:
        return found
    if service.headless and 0 < number < 65536:  # it leads to its pods, whatever ports are declared
        return ServicePort("", number, number == 443, number)
    raise ValueError(f"it has no port {quote(wanted, 40)}; it has {known}")


def _both_names(ports: Iterable[ServicePort]) -> Iterator[str]:
    for port in ports:
        yield f"{port.declared} ({port.name})" if port.name else str(port.declared)
