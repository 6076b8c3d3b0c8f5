"""The door: whatever a probe raises becomes an outcome, and only a cancellation passes."""

from __future__ import annotations

import errno
import ssl
from asyncio import CancelledError, create_task, get_running_loop, sleep
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import sleep as sleep_in_the_way

import pytest
from structlog.testing import capture_logs

from agent.core.outcome import Outcome, Verdict
from agent.core.reasons import PHASES, Blame, Phase, Reason
from agent.core.run import Inconclusive, ProbeFailure, Run
from agent.probes._connection import connect
from agent.probes._door import run_probe
from agent.probes._network import Network
from tests.probes.bounds import in_time, two_hundred_in_time
from tests.probes.support import assert_failed, assert_phases_add_up, assert_up, probe, resetting, serving, silent

SECRET = "s3cret-of-the-target"


class Scripted:
    """A probe that does what a test says."""

    def __init__(self, script: Callable[[Run], Awaitable[None]]) -> None:
        self._script = script

    async def run(self, run: Run) -> None:
        await self._script(run)


async def run_in(phase: Phase, error: BaseException | None, timeout: float = 1.0) -> Outcome:
    """Runs a probe that raises `error` in a phase, or waits there without end."""

    async def script(run: Run) -> None:
        run.enter(phase)
        if error is not None:
            raise error
        await sleep(10)

    return await run_probe(Scripted(script), timeout)


@pytest.mark.parametrize("phase", PHASES)
async def test_a_timeout_means_what_its_phase_says(phase: Phase) -> None:
    reason = {
        Phase.RESOLVE: Reason.DNS_TIMEOUT,
        Phase.CONNECT: Reason.CONNECT_TIMEOUT,
        Phase.TLS: Reason.TLS_TIMEOUT,
    }.get(phase, Reason.RESPONSE_TIMEOUT)
    with in_time(0.05):
        outcome = await run_in(phase, None, timeout=0.05)
    assert_failed(outcome, reason)
    assert outcome.phase is phase
    assert outcome.detail.endswith("within 0.05 s")


async def test_a_probe_may_know_better_what_a_timeout_means_and_what_was_seen() -> None:
    async def script(run: Run) -> None:
        run.enter(Phase.RESPONSE)
        run.timeout_reason = Reason.PONG_TIMEOUT
        run.detail = "the WebSocket is open"
        await sleep(10)

    outcome = await run_probe(Scripted(script), 0.02)
    assert_failed(outcome, Reason.PONG_TIMEOUT)
    assert outcome.detail == "no answer came within 0.02 s; the WebSocket is open"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, Reason.CONNECT_REFUSED),
        (errno.ECONNRESET, Reason.CONNECTION_RESET),
        (errno.EPIPE, Reason.CONNECTION_CLOSED),
        (errno.ECONNABORTED, Reason.CONNECTION_CLOSED),
        (errno.EHOSTUNREACH, Reason.CONNECT_UNREACHABLE),
        (errno.ENETUNREACH, Reason.CONNECT_UNREACHABLE),
        (errno.EMFILE, Reason.OVERLOADED),
        (errno.ENFILE, Reason.OVERLOADED),
        (errno.EADDRNOTAVAIL, Reason.OVERLOADED),
        (errno.ENOBUFS, Reason.OVERLOADED),
        (errno.EPERM, Reason.PERMISSION_DENIED),
        (errno.EACCES, Reason.PERMISSION_DENIED),
        (errno.EINVAL, Reason.INTERNAL_ERROR),
        (errno.ETIMEDOUT, Reason.RESPONSE_TIMEOUT),
    ],
)
async def test_errors_of_the_kernel(number: int, reason: Reason) -> None:
    outcome = await run_in(Phase.RESPONSE, OSError(number, "words of somebody else"))
    assert_failed(outcome, reason)
    assert outcome.verdict is (Verdict.UNKNOWN if reason.blame is Blame.AGENT else Verdict.DOWN)


@pytest.mark.parametrize("number", [errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED])
async def test_a_reset_while_connecting_is_another_one(number: int) -> None:
    assert_failed(await run_in(Phase.CONNECT, OSError(number, "")), Reason.CONNECT_RESET)


async def test_a_connection_that_is_reset_before_anything_is_asked() -> None:
    async with serving(resetting) as server:

        async def script(run: Run) -> None:
            with await connect(run, Network(), server.host, server.port) as connection:
                await connection.receive()

        outcome = await run_probe(Scripted(script), 5)
    assert_failed(outcome, Reason.CONNECT_RESET)
    assert outcome.phase is Phase.CONNECT


