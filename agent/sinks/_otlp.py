"""The way to the collector: one thread that nobody waits for, and the SDK's exporter inside it."""

import logging
from asyncio import Future, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import structlog
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult

from agent.probes._proxy import Proxies
from agent.sinks._otlp_session import CollectorSession
from agent.sinks._spans import TracedRun, spans_of

_log = structlog.get_logger("agent.traces")

_TIMEOUT = 2.0
"""Seconds that one batch may take, a second try included."""
_UNSENDABLE = "the runs could not be made into a request"


class OtlpThread:
    """Exports batches one after the other. Ends with the program, however long the collector keeps it waiting."""

    def __init__(
        self, endpoint: str, headers_file: Path | None, proxies: Callable[[], Proxies], sender: Resource
    ) -> None:
        """`endpoint`: the URL that batches are sent to, complete with its path. `proxies`: asked for each request."""
        self._session = CollectorSession(headers_file, proxies)
        self._exporter = OTLPSpanExporter(
            endpoint, timeout=_TIMEOUT, compression=Compression.Gzip, session=self._session
        )
        self._sender = sender
        self._batches: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the sink says it once, not for every batch
        Thread(target=self._work, name="otlp", daemon=True).start()

    def export(self, batch: Sequence[TracedRun]) -> "Future[str]":
        """Why the collector did not take the batch; empty where it did."""
        loop = get_running_loop()
        failure: Future[str] = loop.create_future()

        def work() -> None:
            result = self._export(batch)
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, failure, result)

        self._batches.put(work)
        return failure

    def stop(self) -> None:
        """Ends the thread after what it is doing; nobody waits for it."""
        self._batches.put(None)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _work(self) -> None:
        while (work := self._batches.get()) is not None:
            work()

    def _export(self, batch: Sequence[TracedRun]) -> str:
        try:
            spans = [span for run in batch for span in spans_of(run, self._sender)]
        except Exception:  # the thread has to live, and the batch counts as dropped
            _log.exception("a run could not be made into spans")
            return _UNSENDABLE
        self._session.failure = ""
        is_sent = self._exporter.export(spans) is SpanExportResult.SUCCESS  # which it says of a redirect, too
        return self._session.failure or ("" if is_sent else _UNSENDABLE)


def _resolve(failure: "Future[str]", result: str) -> None:
    if not failure.done():
        failure.set_result(result)
