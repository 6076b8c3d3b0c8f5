"""The status as JSON, and as a stream of events."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from agent.core.check import CheckKey
from agent.core.explanations import explain
from agent.core.outcome import Outcome
from agent.core.ports import CheckEntry, DemoControls, StatusEvent
from agent.core.reasons import Reason
from agent.web.parts import Parts

_HEARTBEAT = 10.0
"""Seconds after which a silent stream sends a comment, so that proxies and readers see that it lives."""


def add_routes(app: web.Application, parts: Parts) -> None:
    """Adds the endpoints below /api/v1."""

    async def checks(_: web.Request) -> web.Response:
        plan = parts.board.plan()
        return _json(
            {
                "checks": [_summary(entry) for entry in parts.board.entries()],
                "untestable": [
                    {
                        "deployment": row.deployment,
                        "check": row.name,
                        "component": row.component,
                        "vantage": row.vantage,
                        "target": row.target,
                        "why": row.why,
                    }
                    for row in plan.untestable
                ],
            }
        )

    async def check(request: web.Request) -> web.Response:
        key = CheckKey(request.match_info["deployment"], request.match_info["check"])
        entry = parts.board.entry(key)
        if entry is None:
            return _json({"error": f"there is no check {key}"}, status=404)
        return _json(_in_full(entry))

    async def events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        await response.write(b"retry: 2000\n: connected\n\n")
        async for frame in _frames(parts.board.events()):
            await response.write(frame)
        return response

    app.router.add_get("/api/v1/checks", checks)
    app.router.add_get("/api/v1/checks/{deployment}/{check}", check)
    app.router.add_get("/api/v1/events", events)
    if parts.demo_controls is not None:
        _add_demo_routes(app, parts.demo_controls)


def _add_demo_routes(app: web.Application, controls: DemoControls) -> None:
    async def faults(_: web.Request) -> web.Response:
        return _json(
            {
                "faults": [
                    {"name": it.name, "title": it.title, "description": it.description, "on": it.on}
                    for it in controls.switches()
                ]
            }
        )

    async def switch(request: web.Request) -> web.Response:
        """Takes `{"on": true}` as JSON, or a form with `on`, which a page without JavaScript sends."""
        name = request.match_info["name"]
        if request.content_type == "application/json":
            try:
                document = await request.json()
            except ValueError:
                document = None
            on = document.get("on") if isinstance(document, dict) else None
        else:
            on = {"true": True, "false": False}.get(str((await request.post()).get("on", "")))
        if not isinstance(on, bool):
            return _json({"error": 'expected {"on": true} or {"on": false}'}, status=400)
        try:
            await controls.set(name, on)
        except KeyError:
            return _json({"error": f"there is no fault {name}"}, status=404)
        if request.content_type != "application/json":
            raise web.HTTPSeeOther("/")
        return _json({"name": name, "on": on})

    app.router.add_get("/api/v1/demo", faults)
    app.router.add_post("/api/v1/demo/{name}", switch)


async def _frames(events: AsyncIterator[StatusEvent]) -> AsyncIterator[bytes]:
    """Server-sent events of state changes, with comments while nothing changes."""
    waiting = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=_HEARTBEAT)
            if not done:
                yield b": alive\n\n"
                continue
            try:
                event = waiting.result()
            except StopAsyncIteration:
                return
            yield f"event: state\ndata: {json.dumps(_event(event))}\n\n".encode()
            waiting = asyncio.ensure_future(anext(events))
    finally:
        waiting.cancel()


def _event(event: StatusEvent) -> Mapping[str, object]:
    return {
        "deployment": event.key.deployment,
        "check": event.key.check,
        "at": event.at,
        "before": event.before.value,
        "after": event.after.value,
        "reason": event.reason and event.reason.value,
    }


def _summary(entry: CheckEntry) -> dict[str, object]:
    check, standing = entry.check, entry.standing
    return {
        **check.series_labels,
        "target": check.target,
        "source": check.path.source,
        "destination": check.path.destination,
        "port": check.path.port,
        "purpose": check.path.purpose,
        "severity": check.severity.value,
        "state": standing.state.value,
        "since": standing.since or None,
        "since_exact": standing.since_exact,
        "rechecking": standing.suspected,
        "blocked_by": list(standing.blocked_by),
        "runs": entry.runs,
        "failures": entry.failures,
        "last": _outcome(entry.last),
    }


def _in_full(entry: CheckEntry) -> dict[str, object]:
    check = entry.check
    return {
        **_summary(entry),
        "every_seconds": check.every,
        "timeout_seconds": check.timeout,
        "slo": check.slo,
        "latency_objective_seconds": check.latency_objective,
        "depends_on": list(check.depends_on),
        "labels": dict(check.labels),
        "last_failure": _outcome(entry.last_failure),
        "history": [
            {
                "started": run.started,
                "duration_seconds": round(run.duration, 6),
                "verdict": run.verdict.value,
                "reason": run.reason and run.reason.value,
                "rechecked": run.rechecked,
            }
            for run in entry.history()
        ],
    }


def _outcome(outcome: Outcome | None) -> dict[str, object] | None:
    if outcome is None:
        return None
    return {
        "verdict": outcome.verdict.value,
        "started": outcome.started,
        "duration_seconds": outcome.duration,
        "phases_seconds": {phase.value: seconds for phase, seconds in outcome.phase_seconds().items()},
        "phase": outcome.phase and outcome.phase.value,
        "reason": outcome.reason and outcome.reason.value,
        "explanation": _explanation(outcome.reason),
        "detail": outcome.detail,
        "advice": outcome.advice,
        "peer": outcome.peer,
        "measures": [
            {
                "metric": measure.metric.name,
                "labels": dict(zip([label.name for label in measure.metric.labels], measure.labels, strict=True)),
                "value": measure.value,
            }
            for measure in outcome.measures
        ],
    }


def _explanation(reason: Reason | None) -> dict[str, object] | None:
    if reason is None:
        return None
    explanation = explain(reason)
    return {
        "blame": reason.blame.value,
        "phrase": explanation.phrase,
        "meaning": explanation.meaning,
        "try_first": list(explanation.try_first),
    }


def _json(document: object, status: int = 200) -> web.Response:
    return web.json_response(document, status=status, headers={"Cache-Control": "no-store"})
