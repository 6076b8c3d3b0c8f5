"""What cAdvisor, ingress-nginx and Istio export that panels and rules use: names and labels, but no real numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from aiohttp import web

from tests.dashboards.cluster_objects import NAMESPACE

_CONTAINER = f'namespace="{NAMESPACE}",pod="meshery-6c9f7d8b5-x2x4v",container="meshery"'
_ISTIO = f'reporter="destination",destination_service_namespace="{NAMESPACE}",destination_service_name="meshery"'
_SERVICE = f'exported_namespace="{NAMESPACE}",exported_service="meshery"'
_TEXT = """\
# TYPE container_cpu_system_seconds_total counter
container_cpu_system_seconds_total{{{container}}} {rising}
# TYPE container_memory_rss gauge
container_memory_rss{{{container}}} 300000000
# TYPE container_memory_cache gauge
container_memory_cache{{{container}}} 50000000
# TYPE nginx_ingress_controller_requests counter
nginx_ingress_controller_requests{{{service},status="200"}} {rising}
nginx_ingress_controller_requests{{{service},status="503"}} {rising}
# TYPE nginx_ingress_controller_request_duration_seconds histogram
nginx_ingress_controller_request_duration_seconds_bucket{{{service},status="200",le="0.1"}} {rising}
nginx_ingress_controller_request_duration_seconds_bucket{{{service},status="200",le="+Inf"}} {rising}
nginx_ingress_controller_request_duration_seconds_sum{{{service},status="200"}} {rising}
nginx_ingress_controller_request_duration_seconds_count{{{service},status="200"}} {rising}
# TYPE istio_requests_total counter
istio_requests_total{{{istio},response_code="200"}} {rising}
# TYPE istio_request_duration_milliseconds histogram
istio_request_duration_milliseconds_bucket{{{istio},response_code="200",le="100"}} {rising}
istio_request_duration_milliseconds_bucket{{{istio},response_code="200",le="+Inf"}} {rising}
istio_request_duration_milliseconds_sum{{{istio},response_code="200"}} {rising}
istio_request_duration_milliseconds_count{{{istio},response_code="200"}} {rising}
"""


@asynccontextmanager
async def foreign_metrics() -> AsyncIterator[str]:
    """Serves them; yields host and port."""
    began = monotonic()

    async def answer(request: web.Request) -> web.Response:
        text = _TEXT.format(
            container=_CONTAINER, istio=_ISTIO, service=_SERVICE, rising=f"{10 * (monotonic() - began):.3f}"
        )
        return web.Response(text=text)

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
