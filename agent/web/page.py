"""The status page: rendered whole on the server, so that it reads without JavaScript."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from importlib.resources import files
from time import time

from aiohttp import web

from agent.core.ports import CheckEntry
from agent.web.overview import overview
from agent.web.parts import Parts
from agent.web.selection import Selection, Tally
from agent.web.turns import Turns

_ASSETS = {
    "style.css": "text/css",
    "script.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "broken.svg": "image/svg+xml",
    "unknown.svg": "image/svg+xml",
}
_COMPRESS_ELSEWHERE = 16 * 1024
"""Bytes from which on a page is compressed in a thread."""


def add_routes(app: web.Application, parts: Parts, turns: Turns) -> None:
    """Adds the page and what it is made of."""
    contents = {name: files("agent.web").joinpath("static", name).read_bytes() for name in _ASSETS}
    # A name that changes with the content lets browsers keep an asset for ever.
    paths = {
        name: f"/static/{blake2b(content, digest_size=6).hexdigest()}/{name}" for name, content in contents.items()
    }

    async def page(request: web.Request) -> web.Response:
        selection, tally = Selection.parse(request.query), Tally(time())
        counted = await turns.all(_counted(parts.board.entries(), selection, tally))
        selected = [entry for entry in counted if entry is not None]
        pieces = await turns.all(overview(parts, tally, selection, selected, paths))
        response = web.Response(
            body="".join(pieces).encode(errors="replace"),
            content_type="text/html",
            charset="utf-8",
            headers={"Cache-Control": "no-store"},
            zlib_executor_size=_COMPRESS_ELSEWHERE,
        )
        response.enable_compression()
        return response

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


def _counted(entries: Sequence[CheckEntry], selection: Selection, tally: Tally) -> Iterator[CheckEntry | None]:
    """Counts each check in; yields it where it is to be shown, else None."""
    for entry in entries:
        tally.add(entry)
        yield entry if selection.admits(entry) else None
