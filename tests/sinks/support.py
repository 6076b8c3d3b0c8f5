"""A collector of our own on loopback that keeps what it receives, and can be as bad as collectors are."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Receiver:
    """What arrived: resources and spans, and the headers of each request. `status` is what it answers."""

    url: str = ""
    status: int = 200
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resources: list[dict[str, object]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        if self.status == 200:
            body = await request.read()
            message = ExportTraceServiceRequest.FromString(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
            for of_resource in message.resource_spans:
                self.resources.append(attributes(of_resource.resource.attributes))
                self.spans += [span for scope in of_resource.scope_spans for span in scope.spans]
        return web.Response(status=self.status)

    def parents(self) -> list[Span]:
        """The spans of the runs, in the order of their arrival."""
        return [span for span in self.spans if not span.parent_span_id]

    def children(self, parent: Span) -> list[Span]:
        """The spans of the phases of a run."""
        return [span for span in self.spans if span.parent_span_id == parent.span_id]


def attributes(pairs: "list[KeyValue]") -> dict[str, object]:
    """Attributes as values of Python."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in pairs}


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Listens on a free port of loopback."""
    state = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", state.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    state.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield state
    finally:
        await runner.cleanup()
