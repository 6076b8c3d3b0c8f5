"""Runs as spans, decoded by a receiver of our own and by a real collector."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from time import perf_counter

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from structlog.testing import capture_logs

from agent.core.check import Check, CheckKey
from agent.core.measures import Measure
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase, Reason
from agent.core.transitions import Standing
from agent.core.version import VERSION
from agent.probes import settings_of
from agent.probes._credentials import basic_authorization
from agent.probes._http import HTTP_VERSION, STATUS_CODE
from agent.probes._proxy import Proxies, Proxy
from agent.probes._tls import TLS_INFO
from agent.sinks._facts import trace_ids
from agent.sinks._spans import without_secrets
from agent.sinks.traces import TraceSink
from tests.metrics.support import failure, make_check, success
from tests.servers.run import collector, nginx, tinyproxy
from tests.sinks.support import Receiver, attributes, receiver

BEGAN = 1_700_000_000_500_000_000
SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
DOWN = failure(Reason.CONNECT_REFUSED)


class Traced:
    """A trace sink, fed as the engine feeds it, and the number of runs that it dropped."""

    def __init__(
        self,
        endpoint: str,
        headers_file: Path | None = None,
        success_ratio: float = 0.0,
        proxies: Proxies = Proxies(),  # noqa: B008 - it never changes
    ) -> None:
        self.dropped = 0
        self.sink = TraceSink(
            endpoint,
            headers_file=headers_file,
            proxies=lambda: proxies,
            success_ratio=success_ratio,
            environment="production",
            dropped=self.count,
        )
        self.standings: dict[CheckKey, Standing] = {}

    def count(self, runs: int) -> None:
        self.dropped += runs

    def run(self, check: Check, *outcomes: Outcome) -> None:
        standing = self.standings.setdefault(check.key, Standing())
        for outcome in outcomes:
            outcome = replace(outcome)  # noqa: PLW2901 - each run has an outcome of its own
            transition = standing.judge(outcome)
            self.sink.observed(check, outcome, standing)
            if transition is not None:
                self.sink.moved(check, transition, standing)


@asynccontextmanager
async def traced(to: Receiver, headers_file: Path | None = None, success_ratio: float = 0.0) -> AsyncIterator[Traced]:
    """What was fed inside has been exported at the end."""
    scene = Traced(to.url, headers_file, success_ratio)
    yield scene
    await scene.sink.close()
    assert scene.dropped == 0


def http_check() -> Check:
    url = "https://meshery.example.com/callback?provider=Meshery&token=s3cret#part"
    settings = settings_of("http").model_validate({"kind": "http", "url": url, "method": "POST"})
    return make_check(kind="http", settings=settings, target=url)


async def test_a_run_is_a_span_with_its_phases_below_it() -> None:
    outcome = Outcome(
        Verdict.DOWN,
        started=1_700_000_000.5,
        duration=0.45,
        phases=(0.1, 0.05, 0.2, None, 0.1, None),
        reason=Reason.SERVER_ERROR,
        phase=Phase.RESPONSE,
        detail="the target answered 503\x1b",
        measures=[
            Measure(STATUS_CODE, 503.0),
            Measure(HTTP_VERSION, 1.1),
            Measure(TLS_INFO, 1.0, ("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
        ],
        peer="[::1]:443",
        traceparent=SAMPLED,
    )
    async with receiver() as to:
        async with traced(to) as scene:
            scene.run(http_check(), success(), outcome)
        _, first = to.parents()
        assert to.paths == ["/v1/traces"]
        assert to.resources[0] == {
            "service.name": "reachd",
            "service.version": VERSION,
            "service.instance.id": socket.gethostname(),
            "deployment.environment.name": "production",
        }
    assert first.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert first.span_id.hex() == "00f067aa0ba902b7"
    assert (first.name, first.kind) == ("POST server-live", Span.SPAN_KIND_CLIENT)
    assert (first.start_time_unix_nano, first.end_time_unix_nano) == (
        1_700_000_000_500_000_000,
        1_700_000_000_950_000_000,
    )
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert first.status.message == "server_error: the target answered 503\\x1b"
    assert attributes(list(first.attributes)) == {
        "reachd.deployment": "prod",
        "reachd.system": "meshery",
        "reachd.component": "server",
        "reachd.check": "server-live",
        "reachd.kind": "http",
        "reachd.vantage": "server",
        "reachd.verdict": "down",
        "reachd.blame": "target",
        "reachd.phase": "response",
        "service.peer.name": "meshery-server",
        "error.type": "server_error",
        "http.request.method": "POST",
        "http.response.status_code": 503,
        "url.full": "https://meshery.example.com/callback?provider=REDACTED&token=REDACTED",
        "url.scheme": "https",
        "server.address": "meshery.example.com",
        "server.port": 443,
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
        "network.peer.address": "::1",
        "network.peer.port": 443,
        "tls.protocol.version": "1.3",
        "tls.cipher": "TLS_AES_128_GCM_SHA256",
    }
    children = [
        (span.name, span.start_time_unix_nano - BEGAN, span.end_time_unix_nano - BEGAN) for span in to.children(first)
    ]
    assert children == [
        ("resolve", 0, 100_000_000),
        ("connect", 100_000_000, 150_000_000),
        ("tls", 150_000_000, 350_000_000),
        ("response", 350_000_000, 450_000_000),
    ]
    failed = [span for span in to.children(first) if span.status.code == Status.STATUS_CODE_ERROR]
    assert {span.name for span in failed} == {"response"}


@pytest.mark.parametrize(
    ("probe", "measures", "expected"),
    [
        (
            {"kind": "grpc", "address": "[::1]:10000", "service": "x"},
            {"probe_grpc_status_code": 14.0},
            {"rpc.system.name": "grpc", "rpc.response.status_code": "UNAVAILABLE", "server.address": "::1"},
        ),
        ({"kind": "grpc", "address": "a:1"}, {"probe_grpc_status_code": 99.0}, {"rpc.response.status_code": "99"}),
        ({"kind": "nats", "address": "a:4222"}, {}, {"messaging.system": "nats", "server.port": 4222}),
        (
            {"kind": "dns", "name": "a.example.com"},
            {},
            {"dns.question.name": "a.example.com", "network.protocol.name": "dns"},
        ),
        (
            {"kind": "websocket", "url": "wss://a.example.com/x"},
            {},
            {"url.full": "wss://a.example.com/x", "network.protocol.name": "websocket", "http.request.method": "GET"},
        ),
    ],
)
async def test_each_protocol_has_its_attributes(
    probe: dict[str, object], measures: dict[str, float], expected: dict[str, object]
) -> None:
    settings = settings_of(str(probe["kind"]))
    metrics = {metric.name: metric for metric in settings.metrics}
    outcome = success(0.1, *[Measure(metrics[name], value) for name, value in measures.items()], traceparent=SAMPLED)
    async with receiver() as to:
        async with traced(to) as scene:
            scene.run(make_check(kind=str(probe["kind"]), settings=settings.model_validate(probe)), outcome)
        (parent,) = to.parents()
    found = attributes(list(parent.attributes))
    assert found | expected == found
    assert parent.status.code == Status.STATUS_CODE_UNSET


def verdicts(to: Receiver) -> list[tuple[object, ...]]:
    """The verdict of each exported run, and the state that it led to."""
    said: list[tuple[object, ...]] = []
    for parent in to.parents():
        after = [attributes(list(event.attributes))["reachd.state.after"] for event in parent.events]
        said.append((attributes(list(parent.attributes))["reachd.verdict"], *after))
    return said


async def test_exported_are_changes_of_state_one_failure_a_minute_and_what_was_sampled() -> None:
    check, other = make_check(), make_check("other")
    async with receiver() as to, traced(to) as scene:
        scene.run(check, success(), success(), success(0.1, traceparent=SAMPLED))
        scene.run(check, DOWN, DOWN, DOWN, DOWN, success(), success())
        scene.run(other, failure(Reason.OVERLOADED), failure(Reason.OVERLOADED))
    assert verdicts(to) == [("up", "up"), ("up",), ("down",), ("down", "down"), ("up", "up"), ("unknown",)]


async def test_a_change_of_state_is_an_event_of_its_run() -> None:
    async with receiver() as to:
        async with traced(to) as scene:
            scene.run(make_check(), success())
        (parent,) = to.parents()
    (event,) = parent.events
    assert (event.name, event.time_unix_nano) == ("state changed", 1_700_000_000_250_000_000)
    assert attributes(list(event.attributes)) == {"reachd.state.before": "unknown", "reachd.state.after": "up"}


async def test_a_change_through_a_dependency_has_no_run_to_export() -> None:
    check = make_check()
    async with receiver() as to, traced(to) as scene:
        standing = Standing()
        transition = standing.block(("broker",), 1.0)
        assert transition is not None
        scene.sink.moved(check, transition, standing)
    assert to.spans == []


async def test_what_the_target_is_told_is_what_is_exported() -> None:
    check = make_check()
    async with receiver() as to, traced(to, success_ratio=0.0) as scene:
        assert scene.sink.traceparent(check, failing=False) == ""
        first = scene.sink.traceparent(check, failing=True)
        scene.run(check, failure(Reason.CONNECT_REFUSED, traceparent=first))
        second = scene.sink.traceparent(check, failing=True)
        scene.run(check, failure(Reason.CONNECT_REFUSED, traceparent=second))
        third = scene.sink.traceparent(check, failing=True)
        scene.run(check, failure(Reason.CONNECT_REFUSED, traceparent=third))
    assert (first[-3:], second[-3:], third[-3:]) == ("-01", "-00", "-00")
    assert first[:3] == "00-"
    assert len(first) == 55
    exported = {parent.trace_id.hex() for parent in to.parents()}
    assert exported == {first[3:35], second[3:35]}, "the first failure, and the one that changed the state"


@pytest.mark.parametrize(("ratio", "low", "high"), [(0.0, 0, 0), (1.0, 2000, 2000), (0.25, 350, 650)])
async def test_successes_are_sampled_before_the_run(ratio: float, low: int, high: int) -> None:
    scene = Traced("http://127.0.0.1:1", success_ratio=ratio)
    contexts = [scene.sink.traceparent(make_check(), failing=False) for _ in range(2000)]
    told = [context for context in contexts if context]
    assert low <= len(told) <= high
    assert len(set(told)) == len(told)
    assert {context[-2:] for context in told} <= {"01"}
    await scene.sink.close()


async def test_a_run_that_told_nobody_has_ids_that_logs_can_find() -> None:
    check, outcome = make_check(), success()
    async with receiver() as to:
        async with traced(to) as scene:
            scene.run(check, outcome)
        (parent,) = to.parents()
    assert (parent.trace_id.hex(), parent.span_id.hex()) == trace_ids(check, outcome)
    assert trace_ids(make_check("other"), outcome) != trace_ids(check, outcome)


async def test_headers_come_from_a_file_that_may_change(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("# ours\n\nAuthorization: Bearer s3cret\nX-Scope: a:b\n")
    async with receiver() as to:
        async with traced(to, file) as scene:
            scene.run(make_check(), success())
        file.write_text("authorization: Bearer new\n")
        async with traced(to, file) as scene:
            scene.run(make_check(), success())
    first, second = to.headers
    assert (first["Authorization"], first["X-Scope"]) == ("Bearer s3cret", "a:b")
    assert second["Authorization"] == "Bearer new"


@pytest.mark.parametrize("content", ["no colon but s3cret\n", None])
async def test_a_bad_headers_file_costs_the_traces_and_tells_no_secret(
    content: str | None, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "headers"
    if content is not None:
        file.write_text(content)
    async with receiver() as to:
        scene = Traced(to.url, file)
        scene.run(make_check(), success())
        await scene.sink.close()
    assert scene.dropped == 1
    assert to.headers == []
    said = "".join(capfd.readouterr()) + caplog.text
    assert "s3cret" not in said


async def test_the_task_exports_and_a_collector_that_comes_back_gets_what_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.sinks.traces._PAUSE", 0.05)
    check = make_check()
    async with receiver() as to:
        to.status = 400
        scene = Traced(f"{to.url}/")
        task = asyncio.create_task(scene.sink.run())
        scene.run(check, success())
        await eventually(lambda: scene.dropped == 1)
        to.status = 200
        scene.run(check, DOWN)
        await eventually(lambda: len(to.parents()) == 1)
        await cancelled(task)
        await scene.sink.close()
    assert to.paths[0] == "/v1/traces"


async def test_a_full_queue_loses_the_oldest_runs() -> None:
    check = make_check()
    async with receiver() as to:
        scene = Traced(to.url)
        for number in range(4100):
            scene.run(check, success(0.1, traceparent=f"00-{number + 1:032x}-{1:016x}-01"))
        assert scene.dropped == 4
        await scene.sink.close(20)
    assert [int(parent.trace_id.hex(), 16) for parent in to.parents()] == list(range(5, 4101))


@contextmanager
def silent() -> Iterator[str]:
    """A collector that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def refusing() -> Iterator[str]:
    """A port that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.mark.parametrize("dead", [silent, refusing])
@pytest.mark.parametrize("busy", [False, True])
async def test_a_dead_collector_delays_neither_the_loop_nor_the_end(
    dead: Callable[[], AbstractContextManager[str]], busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.sinks.traces._PAUSE", 0.05)
    with dead() as url:
        scene = Traced(url)
        task = asyncio.create_task(scene.sink.run())
        scene.run(make_check(), success())
        if busy:
            await asyncio.sleep(0.2)  # until the task has a batch under way
        longest = 0.0
        for number in range(200):
            began = perf_counter()
            scene.run(make_check(f"check-{number}"), DOWN)
            await asyncio.sleep(0)
            longest = max(longest, perf_counter() - began)
        await cancelled(task)
        began = perf_counter()
        await scene.sink.close()
        assert perf_counter() - began < 3.0, "the last batch is given a second"
        assert longest < 0.5
        assert scene.dropped == 201


@contextmanager
def answering(status: int, text: str = "s3cret") -> Iterator[str]:
    """A collector that refuses whatever comes. `text`: the body, or where a redirect leads to."""
    script = f"server {{ listen 127.0.0.1:PORT; return {status} {text}; }}"
    with nginx(script) as server:
        yield server.url


@contextmanager
def saying(answer: bytes) -> Iterator[str]:
    """A collector that says this, whatever comes, and closes the connection."""

    def answer_all() -> None:
        with suppress(OSError):  # the socket is shut down at the end
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=answer_all)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def speaking_grpc() -> Iterator[str]:
    """The other port of a real collector."""
    with collector() as server:
        yield f"http://127.0.0.1:{server.grpc_port}"


NO_HTTP = "it closes the connection or does not speak HTTP; 4317 is mostly for gRPC, 4318 for OTLP over HTTP"


@pytest.mark.servers("nginx")
@pytest.mark.parametrize(
    ("collector_of", "headers", "cause"),
    [
        (refusing, "X: s3cret", "Connection refused"),
        (silent, "X: s3cret", "no answer in time"),
        (lambda: answering(500), "X: s3cret", "it answers 500"),
        (
            lambda: answering(401),
            "X: s3cret",
            "it answers 401, so it wants other credentials; look at the headers_file FILE",
        ),
        (lambda: answering(401), None, "it answers 401, so it wants other credentials; set otlp.headers_file"),
        (
            lambda: answering(302, "https://me:s3cret@login.test:8443/s3cret"),
            None,
            "it answers 302, a redirect to https://login.test:8443; otlp.endpoint has to be the collector itself",
        ),
        (
            lambda: answering(308, "http://[s3cret"),
            "X: s3cret",
            "it answers 308, a redirect; otlp.endpoint has to be the collector itself",
        ),
        (lambda: answering(304), None, "it answers 304"),
        pytest.param(speaking_grpc, None, NO_HTTP, marks=pytest.mark.servers("rotel")),
        (lambda: saying(b""), None, NO_HTTP),
        (lambda: saying(b"\0\0\0\4\0\0\0\0\0"), "X: s3cret", NO_HTTP),  # SETTINGS of HTTP/2
        (refusing, "", "headers_file: cannot read the file FILE: No such file or directory"),
        (refusing, "s3cret", "line 1 of the headers_file FILE is not `name: value`"),
        (refusing, "X: ж s3cret", "the headers_file FILE has a header that cannot be sent"),
    ],
)
async def test_the_log_says_once_why_traces_are_lost(
    collector_of: Callable[[], AbstractContextManager[str]],
    headers: str | None,
    cause: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if collector_of in (refusing, silent):
        monkeypatch.setattr("agent.sinks._otlp._TIMEOUT", 0.5)  # what answers has the time that it has in real life
    file = tmp_path / "headers"
    if headers:
        file.write_text(f"{headers}\n", encoding="utf-8")
    with collector_of() as url, capture_logs() as logs:
        scene = Traced(url, file if headers is not None else None)
        for number in range(33):  # one more than a batch takes
            scene.run(make_check(f"check-{number}"), success())
        await scene.sink.close(10)
    assert scene.dropped == 33
    (said,) = logs
    assert said["event"] == "traces do not get to the collector: they are dropped and counted"
    assert said["collector"] == url.removeprefix("http://")
    assert said["cause"] == cause.replace("FILE", str(file))


async def test_the_environment_names_neither_a_proxy_nor_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with refusing() as dead:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, dead)
        async with receiver() as to, traced(to) as scene:
            scene.run(make_check(), success())
    (headers,) = to.headers
    assert "Authorization" not in headers


@pytest.mark.servers("tinyproxy")
async def test_traces_go_through_the_proxy_of_the_configuration() -> None:
    async with receiver() as to:
        with tinyproxy(
            "BasicAuth me s3cret", f'Upstream http {to.url.removeprefix("http://")} "collector.test"'
        ) as server:
            proxy = Proxy("127.0.0.1", server.port, "me:s3cret")
            scene = Traced("http://collector.test:4318", proxies=Proxies(http=proxy))
            scene.run(make_check(), success())
            await scene.sink.close(10)
    assert scene.dropped == 0
    assert len(to.parents()) == 1


async def test_the_proxy_gets_any_credentials_as_probes_send_them() -> None:
    credentials = "m@e:s3c/@:%40rét"
    async with receiver() as to:
        proxy = Proxy("127.0.0.1", int(to.url.rpartition(":")[2]), credentials)
        scene = Traced("http://collector.test:4318", proxies=Proxies(http=proxy))
        scene.run(make_check(), success())
        await scene.sink.close(10)
    (headers,) = to.headers
    assert headers["Proxy-Authorization"] == basic_authorization(credentials)
    assert headers["Host"] == "collector.test:4318"


@pytest.mark.servers("tinyproxy")
@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://collector.test", "it answers 407"),
        ("https://collector.test", "Tunnel connection failed: 407 Proxy Authentication Required"),
    ],
)
async def test_the_log_names_the_proxy_that_does_not_let_traces_through(url: str, cause: str) -> None:
    with tinyproxy("BasicAuth me s3cret") as server, capture_logs() as logs:
        proxy = Proxy("127.0.0.1", server.port, "")
        scene = Traced(url, proxies=Proxies(proxy, proxy))
        scene.run(make_check(), success())
        await scene.sink.close(10)
    assert scene.dropped == 1
    (said,) = logs
    assert said["cause"] == f"{cause}; through the proxy 127.0.0.1:{server.port}"


@pytest.mark.servers("rotel")
async def test_a_real_collector_understands_it() -> None:
    outcome = failure(
        Reason.STATUS_UNEXPECTED,
        Phase.RESPONSE,
        Measure(STATUS_CODE, 404.0),
        phases=(0.1, 0.1, None, None, 0.1, None),
        traceparent=SAMPLED,
    )
    with collector() as server:
        scene = Traced(f"http://127.0.0.1:{server.port}")
        scene.run(http_check(), outcome)
        await scene.sink.close(5)
        assert scene.dropped == 0
        await eventually(lambda: len(server.spans()) == 4)
        parent, *phases = sorted(server.spans(), key=lambda span: bool(span.parent_id))
    assert parent.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert parent.attributes["http.response.status_code"] == "404"
    assert parent.attributes["error.type"] == "status_unexpected"
    assert {span.name for span in phases} == {"resolve", "connect", "response"}
    assert {span.parent_id for span in phases} == {parent.span_id}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://a:9081/x", "http://a:9081/x"),
        ("https://user:pass@[::1]:1/x?token=abc&flag#f", "https://[::1]:1/x?token=REDACTED&REDACTED"),
        ("http://a/?s3cret", "http://a/?REDACTED"),
    ],
)
def test_urls_tell_no_secret(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
