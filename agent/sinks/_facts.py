"""What traces and logs say of a run beyond its outcome: trace ids and the facts of HTTP."""

from hashlib import blake2b
from random import SystemRandom
from typing import NamedTuple

from agent.core.check import Check
from agent.core.outcome import Outcome
from agent.probes._endpoint import shown_url

_SEED = SystemRandom().randbytes(16)


class TraceIds(NamedTuple):
    """The trace of a run and its first span, in lower-case hexadecimal."""

    trace: str
    span: str


def trace_ids(check: Check, outcome: Outcome) -> TraceIds:
    """The ids that were sent to the target, or, where none were, ids that follow from the run."""
    if outcome.traceparent:
        _, trace, span, _ = outcome.traceparent.split("-")
        return TraceIds(trace, span)
    digest = blake2b(f"{check.key} {outcome.started!r}".encode(), digest_size=24, key=_SEED).hexdigest()
    return TraceIds(digest[:32], digest[32:])


def peer_service(check: Check) -> str:
    """The service that the check is about, as logs of a platform are filtered by: `meshery-broker`."""
    return f"{check.system}-{check.component}"


def url(check: Check) -> str | None:
    """The URL that is asked for, as it may be shown, or None for probes that have none."""
    value = getattr(check.settings, "url", None)
    return shown_url(value) if isinstance(value, str) else None


def request_method(check: Check) -> str | None:
    """The request method of a probe that speaks HTTP."""
    if url(check) is None:
        return None
    method = getattr(check.settings, "method", "GET")
    return method if isinstance(method, str) else "GET"


def status_code(outcome: Outcome) -> int | None:
    """The HTTP status code of the last answer."""
    code = outcome.value("probe_http_status_code")
    return None if code is None else int(code)