async def test_errors_of_tls() -> None:
    async def script(run: Run) -> None:
        run.enter(Phase.RESPONSE)
        incoming = ssl.MemoryBIO()
        incoming.write(b"220 mail.test ready\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="mail.test").do_handshake()

    assert_failed(await run_probe(Scripted(script), 1), Reason.TLS_NOT_TLS)


async def test_what_probes_say_themselves() -> None:
    outcome = await run_in(Phase.TRANSFER, ProbeFailure(Reason.BODY_MISMATCH, "no good"))
    assert_failed(outcome, Reason.BODY_MISMATCH)
    assert (outcome.verdict, outcome.detail) == (Verdict.DOWN, "no good")
    outcome = await run_in(Phase.TRANSFER, Inconclusive("says nothing", "try otherwise"))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNKNOWN, None)
    assert (outcome.detail, outcome.advice) == ("says nothing", "try otherwise")
    assert_phases_add_up(outcome)


async def test_whatever_a_probe_says_is_bounded() -> None:
    failed = await run_in(Phase.TRANSFER, ProbeFailure(Reason.BODY_MISMATCH, "x" * 60_000))
    unknown = await run_in(Phase.TRANSFER, Inconclusive("y" * 60_000, "z" * 60_000))
    for text in (failed.detail, unknown.detail, unknown.advice):
        assert (len(text), text[-1]) == (1001, "…")
    assert (await run_in(Phase.TRANSFER, ProbeFailure(Reason.BODY_MISMATCH, "x" * 1000))).detail == "x" * 1000


async def test_a_crash_is_the_agents_own_fault_and_the_probe_can_run_again() -> None:
    fine = False

    async def script(run: Run) -> None:
        with await connect(run, network, server.host, server.port):
            if not fine:
                raise LookupError(SECRET)

    network = Network()
    crashing = Scripted(script)
    async with serving(silent) as server:
        with capture_logs() as logs:
            outcome = await run_probe(crashing, 1)
        assert_failed(outcome, Reason.INTERNAL_ERROR)
        assert outcome.verdict is Verdict.UNKNOWN
        assert outcome.phase is Phase.CONNECT
        assert SECRET not in outcome.detail
        assert [(entry["event"], entry["log_level"]) for entry in logs] == [("probe crashed", "error")]
        fine = True
        assert_up(await run_probe(crashing, 1))


async def test_a_cancellation_passes() -> None:
    running = create_task(run_in(Phase.RESPONSE, None))
    await sleep(0)
    running.cancel()
    with pytest.raises(CancelledError):
        await running


async def test_a_future_that_was_given_up_inside_is_a_crash_and_does_not_end_the_check() -> None:
    async def script(run: Run) -> None:
        given_up = get_running_loop().create_future()
        given_up.cancel()
        await given_up

    with capture_logs() as logs:
        outcome = await run_probe(Scripted(script), 1)
    assert_failed(outcome, Reason.INTERNAL_ERROR)
    assert [entry["event"] for entry in logs] == ["probe crashed"]


@pytest.mark.parametrize("answer", [None, ProbeFailure(Reason.PROTOCOL_ERROR, "cut short")])
async def test_a_deadline_that_a_probe_answers_itself_leaves_the_next_run_alone(answer: ProbeFailure | None) -> None:
    async def script(run: Run) -> None:
        try:
            await sleep(10)
        except CancelledError:
            if answer is not None:
                raise answer from None

    outcome = await run_probe(Scripted(script), 0.02)
    assert outcome.reason is (answer and answer.reason)
    assert_failed(await run_in(Phase.CONNECT, None, timeout=0.02), Reason.CONNECT_TIMEOUT)


async def test_a_cancellation_at_the_deadline_passes() -> None:
    async def script(run: Run) -> None:
        get_running_loop().call_later(0.02, running.cancel)
        get_running_loop().call_soon(sleep_in_the_way, 0.05)  # so that both are due at once
        await sleep(10)

    running = create_task(run_probe(Scripted(script), 0.03))
    with pytest.raises(CancelledError):
        await running


async def test_a_file_that_cannot_be_read_is_the_agents_own_fault(tmp_path: Path) -> None:
    async with serving(silent) as server:
        settings = {
            "kind": "http",
            "url": f"http://{server.address}/",
            "auth": {"authorization": {"credentials_file": str(tmp_path / "none")}},
        }
        outcome = await probe(settings, timeout=3)
    assert_failed(outcome, Reason.PERMISSION_DENIED)
    assert outcome.verdict is Verdict.UNKNOWN


async def test_two_hundred_runs_end_in_time() -> None:
    async with serving(silent) as server:
        settings = {"kind": "http", "url": f"http://{server.address}/"}
        network = Network()
        outcomes = await two_hundred_in_time(settings, network=network)
    assert {outcome.reason for outcome in outcomes} == {Reason.RESPONSE_TIMEOUT}
