"""Meshery Server: one HTTP listener for health, API, UI, GraphQL and events, without TLS."""

from asyncio import sleep
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from agent.demo.broker import Broker
from agent.demo.controllers import diagnostics, status, status_list
from agent.demo.listening import HttpPart
from agent.demo.live_updates import comment_stream, graphql, provider_stream
from agent.demo.provider import PROPERTIES
from agent.demo.sessions import REMOTE_PROVIDER, Sessions
from agent.probes._endpoint import Endpoint

RELEASE = "v0.8.100"

_LOCAL_PROPERTIES = {"providerType": "local", "providerName": "Local", "capabilities": []}
_UI = "<!doctype html><html lang=en><title>Meshery</title><h1>Meshery</h1>"
_CHOOSER = "<!doctype html><html lang=en><title>Choose a provider</title><h1>Choose a provider</h1>"
_NOT_LOADED = "provider capabilities not loaded"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class MesheryServer:
    """Answers like Meshery Server v0.8, as far as its connections go."""

    def __init__(
        self,
        place: Endpoint,
        *,
        sessions: Sessions,
        broker: Broker,
        provider: Endpoint,
        answers: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`answers`: whether the adapter at `host:port` does."""
        self.capabilities_loaded = True
        """Without them it is neither live nor ready."""
        self.health_delay = 0.0
        """Seconds that its health endpoints take."""
        self.sessions = sessions
        self._broker = broker
        self._provider = provider
        self._answers = answers
        self._part = HttpPart(place, self._handle)
        self.place = place
        self.url = self._part.url
        self.start = self._part.start
        self.stop = self._part.stop
        self._open: Mapping[str, Handler] = {
            "/healthz/live": self._health,
            "/healthz/ready": self._health,
            "/api/system/version": _version,
            "/api/system/availableAdapters": _available_adapters,
            "/api/providers": _providers,
            "/api/providers/stream": self._provider_stream,
            "/api/user/token": _callback,
            "/user/login": self._login,
            "/auth/login": _chooser,
            "/provider": _chooser,
        }
        self._guarded: Mapping[str, Handler] = {
            "/api/user": _user,
            "/api/system/graphql/query": graphql,
            "/api/system/events/subscribe": _events,
            "/api/system/controllers/status/subscribe": self._controllers_stream,
            "/api/system/controllers/operator/status": self._controller_status,
            "/api/system/controllers/meshsync/status": self._controller_status,
            "/api/system/controllers/broker/status": self._controller_status,
            "/api/system/controllers/diagnostics": self._diagnostics,
            "/api/system/kubernetes/ping": _kubernetes_ping,
            "/api/system/adapters": self._adapters,
            "/": _ui,
        }

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = self._open.get(request.path)
        if handler is not None:
            return await handler(request) if request.method == "GET" else web.Response(status=405)
        refusal = self.sessions.refusal(request)
        if refusal is not None:
            return refusal
        return await self._guarded.get(request.path, _ui)(request)

    async def _health(self, request: web.BaseRequest) -> web.StreamResponse:
        await sleep(self.health_delay)
        verbose = request.query.get("verbose") == "1"
        extension = "[i]extension extension package found\n"
        if self.capabilities_loaded:
            text = f"[+]capabilities ok\n{extension}healthz check passed\n" if verbose else "ok"
        elif verbose:
            text = f"[-]capabilities failed: {_NOT_LOADED}\n{extension}"
        else:
            text = f"healthz check failed: capabilities: {_NOT_LOADED}"
        headers = {"X-Content-Type-Options": "nosniff"}
        return web.Response(status=200 if self.capabilities_loaded else 503, text=text, headers=headers)

    async def _provider_stream(self, request: web.BaseRequest) -> web.StreamResponse:
        return await provider_stream(request, PROPERTIES, (REMOTE_PROVIDER, self._provider))

    async def _login(self, request: web.BaseRequest) -> web.StreamResponse:
        return self.sessions.login(request)

    async def _controllers_stream(self, request: web.BaseRequest) -> web.StreamResponse:
        connections = request.query.getall("connectionIds", [])
        return await comment_stream(request, f"data: {status_list(connections, self._broker)}\n\n")

    async def _controller_status(self, request: web.BaseRequest) -> web.StreamResponse:
        controller = request.path.split("/")[-2]
        return web.json_response(status(controller, request.query.get("connectionId", ""), self._broker))

    async def _diagnostics(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(diagnostics(request.query.get("connectionId", ""), self._broker))

    async def _adapters(self, request: web.BaseRequest) -> web.StreamResponse:
        address = request.query.get("adapter", "")
        if await self._answers(address):
            return web.json_response({})
        return web.json_response({"error": f"unable to reach adapter {address}"}, status=500)


async def _version(_: web.BaseRequest) -> web.StreamResponse:
    version = {
        "build": RELEASE,
        "latest": RELEASE,
        "outdated": False,
        "commitsha": "0" * 40,
        "release_channel": "stable",
    }
    return web.json_response(version)


async def _available_adapters(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response([{"name": "ISTIO", "location": "localhost:10000"}])


async def _providers(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"Local": _LOCAL_PROPERTIES, REMOTE_PROVIDER: PROPERTIES})


async def _callback(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/provider"})


async def _chooser(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=_CHOOSER, content_type="text/html")


async def _ui(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=_UI, content_type="text/html")


async def _user(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"user_id": "demo", "first_name": "Demo", "last_name": "User", "status": "active"})


async def _events(request: web.BaseRequest) -> web.StreamResponse:
    return await comment_stream(request, ": keepalive\n\n")


async def _kubernetes_ping(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"server_version": "v1.34.1"})
