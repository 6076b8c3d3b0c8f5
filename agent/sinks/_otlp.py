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
from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase
from requests.exceptions import RequestException

from agent.probes._files import Files
from agent.sinks._spans import TracedRun, spans_of

_log = structlog.get_logger("agent.traces")

_TIMEOUT = 2.0
"""Seconds that one batch may take, a second try included."""


class HeadersFile(AuthBase):
    """Adds the headers of a file to each request, as the file is at that moment.

    A line is `name: value`; empty lines and those that begin with `#` do not count. What is wrong with the file is said
    without its contents.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = Files()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        try:
            text = self._files.secret(self._path)
        except OSError as error:
            raise RequestException(f"cannot read {self._path}: {error.strerror}") from error
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, colon, value = line.partition(":")
            if not colon or not name.strip():
                raise RequestException(f"{self._path}:{number}: expected `name: value`")
            request.headers[name.strip()] = value.strip()
        return request


class OtlpThread:
    """Exports batches one after the other. Ends with the program, however long the collector keeps it waiting."""

    def __init__(self, endpoint: str, headers_file: Path | None, sender: Resource) -> None:
        """`endpoint`: the URL that batches are sent to, complete with its path."""
        session = Session()
        session.stream = True  # the body of an answer is not wanted, however long it is
        session.hooks["response"].append(_close)
        if headers_file is not None:
            session.auth = HeadersFile(headers_file)
        self._exporter = OTLPSpanExporter(endpoint, timeout=_TIMEOUT, compression=Compression.Gzip, session=session)
        self._sender = sender
        self._batches: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the sink says it once, not for every batch
        Thread(target=self._work, name="otlp", daemon=True).start()

    def export(self, batch: Sequence[TracedRun]) -> "Future[bool]":
        """Whether the collector took the batch."""
        loop = get_running_loop()
        taken: Future[bool] = loop.create_future()

        def work() -> None:
            result = self._export(batch)
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, taken, result)

        self._batches.put(work)
        return taken

    def stop(self) -> None:
        """Ends the thread after what it is doing; nobody waits for it."""
        self._batches.put(None)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _work(self) -> None:
        while (work := self._batches.get()) is not None:
            work()

    def _export(self, batch: Sequence[TracedRun]) -> bool:
        try:
            spans = [span for run in batch for span in spans_of(run, self._sender)]
        except Exception:  # the thread has to live, and the batch counts as dropped
            _log.exception("a run could not be made into spans")
            return False
        return self._exporter.export(spans) is SpanExportResult.SUCCESS


def _resolve(taken: "Future[bool]", result: bool) -> None:
    if not taken.done():
        taken.set_result(result)


def _close(response: Response, **_: object) -> None:
    response.close()
