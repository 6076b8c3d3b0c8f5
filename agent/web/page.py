"""The status page: rendered whole on the server, so that it reads without JavaScript."""

from collections.abc import Mapping
from hashlib import blake2b
from importlib.resources import files
from time import time

from aiohttp import web

from agent.core.transitions import State
from agent.web.overview import Filter, overview
from agent.web.parts import Parts

_ASSETS = {"style.css": "text/css", "script.js": "text/javascript", "icon.svg": "image/svg+xml"}


def add_routes(app: web.Application, parts: Parts) -> None:
    """Adds the page and what it is made of."""
    contents = {name: files("agent.web").joinpath("static", name).read_bytes() for name in _ASSETS}
    # A name that changes with the content lets browsers keep an asset for ever.
    paths = {
        name: f"/static/{blake2b(content, digest_size=6).hexdigest()}/{name}" for name, content in contents.items()
    }

    async def page(request: web.Request) -> web.Response:
        text = overview(parts, _filter(request.query), paths, time())
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-store"})

    async def asset(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if paths.get(name) != request.path:
            raise web.HTTPNotFound
        return web.Response(
            body=contents[name],
            content_type=_ASSETS[name],
            charset="utf-8",
            headers={"Cache-Control": "public, max-age=31536000, immutable"},
        )

    app.router.add_get("/", page)
    app.router.add_get("/static/{version}/{name}", asset)


def _filter(query: Mapping[str, str]) -> Filter:
    state = query.get("state", "")
    return Filter(
        deployment=query.get("deployment", ""),
        state=State(state) if state in set(State) else None,
        text=query.get("search", "")[:200],
        page=int(number)
        if (number := query.get("page", "1")).isascii() and number.isdigit() and len(number) < 7
        else 1,
    )
