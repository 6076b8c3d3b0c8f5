"""Logs: one line when the state of a check changes, none when it does not; and where all lines go."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from agent.core.check import Check
from agent.core.outcome import Outcome
from agent.core.reasons import Blame
from agent.core.secrets import conceal
from agent.core.transitions import Standing, State, Transition
from agent.core.version import VERSION
from agent.probes._text import printable
from agent.sinks._facts import peer_service, request_method, status_code, trace_ids
from agent.sinks._log_writer import LogWriter

_log = structlog.get_logger("agent.checks")

_MAX_DETAIL = 500
_MAX_TEXT = 20_000
_OWN_WORDS = frozenset(
    {"deployment", "check", "system", "component", "kind", "vantage", "severity", "target", "service.peer.name"}
    | {"before", "after", "reason", "blame", "phase", "http.request.method", "trace_id", "span_id"}
    | {"level", "logger", "timestamp"}
)
"""Fields with words of the configuration or of the agent, in which no target and no library has a part."""


class LogSink:
    """Writes state changes to the log. Implements `agent.core.ports.Sink`."""

    def __init__(self, *, traced: bool) -> None:
        """`traced`: traces are exported, so that a line can name the one of its run."""
        self._traced = traced

    def added(self, check: Check, standing: Standing) -> None:
        """That a check exists is no news."""

    def replaced(self, before: Check, after: Check, standing: Standing) -> None:
        """Nor that it was changed; the reload says so."""

    def removed(self, check: Check) -> None:
        """Nor that it is gone."""

    def observed(self, check: Check, outcome: Outcome, standing: Standing) -> None:
        """A run that changes nothing is not logged."""

    def missed(self, check: Check, slots: int) -> None:
        """Missed slots are a metric."""

    def moved(self, check: Check, transition: Transition, standing: Standing) -> None:
        fields: dict[str, object] = {
            **check.series_labels,
            "severity": str(check.severity),
            "target": printable(check.target),
            "before": str(transition.before),
            "after": str(transition.after),
            "service.peer.name": peer_service(check),
        }
        if standing.blocked_by:
            fields["blocked_by"] = list(standing.blocked_by)
        if transition.outcome is not None:
            fields.update(_run_fields(check, transition.outcome))
            if self._traced:
                fields["trace_id"], fields["span_id"] = trace_ids(check, transition.outcome)
        write = _log.warning if _is_bad_news(transition) else _log.info
        write("state changed", **fields)


def _is_bad_news(transition: Transition) -> bool:
    outcome = transition.outcome
    agent_to_blame = outcome is not None and outcome.reason is not None and outcome.reason.blame is Blame.AGENT
    return transition.after is State.DOWN or agent_to_blame


def _run_fields(check: Check, outcome: Outcome) -> Mapping[str, object]:
    """What a run adds to the line; facts that it does not have are left out."""
    fields = {
        "reason": outcome.reason and str(outcome.reason),
        "blame": outcome.reason and str(outcome.reason.blame),
        "phase": outcome.phase and str(outcome.phase),
        "detail": printable(outcome.detail, _MAX_DETAIL) or None,
        "advice": printable(outcome.advice, _MAX_DETAIL) or None,
        "duration": round(outcome.duration, 6),
        "peer": outcome.peer or None,
        "http.request.method": request_method(check),
        "http.response.status_code": status_code(outcome),
    }
    return {name: value for name, value in fields.items() if value is not None}


def configure_logging(
    form: str,
    level: str,
    *,
    environment: str = "",
    stream: TextIO | None = None,
    dropped: Callable[[int], None] = lambda lines: None,
) -> None:
    """Sends the lines of the agent and of its libraries to `stream`, standard error unless another is given.

    form: `json` or `console`. level: the least level of the agent's own lines; of libraries, warnings and worse
    are shown.
    environment: its name, for every line. dropped: told how many lines were lost because nobody read them.
    """
    stream = stream or sys.stderr
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *common,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    writer = LogWriter(stream, dropped)
    writer.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                _without_secrets,
                *(_json(environment) if form == "json" else _console(stream)),
            ],
        )
    )
    root = logging.getLogger()
    root.addHandler(writer)
    root.setLevel(logging.WARNING)
    logging.getLogger("agent").setLevel(level.upper())


def _without_secrets(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """The last look at a line: tracebacks and the words of libraries may quote anything."""
    return {
        name: conceal(value) if isinstance(value, str) and name not in _OWN_WORDS else value
        for name, value in line.items()
    }


def _json(environment: str) -> list[Processor]:
    resource = {"service.name": "reachd", "service.version": VERSION}
    if environment:
        resource["deployment.environment.name"] = environment

    def add_resource(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
        return {**line, **resource}

    return [add_resource, structlog.processors.JSONRenderer()]


def _console(stream: TextIO) -> list[Processor]:
    return [
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
        ),
    ]


def _escape(logger: WrappedLogger, method: str, line: EventDict) -> EventDict:
    """Takes control characters from all that is shown on a terminal; a traceback keeps its lines."""
    return {name: _on_terminal(name, value) if isinstance(value, str) else value for name, value in line.items()}


def _on_terminal(name: str, text: str) -> str:
    lines = text.split("\n") if name == "exception" else [text]
    return "\n".join([printable(line, _MAX_TEXT) for line in lines])
