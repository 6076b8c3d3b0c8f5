"""A run as OpenTelemetry spans: one for the run, one below it for each phase.

The spans are built as finished records, because the SDK's tracer times code as it runs, keeps context variables and has
processors that hold up the end of a program; a run is over, and its times are known, when it gets here.
"""

from collections.abc import Iterator, Mapping
from random import getrandbits
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from agent.core.check import Check
from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import Phase
from agent.core.transitions import Transition
from agent.core.version import VERSION
from agent.probes._endpoint import parse_address
from agent.probes._grpc_status import GRPC_STATUS
from agent.probes._settings import ProbeSettings
from agent.probes._text import printable
from agent.sinks._facts import peer_service, request_method, status_code, trace_ids, url

_SCOPE = InstrumentationScope("reachd", VERSION)
_FLAGS = TraceFlags(TraceFlags.SAMPLED)
_UNSET = Status(StatusCode.UNSET)
_HTTP_VERSIONS = {1.0: "1.0", 1.1: "1.1", 2.0: "2"}
_MAX_DETAIL = 500


class TracedRun(NamedTuple):
    """A run to export, with the change of state that it caused, if any."""

    check: Check
    outcome: Outcome
    transition: Transition | None = None


def resource(environment: str, instance: str) -> Resource:
    """Who sends the spans."""
    attributes: dict[str, AttributeValue] = {
        "service.name": "reachd",
        "service.version": VERSION,
        "service.instance.id": instance,
    }
    if environment:
        attributes["deployment.environment.name"] = environment
    return Resource(attributes)


def spans_of(run: TracedRun, sender: Resource) -> Iterator[ReadableSpan]:
    """The spans of a run, the parent first. Phases follow each other, so each begins where the one before ended."""
    outcome = run.outcome
    ids = trace_ids(run.check, outcome)
    context = _context(ids.trace, int(ids.span, 16))
    began = _nanoseconds(outcome.started)
    yield ReadableSpan(
        name=f"{request_method(run.check) or run.check.kind} {run.check.name}",
        context=context,
        resource=sender,
        attributes=_attributes(run.check, outcome),
        events=_events(run.transition),
        kind=SpanKind.CLIENT,
        status=_status(outcome),
        start_time=began,
        end_time=began + round(outcome.duration * 1e9),
        instrumentation_scope=_SCOPE,
    )
    elapsed = 0.0
    for phase, seconds in outcome.phase_seconds().items():
        start, elapsed = began + round(elapsed * 1e9), elapsed + seconds
        yield ReadableSpan(
            name=str(phase),
            context=_context(ids.trace, getrandbits(64) or 1),
            parent=context,
            resource=sender,
            attributes=_phase_attributes(phase, outcome),
            kind=SpanKind.INTERNAL,
            status=_status(outcome) if phase is outcome.phase else _UNSET,
            start_time=start,
            end_time=began + round(elapsed * 1e9),
            instrumentation_scope=_SCOPE,
        )


def _context(trace: str, span: int) -> SpanContext:
    return SpanContext(int(trace, 16), span, is_remote=False, trace_flags=_FLAGS)


def _nanoseconds(at: float) -> int:
    """A unix time in whole nanoseconds; multiplied as a float it would lose 0.2 microseconds."""
    seconds = int(at)
    return seconds * 1_000_000_000 + round((at - seconds) * 1e9)


def _status(outcome: Outcome) -> Status:
    if outcome.verdict is Verdict.UP or outcome.reason is None:
        return _UNSET
    detail = printable(outcome.detail, _MAX_DETAIL)
    return Status(StatusCode.ERROR, f"{outcome.reason}: {detail}" if detail else str(outcome.reason))


def _events(transition: Transition | None) -> tuple[Event, ...]:
    if transition is None:
        return ()
    states = {"reachd.state.before": str(transition.before), "reachd.state.after": str(transition.after)}
    return (Event("state changed", states, _nanoseconds(transition.at)),)


def _phase_attributes(phase: Phase, outcome: Outcome) -> Mapping[str, AttributeValue]:
    return {"error.type": str(outcome.reason)} if phase is outcome.phase and outcome.reason is not None else {}


def _attributes(check: Check, outcome: Outcome) -> Mapping[str, AttributeValue]:
    """What OpenTelemetry's semantic conventions have a name for, and under `reachd.` what they have none for."""
    facts: dict[str, AttributeValue | None] = {
        **{f"reachd.{name}": value for name, value in check.series_labels.items()},
        "reachd.verdict": str(outcome.verdict),
        "reachd.stalled": outcome.stalled or None,
        "service.peer.name": peer_service(check),
        "network.transport": None if check.kind == "dns" else "tcp",
    }
    if outcome.reason is not None:
        facts |= {
            "error.type": str(outcome.reason),
            "reachd.blame": str(outcome.reason.blame),
            "reachd.phase": outcome.phase and str(outcome.phase),
        }
    if isinstance(check.settings, ProbeSettings):
        facts["server.address"], facts["server.port"] = check.settings.endpoint()
    if outcome.peer:
        facts["network.peer.address"], facts["network.peer.port"] = parse_address(outcome.peer)
    facts |= _http(check, outcome)
    facts |= _OF_KIND.get(check.kind, _nothing)(check, outcome)
    facts |= _tls(outcome)
    return {name: value for name, value in facts.items() if value is not None}


def _http(check: Check, outcome: Outcome) -> dict[str, AttributeValue | None]:
    address = url(check)
    if address is None:
        return {}
    return {
        "http.request.method": request_method(check),
        "url.full": without_secrets(address),
        "url.scheme": urlsplit(address).scheme,
        "http.response.status_code": status_code(outcome),
        "network.protocol.name": "http",
        "network.protocol.version": _HTTP_VERSIONS.get(outcome.value("probe_http_version") or 0.0),
    }


def _grpc(check: Check, outcome: Outcome) -> dict[str, AttributeValue | None]:
    code = outcome.value("probe_grpc_status_code")
    return {"rpc.system.name": "grpc", "rpc.response.status_code": None if code is None else _grpc_status(int(code))}


def _grpc_status(code: int) -> str:
    return GRPC_STATUS[code] if 0 <= code < len(GRPC_STATUS) else str(code)


def _websocket(check: Check, outcome: Outcome) -> dict[str, AttributeValue | None]:
    return {"network.protocol.name": "websocket", "network.protocol.version": None}


def _nats(check: Check, outcome: Outcome) -> dict[str, AttributeValue | None]:
    return {"messaging.system": "nats", "network.protocol.name": "nats"}


def _dns(check: Check, outcome: Outcome) -> dict[str, AttributeValue | None]:
    name = getattr(check.settings, "name", None)
    return {"network.protocol.name": "dns", "dns.question.name": name if isinstance(name, str) else None}


def _nothing(check: Check, outcome: Outcome) -> dict[str, AttributeValue | None]:
    return {}


_OF_KIND = {"grpc": _grpc, "websocket": _websocket, "nats": _nats, "dns": _dns}


def _tls(outcome: Outcome) -> dict[str, AttributeValue | None]:
    for measure in outcome.measures:
        if measure.metric.name == "probe_tls_info":
            version, cipher = measure.labels
            return {"tls.protocol.version": version.removeprefix("TLSv"), "tls.cipher": cipher}
    return {}


def without_secrets(address: str) -> str:
    """A URL without user, password and fragment, and with the values of its query hidden, since they may be tokens."""
    parts = urlsplit(address)
    query = "&".join([_hidden(pair) for pair in parts.query.split("&")]) if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _hidden(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}=REDACTED" if equals else "REDACTED"
