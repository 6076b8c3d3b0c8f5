"""The one door between a probe and the rest: whatever a probe raises becomes an outcome here."""

import errno
import os
import ssl
from asyncio import CancelledError, Task, current_task, get_running_loop
from collections.abc import Coroutine

import structlog

from agent.core.outcome import Outcome
from agent.core.ports import Probe
from agent.core.reasons import Phase, Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._tls import tls_failure

_log = structlog.get_logger("agent.probes")

_TIMEOUT = {
    Phase.RESOLVE: Reason.DNS_TIMEOUT,
    Phase.CONNECT: Reason.CONNECT_TIMEOUT,
    Phase.TLS: Reason.TLS_TIMEOUT,
    Phase.REQUEST: Reason.RESPONSE_TIMEOUT,
    Phase.RESPONSE: Reason.RESPONSE_TIMEOUT,
    Phase.TRANSFER: Reason.RESPONSE_TIMEOUT,
}
_WAITED_FOR = {
    Phase.RESOLVE: "the name was not resolved",
    Phase.CONNECT: "the connection was not accepted",
    Phase.TLS: "the TLS handshake did not end",
    Phase.REQUEST: "the request could not be sent",
    Phase.RESPONSE: "no answer came",
    Phase.TRANSFER: "the answer did not end",
}
_SAID = (Reason.STREAM_BUFFERED, Reason.RESPONSE_TIMEOUT)
"""A probe that says that a timeout means one of these says in its detail what did not come."""
_REASON_OF_ERRNO = {
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN), Reason.OVERLOADED
    ),
    **dict.fromkeys((errno.EPERM, errno.EACCES), Reason.PERMISSION_DENIED),
    **dict.fromkeys(
        (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EAFNOSUPPORT),
        Reason.CONNECT_UNREACHABLE,
    ),
    errno.ECONNREFUSED: Reason.CONNECT_REFUSED,
    errno.ECONNRESET: Reason.CONNECTION_RESET,
    **dict.fromkeys((errno.EPIPE, errno.ENOTCONN, errno.ECONNABORTED), Reason.CONNECTION_CLOSED),
}


async def run_probe(probe: Probe, timeout: float, traceparent: str = "") -> Outcome:
    """Runs a probe once, for `timeout` seconds at most. Only the cancellation of the caller's task passes."""
    run = Run(timeout, traceparent)
    try:
        await _within(timeout, probe.run(run))
    except CancelledError as error:
        task = current_task()
        if task is None or task.cancelling():
            raise
        return _crashed(probe, run, error)  # something inside gave itself up, and nobody asked the check to end
    except ProbeFailure as failure:
        return run.failed(failure.reason, failure.detail)
    except Inconclusive as inconclusive:
        return run.inconclusive(inconclusive.detail, inconclusive.advice)
    except TimeoutError:
        said = run.timeout_reason in _SAID
        seen = f"; {run.detail}" if run.detail and not said else ""
        waited_for = run.detail if said else _WAITED_FOR[run.phase]
        return run.failed(run.timeout_reason or _TIMEOUT[run.phase], f"{waited_for} within {timeout:g} s{seen}")
    except ssl.SSLError as error:
        tls = tls_failure(error)
        return run.failed(tls.reason, tls.detail)
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else type(error).__name__
        return run.failed(reason_of(error, run.phase), words)
    except Exception as error:
        return _crashed(probe, run, error)
    return run.succeeded()


def _crashed(probe: Probe, run: Run, error: BaseException) -> Outcome:
    _log.exception("probe crashed", probe=type(probe).__name__)
    return run.failed(Reason.INTERNAL_ERROR, f"{type(error).__name__} in the agent; its log has the traceback")


async def _within(seconds: float, work: Coroutine[object, object, None]) -> None:
    """Like asyncio.timeout, for half the cost. Raises TimeoutError when the time is over."""
    task = current_task()
    assert task is not None  # noqa: S101 - for the type checker: a coroutine runs in a task
    deadline = _Deadline(task)
    timer = get_running_loop().call_later(seconds, deadline.pass_by)
    try:
        await work
    except CancelledError:
        if deadline.passed and task.cancelling() == 1:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
        if deadline.passed:  # however the work ended: a cancellation that is never taken back would end the next run
            task.uncancel()


class _Deadline:
    """Cancels a task, and remembers that it did."""

    __slots__ = ("_task", "passed")

    def __init__(self, task: "Task[object]") -> None:
        self._task = task
        self.passed = False

    def pass_by(self) -> None:
        self.passed = True
        self._task.cancel()


def reason_of(error: OSError, phase: Phase) -> Reason:
    """What a system error in a phase of a run means."""
    reason = _REASON_OF_ERRNO.get(error.errno or 0, Reason.INTERNAL_ERROR)
    if phase is Phase.CONNECT and reason in (Reason.CONNECTION_RESET, Reason.CONNECTION_CLOSED):
        return Reason.CONNECT_RESET
    return reason
