"""What Meshery Server keeps sending: GraphQL on a WebSocket, and server-sent events."""

import json
from asyncio import Event, create_task, gather, open_connection, sleep
from asyncio import timeout as deadline
from collections.abc import Mapping

from aiohttp import WSMsgType, web

from agent.probes._endpoint import Endpoint

SUBPROTOCOLS = ("graphql-transport-ws", "graphql-ws")
_OLD_SUBPROTOCOL = "graphql-ws"
_KEEP_ALIVE = 10.0
_COMMENT_EVERY = 15.0
_VERIFY_SECONDS = 1.0
_PROTOCOL_ERROR = 1002
_EVENT_STREAM = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
_NO_OPERATION = {
    "errors": [{"message": "no operation provided", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}],
    "data": None,
}


async def graphql(request: web.BaseRequest) -> web.StreamResponse:
    """GraphQL as gqlgen answers it: on a WebSocket, or over plain HTTP, where a GET without a query makes no sense."""
    if request.method == "POST":
        return web.json_response({"data": {}})
    socket = web.WebSocketResponse(protocols=SUBPROTOCOLS)
    if not socket.can_prepare(request):
        return web.json_response(_NO_OPERATION, status=422)
    await socket.prepare(request)
    old = (socket.ws_protocol or _OLD_SUBPROTOCOL) == _OLD_SUBPROTOCOL
    keep_alive = create_task(_keep_alive(socket), name="demo keep-alive") if old else None
    try:
        await _converse(socket, old)
    finally:
        if keep_alive is not None:
            keep_alive.cancel()
            await gather(keep_alive, return_exceptions=True)
    return socket


async def _converse(socket: web.WebSocketResponse, old: bool) -> None:
    begun = False
    async for message in socket:
        kind = _kind(message.data) if message.type is WSMsgType.TEXT else ""
        if not begun:
            if kind != "connection_init":
                await socket.send_json({"type": "connection_error", "payload": {"message": "unexpected message"}})
                await socket.close(code=_PROTOCOL_ERROR)
                return
            begun = True
            await socket.send_json({"type": "connection_ack"})
            if old:
                await socket.send_json({"type": "ka"})
        elif kind == "ping" and not old:
            await socket.send_json({"type": "pong"})


def _kind(text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return ""
    return str(document.get("type", "")) if isinstance(document, dict) else ""


async def _keep_alive(socket: web.WebSocketResponse) -> None:
    while not socket.closed:
        await sleep(_KEEP_ALIVE)
        await socket.send_json({"type": "ka"})


async def provider_stream(
    request: web.BaseRequest, properties: Mapping[str, object], provider: tuple[str, Endpoint]
) -> web.StreamResponse:
    """Tells at once which providers there are, and then whether the Remote Provider `provider` can be reached."""
    key, place = provider
    response = web.StreamResponse(headers=_EVENT_STREAM)
    await response.prepare(request)
    await _send_provider(response, "Local", "online", {"providerType": "local", "providerName": "Local"})
    await _send_provider(response, key, "checking", properties)
    await _send_provider(response, key, "online" if await _reachable(place) else "offline", properties)
    await Event().wait()  # the real stream says no more until something changes
    return response


async def _send_provider(response: web.StreamResponse, key: str, status: str, properties: Mapping[str, object]) -> None:
    event = {"key": key, "status": status, "properties": properties}
    await response.write(f"event: provider\ndata: {json.dumps(event)}\n\n".encode())


async def _reachable(place: Endpoint) -> bool:
    try:
        async with deadline(_VERIFY_SECONDS):
            _, writer = await open_connection(*place)
    except OSError:
        return False
    writer.transport.abort()
    return True


async def comment_stream(request: web.BaseRequest, first: str) -> web.StreamResponse:
    """Sends the text `first`, and from then on only comments that keep the connection open."""
    response = web.StreamResponse(headers=_EVENT_STREAM)
    await response.prepare(request)
    await response.write(first.encode())
    while True:
        await sleep(_COMMENT_EVERY)
        await response.write(b": keepalive\n\n")
