"""Objects of a Kubernetes cluster, as its API server gives them, in short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.discovery.objects import Objects

Json = dict[str, object]


def thing(namespace: str, name: str, spec: object = None, **metadata: object) -> Json:
    """Any object."""
    return {"metadata": {"namespace": namespace, "name": name, **metadata}, "spec": spec or {}}


def service(
    namespace: str,
    name: str,
    *ports: int | str,
    labels: Mapping[str, object] | None = None,
    annotations: Mapping[str, object] | None = None,
    **spec: object,
) -> Json:
    """A Service; a port is a number, or `name:number`."""
    listed = [_port(str(port)) for port in ports]
    return thing(
        namespace, name, {"ports": listed, **spec}, labels=dict(labels or {}), annotations=dict(annotations or {})
    )


def _port(text: str) -> Json:
    name, _, number = text.rpartition(":")
    return {"port": int(number), "protocol": "TCP", **({"name": name} if name else {})}


def annotated(
    namespace: str, name: str, *ports: int | str, spec: Mapping[str, object] | None = None, **annotations: str
) -> Json:
    """A Service that asks for a check; the annotations without their prefix."""
    asked = {f"reachd.io/{key}": value for key, value in {"check": "true", **annotations}.items()}
    found = service(namespace, name, *ports, annotations=asked)
    return {**found, "spec": {"ports": [_port(str(port)) for port in ports], **(spec or {})}}


def labelled(name: str) -> Json:
    """The label by which charts tell what something is."""
    return {"app.kubernetes.io/name": name}


def ingress(
    namespace: str, name: str, host: str, to: str, *, path: str = "/", tls: bool = True, certified: str | None = None
) -> Json:
    """An Ingress that leads to a Service. certified: the host that its `tls` names instead, where empty none."""
    ways = [{"path": path, "pathType": "Prefix", "backend": {"service": {"name": to, "port": {"number": 9081}}}}]
    spec = {
        "rules": [{"host": host, "http": {"paths": ways}}],
        **({"tls": [_tls(host if certified is None else certified)]} if tls else {}),
    }
    return thing(namespace, name, spec)


def _tls(host: str) -> Json:
    return {"hosts": [host]} if host else {"secretName": "certificate"}


def workload(namespace: str, name: str, **environment: str) -> Json:
    """A Deployment with one container."""
    container = {"name": name, "env": [{"name": key, "value": value} for key, value in environment.items()]}
    return thing(namespace, name, {"template": {"spec": {"containers": [container]}}}, labels=labelled(name))


def by_uid(things: Sequence[Json]) -> Mapping[str, Json]:
    """As a reflector keeps them."""
    return {f"uid-{number}": each for number, each in enumerate(things)}


def objects(
    services: Sequence[Json] = (),
    ingresses: Sequence[Json] = (),
    deployments: Sequence[Json] = (),
    brokers: Sequence[Json] = (),
    meshsyncs: Sequence[Json] = (),
    endpointslices: Sequence[Json] = (),
) -> Objects:
    """What discovery looks at."""
    kinds = (services, ingresses, deployments, brokers, meshsyncs, endpointslices)
    return Objects(*(by_uid(things) for things in kinds))


def endpoint_slice(namespace: str, name: str, of: str, **ports: int) -> Json:
    """Where the pods of a Service listen; `of`: its name."""
    listed = [{"name": port, "port": number, "protocol": "TCP"} for port, number in ports.items()]
    return {**thing(namespace, name, labels={"kubernetes.io/service-name": of}), "ports": listed}


def meshery(namespace: str = "meshery") -> Objects:
    """Meshery with all that its charts and its Operator 1.0 can put beside it."""
    return objects(
        services=[
            service(namespace, "meshery", "http:9081", labels=labelled("meshery")),
            service(namespace, "meshery-nats", "nats:4222", "monitor:8222", labels=labelled("nats")),
            service(namespace, "meshery-nats-headless", "nats:4222", "monitor:8222", clusterIP="None"),
            service(namespace, "meshery-istio", "http:10000", labels=labelled("meshery-istio")),
            service(namespace, "release-meshery-consul", "http:10002", labels=labelled("meshery-consul")),
            service(namespace, "meshery-operator", "https-metrics:8443", labels=labelled("meshery-operator")),
            service(namespace, "meshery-nighthawk", "http:10013", labels=labelled("meshery-nighthawk")),
            service(namespace, "other", 80),
        ],
        ingresses=[ingress(namespace, "meshery", "meshery.example.com", "meshery")],
        deployments=[
            workload(
                namespace,
                "meshery",
                PROVIDER_BASE_URLS="https://cloud.meshery.io, https://other.example.com",
                MESHERY_SERVER_CALLBACK_URL="https://callback.example.com/api/user/token",
            )
        ],
        brokers=[thing(namespace, "meshery-broker")],
        meshsyncs=[thing(namespace, "meshery-meshsync")],
    )
