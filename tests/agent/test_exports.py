"""What the whole agent exports, as real readers of it see it: Prometheus, its linter, an OpenTelemetry collector."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, web
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.agent import support
from tests.agent.support import Client, check, local_agent
from tests.probes.dns_server import name_server, records
from tests.probes.support import authority, ca_file, refusing
from tests.probes.test_grpc import HEALTH, Methods, grpc_server
from tests.servers.catalogue import find
from tests.servers.run import collector, nats_server, nginx, prometheus
from tests.sinks.support import receiver

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
TEXT = "text/plain;version=0.0.4"
BASE = {"deployment", "system", "component", "check", "kind", "vantage"}
CONTRACT: dict[str, set[str]] = {
    "probe_success": BASE,
    "probe_state": BASE | {"state"},
    "probe_duration_seconds": BASE,
    "probe_phase_duration_seconds": BASE | {"phase"},
    "probe_runs_total": BASE,
    "probe_failures_total": BASE,
    "probe_inconclusive_total": BASE,
    "probe_slow_total": BASE,
    "probe_failure_reasons_total": BASE | {"reason"},
    "probe_latency_seconds_bucket": BASE - {"check"} | {"le"},
    "probe_latency_seconds_sum": BASE - {"check"},
    "probe_latency_seconds_count": BASE - {"check"},
    "probe_failing": BASE | {"reason", "phase", "blame"},
    "probe_last_run_timestamp_seconds": BASE,
    "probe_last_success_timestamp_seconds": BASE,
    "probe_state_since_timestamp_seconds": BASE,
    "probe_interval_seconds": BASE,
    "probe_slo_ratio": BASE,
    "probe_latency_objective_seconds": BASE,
    "probe_target_info": BASE | {"target", "purpose", "source", "severity"},
    "probe_depends_on_info": BASE | {"on"},
    "probe_http_status_code": BASE,
    "probe_http_responses_total": BASE | {"code"},
    "probe_http_version": BASE,
    "probe_ssl_earliest_cert_expiry": BASE,
    "probe_tls_info": BASE | {"version", "cipher"},
    "probe_tcp_rtt_seconds": BASE,
    "probe_tcp_retransmits_total": BASE,
    "probe_websocket_pong_seconds": BASE,
    "probe_grpc_status_code": BASE,
    "probe_dns_answers": BASE,
    "healthz_check": BASE | {"name"},
    "nats_server_client_connected": BASE | {"name"},
    "reachd_build_info": {"version", "python"},
    "reachd_config_last_reload_successful": set(),
    "reachd_config_last_reload_success_timestamp_seconds": set(),
    "reachd_checks": {"state"},
    "reachd_source_last_success_timestamp_seconds": {"source"},
    "reachd_all_pods_watched": set(),
    "reachd_schedule_delay_seconds_bucket": {"le"},
    "reachd_event_loop_delay_seconds_bucket": {"le"},
    "reachd_exposition_seconds_bucket": {"le"},
    "reachd_slots_missed_total": set(),
    "reachd_sink_dropped_total": {"sink"},
    "reachd_stalled_runs_total": set(),
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_open_fds": set(),
}
"""Every metric of the contract that does not come from Kubernetes, with its labels."""
SCRAPE = """
scrape_configs:
  - job_name: reachd
    scrape_interval: 300ms
    scrape_timeout: 300ms
    static_configs: [{targets: ["TARGET"]}]
