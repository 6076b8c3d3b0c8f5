"""A real Prometheus reads what we write: compressed OpenMetrics, exemplars, and the end of a series."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession, web

from agent.core.measures import Measure
from agent.core.reasons import Reason
from tests.metrics.support import ANSWERS, DEPTH, SUITE, Scene, failure, make_check, success
from tests.servers.run import prometheus

SCRAPE = """
scrape_configs:
  - job_name: reachd
    scrape_interval: 200ms
    scrape_timeout: 200ms
    static_configs: [{targets: ["TARGET"]}]
"""
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.slow  # Prometheus waits five seconds before its first scrape
@pytest.mark.servers("prometheus")
async def test_prometheus_takes_every_series() -> None:
    check, gone = make_check(labels=(("note", 'a "b"\\\n'),)), make_check("gone")
    scene = Scene(check, gone)
    scene.run(check, success(0.02, Measure(DEPTH, float("inf")), traceparent=TRACEPARENT))
    scene.run(gone, failure(Reason.CONNECT_REFUSED), failure(Reason.CONNECT_REFUSED))
    seen: list[tuple[str, str]] = []

    async def metrics(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["Accept"], request.headers["Accept-Encoding"]))
        headers, body = scene.exposition.render(*seen[-1])
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        async for chunk in body:
            await response.write(chunk)
        return response

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        config = SCRAPE.replace("TARGET", f"127.0.0.1:{runner.addresses[0][1]}")
        with prometheus(config) as server:
            async with ClientSession(f"http://127.0.0.1:{server.port}/api/v1/") as session:

                async def query(expression: str) -> list[dict[str, str]]:
                    async with session.get("query", params={"query": expression}) as response:
                        return [series["metric"] for series in (await response.json())["data"]["result"]]

                async def exemplars() -> list[str]:
                    parameters = {"query": "probe_latency_seconds_bucket", "start": "1699999999", "end": "1700000001"}
                    async with session.get("query_exemplars", params=parameters) as response:
                        series = (await response.json())["data"]
                    return [example["labels"]["trace_id"] for one in series for example in one["exemplars"]]

                await until(lambda: query('probe_failing{check="gone",reason="connect_refused"}'))
                (info,) = await query('probe_target_info{check="server-live"}')
                assert info["label_note"] == 'a "b"\\\n'
                assert await query('probe_depth{check="server-live"} == Inf')
                assert await query("up == 1")
                assert await exemplars() == [TRACEPARENT[3:35]]
                scene.sink.removed(gone)
                scene.run(check, success(0.1, Measure(ANSWERS, 1, ("hostile",)), Measure(SUITE, 1, ("1", "x"))))
                await until(lambda: query('probe_answers_total{code="other"} == 1'))
                assert await query('{check="gone"}') == []
                assert "application/openmetrics-text" in seen[0][0]
                assert seen[0][1] == "gzip"
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)
