"""From objects of a cluster to checks and deployments: pure functions, tables of cases, hostile objects."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.check import Check, Vantage
from agent.discovery.kubernetes import KubernetesSource, snapshot_of
from agent.discovery.meshery import installations
from agent.discovery.objects import Objects, collection_path
from agent.probes._json import JsonObject
from agent.settings.model import Configuration
from agent.settings.plan import plan
from agent.settings.snapshot import Snapshot
from agent.settings.targets import targets_of
from tests.agent.support import until
from tests.discovery.cluster_objects import (
    Json,
    annotated,
    by_uid,
    endpoint_slice,
    ingress,
    labelled,
    meshery,
    objects,
    service,
    thing,
    workload,
)


def checks_of(*services: Json) -> list[Check]:
    """The checks that Services ask for, which they do without a problem."""
    wanted = plan(Configuration(), [snapshot_of(objects(services))])
    assert wanted.problems == ()
    return list(wanted.checks)


def problem_of(bad: Json) -> str:
    """What is wrong with a Service; the one beside it is well."""
    found = snapshot_of(objects([bad, annotated("shop", "good", 80)]))
    assert [check.name for check in found.checks] == ["shop--good"]
    (problem,) = found.problems
    return problem


@pytest.mark.parametrize(
    ("asking", "kind", "target"),
    [
        (annotated("shop", "cart", 80), "http", "http://cart.shop.svc:80/"),
        (annotated("shop", "cart", 443), "http", "https://cart.shop.svc:443/"),
        (annotated("shop", "cart", "https-web:8443"), "http", "https://cart.shop.svc:8443/"),
        (annotated("shop", "cart", "web:80", "admin:81", port="admin"), "http", "http://cart.shop.svc:81/"),
        (annotated("shop", "cart", 80, 81, port="80", path="/a?b=c"), "http", "http://cart.shop.svc:80/a?b=c"),
        (annotated("shop", "cart", 80, kind="healthz"), "healthz", "http://cart.shop.svc:80/healthz"),
        (annotated("shop", "cart", 80, kind="healthz", path="/live"), "healthz", "http://cart.shop.svc:80/live"),
        (annotated("shop", "cart", 80, kind="sse"), "sse", "http://cart.shop.svc:80/"),
        (annotated("shop", "cart", 80, kind="websocket", path="/ws"), "websocket", "http://cart.shop.svc:80/ws"),
        (annotated("shop", "cart", 8222, kind="nats_monitor"), "nats_monitor", "http://cart.shop.svc:8222"),
        (annotated("shop", "cart", 5432, kind="tcp"), "tcp", "cart.shop.svc:5432"),
        (annotated("shop", "cart", 443, kind="tls"), "tls", "cart.shop.svc:443"),
        (annotated("shop", "cart", 4222, kind="nats"), "nats", "cart.shop.svc:4222"),
        (annotated("shop", "cart", 9000, kind="grpc"), "grpc", "cart.shop.svc:9000"),
        (annotated("shop", "cart", spec={"clusterIP": "None"}, port="5432", kind="tcp"), "tcp", "cart.shop.svc:5432"),
    ],
)
def test_annotations_ask_for_a_check(asking: Json, kind: str, target: str) -> None:
    (check,) = checks_of(asking)
    assert (check.deployment, check.name, check.origin) == ("default", "shop--cart", "kubernetes")
    assert (check.kind, check.target) == (kind, target)
    assert (check.every, check.severity) == (15.0, "ticket")


HEADLESS = {"clusterIP": "None", "ports": [{"name": "web", "port": 80, "targetPort": "http"}]}
TO_A_NUMBER = {"clusterIP": "None", "ports": [{"name": "web", "port": 80, "targetPort": 8080}]}
BEHIND_ONE_ADDRESS = {"clusterIP": "10.0.0.1", "ports": [{"name": "web", "port": 80, "targetPort": "http"}]}


@pytest.mark.parametrize(
    ("spec", "asked", "slices", "target"),
    [
        (HEADLESS, {}, [("cart-a", "cart", 8080)], "http://cart.shop.svc:8080/"),
        (HEADLESS, {"port": "web"}, [("cart-a", "cart", 8080)], "http://cart.shop.svc:8080/"),
        (HEADLESS, {"port": "80"}, [("cart-a", "cart", 8080)], "http://cart.shop.svc:8080/"),
        (HEADLESS, {"port": "9000"}, [("cart-a", "cart", 8080)], "http://cart.shop.svc:9000/"),
        (HEADLESS, {}, [("cart-b", "cart", 9000), ("cart-a", "cart", 8080)], "http://cart.shop.svc:8080/"),
        (HEADLESS, {}, [("other-a", "other", 8080)], "http://cart.shop.svc:80/"),
        (HEADLESS, {}, [("cart-a", "cart", 70000)], "http://cart.shop.svc:80/"),
        (TO_A_NUMBER, {}, [], "http://cart.shop.svc:8080/"),
        (TO_A_NUMBER, {}, [("cart-a", "cart", 8081)], "http://cart.shop.svc:8081/"),
        (BEHIND_ONE_ADDRESS, {}, [("cart-a", "cart", 8080)], "http://cart.shop.svc:80/"),
    ],
)
def test_the_name_of_a_headless_service_leads_past_its_ports(
    spec: Json, asked: dict[str, str], slices: list[tuple[str, str, int]], target: str
) -> None:
    endpoints = [endpoint_slice("shop", name, of, web=number) for name, of, number in slices]
    found = objects([annotated("shop", "cart", spec=spec, **asked)], endpointslices=endpoints)
    wanted = plan(Configuration(), [snapshot_of(found)])
    assert [check.target for check in wanted.checks] == [target]
    assert wanted.problems == ()


def test_interval_and_severity_may_be_asked_for() -> None:
    (check,) = checks_of(annotated("shop", "cart", 80, interval="1m30s", severity="page"))
    assert (check.every, check.severity) == (90.0, "page")


def test_a_service_that_does_not_ask_is_not_checked() -> None:
    assert checks_of(service("shop", "cart", 80), annotated("shop", "off", 80, check="false")) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (annotated("shop", "cart", 80, check="yes"), 'Service shop/cart: reachd.io/check is "yes"; write "true"'),
        (annotated("shop", "cart", 80, intervall="1s"), "did you mean 'reachd.io/interval'?"),
        (service("shop", "cart", 80, annotations={"reachd.io/chek": "true"}), "did you mean 'reachd.io/check'?"),
        (annotated("shop", "cart", 80, check="false", intervall="1s"), "did you mean 'reachd.io/interval'?"),
        (annotated("shop", "cart", 80, kind="htp"), "unknown kind of check for a Service 'htp'; did you mean 'http'?"),
        (annotated("shop", "cart", 80, kind="kube_api"), "unknown kind of check for a Service 'kube_api'"),
        (annotated("shop", "cart", 80, kind="<script>"), "unknown kind of check for a Service '<script>'"),
        (annotated("shop", "cart", 80, path="a"), 'path is "a"; write one that begins with "/"'),
        (annotated("shop", "cart", 80, path="/a\r\nb"), "shop--cart].probe.url: "),
        (annotated("shop", "cart", 80, path="/" + "a" * 1000), "path has 1001 characters; write at most 1000"),
        (annotated("shop", "cart", 80, path="/?token=hunter2"), "looks like a secret"),
        (annotated("shop", "cart", 80, kind="tcp", path="/"), "path is of no use for a check of kind tcp"),
        (annotated("shop", "cart", 80, "b:81"), "name one of its ports with reachd.io/port; it has 80, 81 (b)"),
        (annotated("shop", "cart"), "it has none that speaks TCP"),
        (annotated("shop", "cart", 80, port="81"), 'it has no port "81"; it has 80'),
        (annotated("shop", "cart", 80, port="evil.example.com:80/"), "it has no port"),
        (annotated("shop", "cart", 80, port="9" * 5000), "it has no port"),
        (annotated("shop", "cart", 80, interval="100ms"), "reachd.io/interval is less than 1s"),
        (annotated("shop", "cart", 80, interval="soon"), '.every: "soon": expected a duration'),
        (annotated("shop", "cart", 80, interval="9" * 400 + "h"), '…": expected a duration'),
        (annotated("shop", "cart", 80, interval="9" * 5000 + "h"), '…": expected a duration'),
        (annotated("shop", "cart", 80, severity="urgent"), '.severity: "urgent" is not'),
        (annotated("shop", "cart", 80, spec={"type": "ExternalName"}), "it leads out of the cluster"),
        (annotated("shop", "cart.evil.example.com", 80), "its name cannot be resolved"),
    ],
)
def test_bad_annotations_are_told_and_hurt_nobody(bad: Json, words: str) -> None:
    problem = problem_of(bad)
    assert words in problem
    assert problem.startswith("Service shop/cart")
    assert problem.isprintable()
    assert "hunter2" not in problem
    assert len(problem) < 400


def test_an_interval_shorter_than_the_timeout_shortens_the_timeout() -> None:
    (check,) = checks_of(annotated("shop", "cart", 80, interval="2s"))
    assert check.timeout == 2.0


def test_services_of_the_same_name_are_told_apart() -> None:
    names = {check.name for check in checks_of(annotated("a", "b-c", 80), annotated("a-b", "c", 80))}
    assert names == {"a--b-c", "a-b--c"}


def test_the_number_of_checks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.discovery.annotations._MOST_CHECKS", 3)
    found = snapshot_of(objects([annotated("shop", f"cart-{number}", 80) for number in range(5)]))
    assert [check.name for check in found.checks] == ["shop--cart-0", "shop--cart-1", "shop--cart-2"]
    assert found.problems == ("more than 3 Services ask for a check; the others are left out",)


def settings_of(found: Objects) -> dict[str, object]:
    """The settings of the only installation, which a configuration takes."""
    (installation,) = installations(found)
    snapshot = snapshot_of(found)
    assert snapshot.problems == ()
    assert len(snapshot.deployments) == 1
    assert installation.found_by.keys() <= installation.settings.keys()
    return installation.settings


def test_a_whole_meshery_is_found() -> None:
    assert settings_of(meshery()) == {
        "name": "meshery",
        "profile": "meshery",
        "namespace": "meshery",
        "server": "http://meshery.meshery.svc:9081",
        "external_url": "https://meshery.example.com",
        "provider": "https://cloud.meshery.io",
        "broker": {"address": "meshery-nats.meshery.svc:4222", "monitor": "http://meshery-nats.meshery.svc:8222"},
        "operator": {"metrics": "https://meshery-operator.meshery.svc:8443/metrics"},
        "adapters": {"istio": "meshery-istio.meshery.svc:10000", "consul": "release-meshery-consul.meshery.svc:10002"},
        "perf": "meshery-nighthawk.meshery.svc:10013",
    }


SERVER = service("m", "meshery", "http:9081", labels=labelled("meshery"))


PATH = "/" + "a" * 1000
LONG = f"https://m.example.com{PATH}"
STABLE = service("m", "meshery", "http:9081", labels=labelled("meshery"), selector={"release": "stable"})


def of_release(release: str) -> Json:
    """A Meshery Server of its own, beside others in the same namespace."""
    container = {"name": "meshery", "env": [{"name": "PROVIDER_BASE_URLS", "value": f"https://{release}.example.com"}]}
    template = {"metadata": {"labels": {"release": release, "more": "of them"}}, "spec": {"containers": [container]}}
    return thing("m", f"meshery-{release}", {"template": template}, labels=labelled("meshery"))


def calling_back(scheme: str) -> Json:
    return workload("m", "meshery", MESHERY_SERVER_CALLBACK_URL=f"{scheme}://m.example.com/api/user/token")


@pytest.mark.parametrize(
    ("found", "broker"),
    [
        (objects([SERVER]), None),
        (objects([SERVER, service("m", "meshery-broker", "monitor:8222")]), "http://meshery-broker.m.svc:8222"),
        (objects([SERVER], brokers=[thing("m", "meshery-broker")]), "http://meshery-nats.m.svc:8222"),
    ],
)
def test_the_checklist_of_a_configuration_takes_nothing_from_what_is_found(found: Objects, broker: str | None) -> None:
    """As the packages have it: the configuration says no more than that it is wanted."""
    wanted = targets_of({"deployments": [{"name": "m", "profile": "meshery", "checklist": True}]}, "here").deployments
    vantage = (Vantage.OPERATIONS,)
    alone = plan(Configuration(vantage=vantage), [snapshot_of(found)])
    both = plan(Configuration(vantage=vantage, deployments=wanted), [snapshot_of(found)])
    assert both.problems == ()
    more = {check.name: check.target for check in both.checks}
    assert {check.name: check.target for check in alone.checks}.items() <= more.items()
    assert more["checklist-api"] == "https://kubernetes.default.svc"
    assert more.get("broker-monitor") == broker


@pytest.mark.parametrize(
    ("found", "key", "value"),
    [
        (objects([SERVER]), "broker", None),
        (objects([SERVER]), "operator", None),
        (objects([SERVER]), "external_url", None),
        (objects([service("m", "x", 80, labels=labelled("meshery")), SERVER]), "server", "http://meshery.m.svc:9081"),
        (objects([service("m", "x", 80, labels=labelled("meshery"))]), "server", "http://x.m.svc:80"),
        (
            objects([service("m", "meshery-broker", "client:4222", "monitor:8222", "cluster:6222")]),
            "broker",
            {"address": "meshery-broker.m.svc:4222", "monitor": "http://meshery-broker.m.svc:8222"},
        ),
        (
            objects([service("m", "meshery-broker", 1), service("m", "meshery-nats", 4222)]),
            "broker",
            {"address": "meshery-nats.m.svc:4222"},
        ),
        (
            objects([SERVER], brokers=[thing("m", "meshery-broker")]),
            "broker",
            {"address": "meshery-nats.m.svc:4222", "monitor": "http://meshery-nats.m.svc:8222"},
        ),
        (
            objects([SERVER, service("m", "meshery-operator-metrics-service", "https:8443")]),
            "operator",
            {"metrics": "https://meshery-operator-metrics-service.m.svc:8443/metrics"},
        ),
        (objects([service("default", "meshery", 9081, labels=labelled("meshery"))]), "name", "meshery-default"),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", tls=False)]),
            "external_url",
            "http://m.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", path="/ops/meshery/")]),
            "external_url",
            "https://m.example.com/ops/meshery",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", path="/(.*)")]),
            "external_url",
            "https://m.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", path="/meshery(/|$)(.*)")]),
            "external_url",
            "https://m.example.com/meshery",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", path="/v1.2/meshery/.*")]),
            "external_url",
            "https://m.example.com/v1.2/meshery",
        ),
        (
            objects(
                [SERVER],
                [
                    ingress("m", "a", "m.example.com", "meshery", path="/events"),
                    ingress("m", "b", "m.example.com", "meshery"),
                    ingress("m", "0", "m.example.com", "meshery", tls=False),
                ],
            ),
            "external_url",
            "https://m.example.com",
        ),
        (
            objects(
                [SERVER],
                [
                    ingress("m", "a", "m.example.com", "meshery", path="/api/system/graphql/query"),
                    ingress("m", "b", "m.example.com", "meshery", path="/api(/|$)(.*)"),
                    ingress("m", "c", "m.example.com", "meshery", path="/healthz"),
                ],
            ),
            "external_url",
            None,
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", path="/apis")]),
            "external_url",
            "https://m.example.com/apis",
        ),
        (
            objects(
                [SERVER],
                [
                    ingress("m", "a", "a.example.com", "meshery", tls=False),
                    ingress("m", "b", "b.example.com", "meshery"),
                    ingress("m", "0", "0.example.com", "other"),
                    ingress("n", "0", "n.example.com", "meshery"),
                    ingress("m", "0", "*.example.com", "meshery"),
                ],
            ),
            "external_url",
            "https://b.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", certified="*.example.com")]),
            "external_url",
            "https://m.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", certified="")]),
            "external_url",
            "https://m.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", certified="other.example.com")]),
            "external_url",
            "http://m.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", tls=False)], [calling_back("https")]),
            "external_url",
            "https://m.example.com",
        ),
        (
            objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", tls=False)], [calling_back("http")]),
            "external_url",
            "http://m.example.com",
        ),
        (
            objects([SERVER], [], [workload("m", "meshery", MESHERY_SERVER_CALLBACK_URL="https://$(HOST)/")]),
            "external_url",
            None,
        ),
        (objects([SERVER], [], [calling_back("https")]), "external_url", "https://m.example.com"),
        (
            objects([SERVER], [], [workload("m", "meshery", PROVIDER_BASE_URLS="\thttps://a.example.com\nhttps://b/")]),
            "provider",
            "https://a.example.com",
        ),
        (
            objects([SERVER], [], [workload("m", "meshery", PROVIDER_BASE_URLS="javascript:alert(1) https://u:p@a/")]),
            "provider",
            None,
        ),
        (objects([SERVER], [], [workload("m", "other", PROVIDER_BASE_URLS="https://a.example.com")]), "provider", None),
        (
            objects([STABLE], [], [of_release("stable"), of_release("tried-out")]),
            "provider",
            "https://stable.example.com",
        ),
        (objects([STABLE], [], [of_release("tried-out")]), "provider", None),
        (objects([SERVER], [], [workload("m", "meshery", PROVIDER_BASE_URLS=LONG)]), "provider", None),
        (objects([SERVER], [], [workload("m", "meshery", MESHERY_SERVER_CALLBACK_URL=LONG)]), "external_url", None),
        (objects([SERVER], [ingress("m", "a", "m.example.com", "meshery", path=PATH)]), "external_url", None),
    ],
)
def test_parts_of_meshery(found: Objects, key: str, value: object) -> None:
    assert settings_of(found).get(key) == value


def test_there_is_one_for_each_namespace() -> None:
    east, west = meshery("east"), meshery("west")
    together = Objects(*({**{f"w-{uid}": it for uid, it in w.items()}, **e} for e, w in zip(east, west, strict=True)))
    assert [installation.namespace for installation in installations(together)] == ["east", "west"]
    wanted = plan(Configuration(), [snapshot_of(together)])
    assert {check.deployment for check in wanted.checks} == {"east", "west"}
    assert {check.origin for check in wanted.checks} == {"kubernetes"}


def test_adapters_alone_are_no_meshery() -> None:
    assert installations(objects([service("m", "meshery-istio", 10000)])) == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["true", "meshery", "a", "/"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "metadata",
        "spec",
        "namespace",
        "name",
        "labels",
        "annotations",
        "ports",
        "port",
        "protocol",
        "rules",
        "http",
        "paths",
        "tls",
        "hosts",
        "reachd.io/check",
        "reachd.io/port",
        "reachd.io/kind",
        "app.kubernetes.io/name",
    ]
)
HOSTILE = ANYTHING
for _ in range(3):
    HOSTILE = st.dictionaries(KEYS, ANYTHING | HOSTILE, max_size=5)


@given(st.lists(HOSTILE, max_size=3))
def test_whatever_objects_hold_nothing_breaks(hostile: list[Json]) -> None:
    def beside(thing: Json) -> list[Json]:
        merged = {**thing, **{key: hostile[0].get(key, value) for key, value in thing.items()}} if hostile else thing
        return [*hostile, merged, annotated("shop", "good", 80)]

    found = snapshot_of(
        objects(
            beside(annotated("shop", "cart", 80)),
            beside(ingress("shop", "a", "a.example.com", "meshery")),
            beside(workload("shop", "meshery", A="b")),
            beside(thing("shop", "a")),
            beside(thing("shop", "a")),
        )
    )
    assert "shop--good" in [check.name for check in found.checks]
    assert all(problem.isprintable() for problem in found.problems)


@dataclass
class Collection:
    """As a reflector shows it."""

    objects: Mapping[str, JsonObject] = field(default_factory=dict)
    last_success: float = 0.0
    problem: str = ""


@dataclass
class Following:
    """A source that is followed, and the collections that it looks at."""

    services: Collection = field(default_factory=Collection)
    of_other_namespaces: Sequence[Collection] = ()
    brokers: Collection = field(default_factory=Collection)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[Snapshot] = field(default_factory=list)

    async def follow(self) -> None:
        """Until it is cancelled."""
        watched = {"services": [self.services, *self.of_other_namespaces], "brokers": [self.brokers]}
        async for snapshot in KubernetesSource(watched, self.changed).snapshots():
            self.seen.append(snapshot)


@asynccontextmanager
async def followed(it: Following, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """As long as the block lasts; looks often."""
    monkeypatch.setattr("agent.discovery.kubernetes._SETTLE", 0.01)
    monkeypatch.setattr("agent.discovery.kubernetes._LOOK_AT_LEAST_EVERY", 0.05)
    task = asyncio.create_task(it.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_source_looks_at_what_reflectors_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    it = Following()
    async with followed(it, monkeypatch):
        it.brokers.last_success = 5.0
        it.changed.set()
        await until(lambda: not it.changed.is_set())
        assert it.seen == []  # services were never listed: that is not "there are none"
        it.services.objects, it.services.last_success = by_uid([annotated("shop", "cart", 80)]), 20.0
        it.brokers.last_success, it.brokers.objects = 0.0, {}
        it.changed.set()
        await until(lambda: it.seen)
        assert [check.name for check in it.seen[-1].checks] == ["shop--cart"]
        assert (it.seen[-1].source, it.seen[-1].at, it.seen[-1].problems) == ("kubernetes", 20.0, ())
        it.services.problem = "the API server refuses connections"
        await until(lambda: it.seen[-1].problems == ("the API server refuses connections",))
        assert (len(it.seen[-1].checks), it.seen[-1].at) == (1, 20.0)
        it.services.problem, it.services.last_success = "", 30.0
        it.brokers.objects, it.brokers.last_success = by_uid([thing("m", "meshery-broker")]), 25.0
        await until(lambda: it.seen[-1].at == 25.0)
        assert (len(it.seen[-1].deployments), it.seen[-1].problems) == (1, ())


async def test_a_namespace_that_may_not_be_listed_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = Collection(problem="403 Forbidden: services in the namespace staging")
    it = Following(of_other_namespaces=[forbidden])
    async with followed(it, monkeypatch):
        await until(lambda: it.seen)
        assert it.seen[-1] == Snapshot("kubernetes", problems=(forbidden.problem,))
        it.services.objects, it.services.last_success = by_uid([annotated("shop", "cart", 80)]), 20.0
        await until(lambda: it.seen[-1].checks)
        assert [check.name for check in it.seen[-1].checks] == ["shop--cart"]
        assert (it.seen[-1].at, it.seen[-1].problems) == (0.0, (forbidden.problem,))
        forbidden.problem, forbidden.last_success = "", 15.0
        await until(lambda: it.seen[-1].at == 15.0)
        assert it.seen[-1].problems == ()


@pytest.mark.parametrize(
    ("field_of", "namespace", "path"),
    [
        ("services", None, "/api/v1/services"),
        ("services", "shop", "/api/v1/namespaces/shop/services"),
        ("brokers", "a/b", "/apis/meshery.io/v1alpha1/namespaces/a%2Fb/brokers"),
        ("ingresses", None, "/apis/networking.k8s.io/v1/ingresses"),
    ],
)
def test_where_the_api_server_lists_them(field_of: str, namespace: str | None, path: str) -> None:
    assert collection_path(field_of, namespace) == path