"""


class Targets(NamedTuple):
    """What is watched: the checks, and the `traceparent` headers that reached the HTTP target and the broken one."""

    checks: list[dict[str, object]]
    seen: dict[str, list[str]]


async def health(request: web.Request) -> web.Response:
    return web.Response(text="[+]capabilities ok\n[-]extension failed: not there\nhealthz check passed")


async def socket(request: web.Request) -> web.WebSocketResponse:
    response = web.WebSocketResponse()
    await response.prepare(request)
    async for _ in response:
        pass
    return response


@asynccontextmanager
async def targets(folder: Path) -> AsyncIterator[Targets]:
    """A target of every kind that the contract has a metric of its own for; one is down, one waits for it."""
    seen: dict[str, list[str]] = {"/": [], "/broken": [], "/socket": []}

    async def page(request: web.Request) -> web.StreamResponse:
        seen[request.path].append(request.headers.get("traceparent", ""))
        if request.path == "/socket":
            return await socket(request)
        return web.Response(status=503 if request.path == "/broken" else 200)

    app = web.Application()
    app.router.add_get("/healthz", health)
    app.router.add_get("/{any:.*}", page)
    pem = folder / "server.pem"
    authority().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    tls = f"server {{ listen 127.0.0.1:PORT ssl; ssl_certificate {pem}; ssl_certificate_key {pem}; return 200 ok; }}"
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        http = f"127.0.0.1:{runner.addresses[0][1]}"
        names = await stack.enter_async_context(name_server({"meshery.example": records("@ A 127.0.0.1")}))
        grpc = await stack.enter_async_context(grpc_server(Methods({HEALTH: b"\x08\x01"})))
        broker, ingress = stack.enter_context(nats_server()), stack.enter_context(nginx(tls))
        nothing = stack.enter_context(refusing())
        yield Targets(
            [
                check("page", "http", url=f"http://{http}/", labels={"owner": 'a "b"\\'}),
                check("broken", "http", url=f"http://{http}/broken"),
                check("gone", "tcp", address=nothing),
                check("behind", "tcp", address=nothing, depends_on=["gone"]),
                check(
                    "ingress", "http", url=f"{ingress.url.replace('http', 'https')}/", tls={"ca_file": ca_file(folder)}
                ),
                check("socket", "websocket", url=f"ws://{http}/socket"),
                check("grpc", "grpc", address=grpc),
                check("name", "dns", name="meshery.example", server=f"127.0.0.1:{names.server.port}"),
                check("health", "healthz", url=f"http://{http}/healthz", expect={"checks": ["extension"]}),
                check("broker", "nats", address=broker.address),
                check("monitor", "nats_monitor", url=broker.monitor_url, expect={"clients": ["meshery-server"]}),
            ],
            seen,
        )


async def until_judged(agent: Client) -> None:
    async with asyncio.timeout(30):
        while "unknown" in (await agent.states()).values():
            await asyncio.sleep(0.02)


@pytest.mark.slow  # Prometheus waits five seconds before its first scrape
@pytest.mark.servers("nginx", "nats-server", "prometheus", "promtool")
async def test_prometheus_gets_what_the_contract_says(tmp_path: Path) -> None:
    async with targets(tmp_path) as watched, local_agent(tmp_path, {"checks": watched.checks}) as agent:
        await until_judged(agent)
        await agent.until_runs(3)
        states = await agent.states()
        assert states == {
            **dict.fromkeys(states, "up"),
            "broken": "down",
            "gone": "down",
            "behind": "blocked",
            "health": states["health"],
            "monitor": states["monitor"],
        }
        for accept, parse in ((TEXT, parse_text), (OPENMETRICS, parse_openmetrics)):
            text = await agent.text("/metrics", Accept=accept)
            families = list(parse(text))
            assert len({family.name for family in families}) == len(families)
            lines = [line for line in text.splitlines() if line and line[0] != "#"]
            assert sum(len(family.samples) for family in families) == len(lines)
        promtool = find("promtool")
        assert promtool is not None
        linter = await asyncio.create_subprocess_exec(
            promtool, "check", "metrics", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = await linter.communicate((await agent.text("/metrics", Accept=TEXT)).encode())
        assert (linter.returncode, said) == (0, b"")
        with prometheus(SCRAPE.replace("TARGET", agent.agent.address.removeprefix("http://"))) as server:
            async with ClientSession(f"{server.url}/api/v1/") as session:

                async def query(expression: str) -> list[dict[str, str]]:
                    async with session.get("query", params={"query": expression}) as response:
                        return [series["metric"] for series in (await response.json())["data"]["result"]]

                await until(lambda: query('probe_runs_total{check="monitor"}'))
                found = {name: await query(f'{{__name__="{name}"}}') for name in CONTRACT}
                everything = {series["__name__"] for series in await query('{job="reachd"}')}
                scraped = await query("up == 1")
    assert scraped
    for name, labels in CONTRACT.items():
        assert found[name], f"Prometheus has no {name}"
        for series in found[name]:
            own = {label for label in series if not label.startswith("label_")} - {"__name__", "instance", "job"}
            assert own == labels, f"{name}{series}"
    assert len([name for name in everything if name.startswith("nats_server_")]) > 3
    assert {series["state"] for series in found["reachd_checks"]} == {"up", "down", "unknown", "blocked"}
    assert {series["check"]: series["reason"] for series in found["probe_failing"]}.items() >= {
        "broken": "server_error",
        "gone": "connect_refused",
    }.items()
    assert [series["check"] for series in found["probe_depends_on_info"]] == ["behind"]
    assert "behind" not in {series["check"] for series in found["probe_success"]}
    (labelled,) = [series for series in found["probe_target_info"] if series["check"] == "page"]
    assert labelled["label_owner"] == 'a "b"\\'
    undocumented = {name for name in everything if not name.startswith(("nats_server_", "process_", "scrape_"))} - {
        *CONTRACT,
        "up",
    }
    assert {name for name in undocumented if not name.endswith(("_sum", "_count"))} == set()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)


async def latency_exemplars(agent: Client) -> set[str]:
    """The traces that the latency histograms name."""
    return {
        sample.exemplar.labels["trace_id"]
        for family in parse_openmetrics(await agent.text("/metrics", Accept=OPENMETRICS))  # type: ignore[no-untyped-call]
        if family.name == "probe_latency_seconds"
        for sample in family.samples
        if sample.exemplar
    }


@pytest.mark.servers("nginx", "nats-server", "rotel")
async def test_traces_metrics_and_targets_name_the_same_runs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with collector() as server:
        async with targets(tmp_path) as watched:
            otlp = {"endpoint": server.url, "success_ratio": 1.0}
            async with local_agent(tmp_path, {"checks": watched.checks, "otlp": otlp}) as agent:
                await until_judged(agent)
                await agent.until_runs(5)
                # One for each kind of target and bucket; of a run during which the agent stood still there is none.
                async with asyncio.timeout(30):
                    while len(exemplars := await latency_exemplars(agent)) < 4:
                        await asyncio.sleep(0.05)
            # The last run of each may have been under way when the agent stopped, and then has no span.
            sent = {name: [value.split("-") for value in values[:-1] if value] for name, values in watched.seen.items()}
        spans = await asyncio.to_thread(server.spans)
    changes = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"state changed"' in line]
    exported = {span.trace_id for span in spans}
    assert exemplars <= exported
    for name, path in {"page": "/", "socket": "/socket", "broken": "/broken"}.items():
        by_trace = {span.trace_id: span for span in spans if span.attributes.get("reachd.check") == name}
        promised = {trace: span for _, trace, span, flags in sent[path] if flags == "01"}
        silent = {trace for _, trace, _, flags in sent[path] if flags == "00"}
        assert promised, name
        assert {trace: by_trace[trace].span_id for trace in promised} == promised
        changing = {change["trace_id"] for change in changes if change["check"] == name}
        assert silent & exported <= changing, name  # runs that turned out to change the state
    assert len(watched.seen["/"]) - 1 == len(sent["/"])  # each run of a check that is up was sampled beforehand
    phases = {span.parent_id for span in spans if span.parent_id.strip("0")}
    assert phases <= {span.span_id for span in spans}


async def test_traces_follow_the_proxy_of_the_configuration_when_it_changes(tmp_path: Path) -> None:
    async with receiver() as first, receiver() as second:
        configuration = {
            "checks": [check("a", "http", url=first.url)],
            "otlp": {"endpoint": "http://collector.test:4318", "success_ratio": 1.0},
        }
        async with local_agent(tmp_path, {**configuration, "proxy": first.url}) as agent:
            await support.until(lambda: first.spans)
            assert not second.spans
            await agent.reload({**configuration, "proxy": second.url})
            await support.until(lambda: second.spans)


@pytest.mark.servers("nginx", "nats-server")
@pytest.mark.parametrize("traced", [True, False])
async def test_a_target_is_told_of_a_trace_only_where_the_rules_say_so(traced: bool, tmp_path: Path) -> None:
    otlp = {"otlp": {"endpoint": "http://127.0.0.1:1", "success_ratio": 0.0}} if traced else {}
    async with targets(tmp_path) as watched:
        checks = [entry for entry in watched.checks if entry["name"] in ("page", "broken", "socket")]
        async with local_agent(tmp_path, {"checks": checks, **otlp}) as agent:
            await agent.until_states(page="up", broken="down", socket="up")
            await agent.until_runs(4)
    assert set(watched.seen["/"]) == set(watched.seen["/socket"]) == {""}
    first, *later = watched.seen["/broken"]
    assert first == ""
    assert len(later) >= 3
    if traced:
        assert {json.dumps(value.split("-")[3]) for value in later} <= {'"00"', '"01"'}
        assert len({value.split("-")[1] for value in later}) == len(later)
    else:
        assert set(later) == {""}
