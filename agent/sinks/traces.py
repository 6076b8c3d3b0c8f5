"""Traces of runs, sent to an OpenTelemetry collector. Loaded only where one is configured."""

import socket
from asyncio import Future, shield, sleep, timeout
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import getrandbits, random
from time import monotonic

import structlog

from agent.core.check import Check, CheckKey
from agent.core.outcome import Outcome, Verdict
from agent.core.transitions import Standing, Transition
from agent.probes._endpoint import url_endpoint
from agent.probes._proxy import Proxies
from agent.sinks._otlp import OtlpThread
from agent.sinks._spans import TracedRun, resource

_log = structlog.get_logger("agent.traces")

_MOST_WAITING = 4096
_BATCH = 32
"""Runs in a batch: some 200 spans. To encode them takes 4 ms, for which the thread keeps the interpreter to itself."""
_PAUSE = 1.0
"""Seconds from one look at the queue to the next."""
_FAILURES_EVERY = 60.0
"""Seconds, at least, between two failures of a check that are exported, changes of state excepted."""


class TraceSink:
    """Exports every change of state, one failure per check and minute, and a sample of the successes.

    Implements `agent.core.ports.Sink` and `Tracing`. The queue is bounded and loses its oldest runs first; these, and
    those that the collector did not take, are counted. `run` is the task that exports; `close` ends it.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        headers_file: Path | None,
        proxies: Callable[[], Proxies],
        success_ratio: float,
        environment: str,
        dropped: Callable[[int], None],
    ) -> None:
        """`endpoint`: base URL of the collector. `proxies`: the rules, in force at that moment, that choose the proxy
        to it; asked in another thread. `dropped`: told how many runs were lost."""
        self._collector = str(url_endpoint(endpoint))
        self._thread = OtlpThread(
            f"{endpoint.rstrip('/')}/v1/traces", headers_file, proxies, resource(environment, socket.gethostname())
        )
        self._success_ratio = success_ratio
        self._dropped = dropped
        self._waiting: deque[TracedRun] = deque()
        self._in_flight: tuple[Future[str], int] | None = None
        self._failure_exported: dict[CheckKey, float] = {}
        self._taken = True

    def traceparent(self, check: Check, failing: bool) -> str:
        """A context for a sample of the successes and for checks that fail; sampled exactly if the run is exported."""
        if failing:
            flags = "01" if self._failure_due(check.key) else "00"
        elif random() < self._success_ratio:  # noqa: S311 - a sample, no secret
            flags = "01"
        else:
            return ""
        return f"00-{getrandbits(128) or 1:032x}-{getrandbits(64) or 1:016x}-{flags}"

    def added(self, check: Check, standing: Standing) -> None:
        """Nothing to tell before its first run."""

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        """A failure of the check as it is now is news."""
        self._failure_exported.pop(before.key, None)

    def removed(self, check: Check) -> None:
        self._failure_exported.pop(check.key, None)

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        failed = outcome.verdict is not Verdict.UP and outcome.reason is not None
        if outcome.sampled or (failed and self._failure_due(check.key)):
            self._enqueue(TracedRun(check, outcome))

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        """Exports the run that changed the state, unless it is the newest in the queue, which then learns of it."""
        if transition.outcome is None:
            return
        if self._waiting and self._waiting[-1].outcome is transition.outcome:
            self._waiting.pop()
        self._enqueue(TracedRun(check, transition.outcome, transition))

    def missed(self, check: Check, slots: int) -> None:
        """There is no run to tell of."""

    async def run(self) -> None:
        """Exports what waits, for ever."""
        while True:
            await sleep(_PAUSE)
            while self._waiting:
                await self._export_batch()

    async def close(self, seconds: float = 1.0) -> None:
        """Exports what waits, for `seconds` at most, once `run` has been cancelled; what is left counts as dropped."""
        try:
            async with timeout(seconds):
                while self._waiting or self._in_flight:
                    await self._export_batch()
        except TimeoutError:
            self._dropped(len(self._waiting) + (self._in_flight[1] if self._in_flight else 0))
            self._waiting.clear()
        self._thread.stop()

    def _failure_due(self, key: CheckKey) -> bool:
        last = self._failure_exported.get(key)
        return last is None or monotonic() - last >= _FAILURES_EVERY

    def _enqueue(self, run: TracedRun) -> None:
        if run.outcome.reason is not None:
            self._failure_exported[run.check.key] = monotonic()
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft()
            self._dropped(1)
        self._waiting.append(run)

    async def _export_batch(self) -> None:
        """Waits for the batch under way, or sends one: a cancelled `run` leaves its batch to `close`."""
        if self._in_flight is None:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            self._in_flight = self._thread.export(batch), len(batch)
        answer, size = self._in_flight
        failure = await shield(answer)
        self._in_flight = None
        if failure:
            self._dropped(size)
        if bool(failure) is self._taken:
            self._taken = not failure
            self._say(failure)

    def _say(self, failure: str) -> None:
        if failure:
            _log.warning(
                "traces do not get to the collector: they are dropped and counted",
                collector=self._collector,
                cause=failure,
            )
        else:
            _log.info("the collector takes traces again", collector=self._collector)
