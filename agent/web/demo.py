"""The switches of the demo."""

from asyncio import timeout

from aiohttp import web

from agent.core.ports import DemoControls
from agent.web.answers import json_answer, to_the_end

_LONGEST_REQUEST = 10.0
"""Seconds in which a request must have come in."""


def add_routes(app: web.Application, controls: DemoControls) -> None:
    """Adds the endpoints that list faults and switch them."""

    async def faults(_: web.Request) -> web.Response:
        listed = [
            {"name": fault.name, "title": fault.title, "description": fault.description, "on": fault.on}
            for fault in controls.switches()
        ]
        return json_answer({"faults": listed})

    async def switch(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            async with timeout(_LONGEST_REQUEST):
                on = await _wanted(request)
        except TimeoutError:
            return json_answer({"error": "the request took too long"}, status=408)
        if on is None:
            return json_answer({"error": 'expected {"on": true} or {"on": false}'}, status=400)
        try:
            await to_the_end(controls.set(name, on))
        except KeyError:
            return json_answer({"error": f"there is no fault {name}"}, status=404)
        if not _is_json(request):
            raise web.HTTPSeeOther("/")
        return json_answer({"name": name, "on": on})

    app.router.add_get("/api/v1/demo", faults)
    app.router.add_post("/api/v1/demo/{name}", switch)


def _is_json(request: web.Request) -> bool:
    return request.content_type == "application/json"


async def _wanted(request: web.Request) -> bool | None:
    """`{"on": true}` as JSON, or a form's field `on`, which the page sends without JavaScript."""
    if not _is_json(request):
        return {"true": True, "false": False}.get(str((await request.post()).get("on", "")))
    try:
        document = await request.json()
    except (ValueError, RecursionError):
        return None
    on = document.get("on") if isinstance(document, dict) else None
    return on if isinstance(on, bool) else None
