"""Metrics, health, reload and the effective configuration."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web

from agent.core.ports import Note
from agent.core.words import clock_time
from agent.metrics.exposition import TooManyScrapesError
from agent.settings.problems import ConfigurationError
from agent.web.answers import stream, to_the_end
from agent.web.parts import Parts

_NOT_STORED = {"Cache-Control": "no-store"}


def add_routes(app: web.Application, parts: Parts) -> None:
    """Adds the endpoints that programs ask for."""
    one_at_a_time = asyncio.Lock()

    async def metrics(request: web.Request) -> web.StreamResponse:
        try:
            headers, body = parts.render_metrics(
                request.headers.get("Accept", ""), request.headers.get("Accept-Encoding", "")
            )
        except TooManyScrapesError as error:
            return web.Response(status=503, text=f"{error}\n")
        return await stream(request, headers, body)

    async def live(request: web.Request) -> web.Response:
        return _health(request, parts.health.live())

    async def ready(request: web.Request) -> web.Response:
        return _health(request, parts.health.ready(), parts.health.notes())

    async def reload(_: web.Request) -> web.Response:
        try:
            waiting = await to_the_end(parts.reload())
        except ConfigurationError as error:
            lines = "".join(f"{problem}\n" for problem in error.problems)
            return web.Response(status=400, text=f"rejected; the old configuration goes on\n{lines}")
        takes_a_restart = f"takes effect after a restart: {', '.join(waiting)}\n" if waiting else ""
        return web.Response(text=f"reloaded\n{takes_a_restart}")

    async def config(_: web.Request) -> web.Response:
        async with one_at_a_time:  # seconds of work for ten thousand checks
            text = await asyncio.to_thread(parts.config_text)
        return web.Response(text=text, content_type="text/plain", charset="utf-8", headers=_NOT_STORED)

    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz/live", live)
    app.router.add_get("/healthz/ready", ready)
    app.router.add_get("/-/healthy", live)
    app.router.add_get("/-/ready", ready)
    app.router.add_post("/-/reload", reload)
    app.router.add_get("/config", config)


def _health(
    request: web.Request, conditions: Mapping[str, str | None], notes: Mapping[str, Note] = MappingProxyType({})
) -> web.Response:
    """200 when all conditions are met, else 503; with `verbose=1` a line for each, in the form of Kubernetes.

    notes: lines that change nothing about the verdict.
    """
    failed = [f"{name}: {problem}" for name, problem in conditions.items() if problem is not None]
    if request.query.get("verbose") == "1":
        lines = [f"[-]{name} failed: {problem}" if problem else f"[+]{name} ok" for name, problem in conditions.items()]
        lines += [f"[i]{name} since {clock_time(note.since, 0)}: {note.text}" for name, note in notes.items()]
        lines.append("healthz check failed" if failed else "healthz check passed")
        text = "\n".join(lines)
    else:
        text = f"healthz check failed: {', '.join(failed)}" if failed else "ok"
    return web.Response(status=503 if failed else 200, text=f"{text}\n", headers=_NOT_STORED)
