"""Log lines as a log collector reads them."""

import io
import json
import logging
import re
import subprocess
import sys
from threading import Event

import structlog

from agent.core.check import Check
from agent.core.measures import Measure
from agent.core.reasons import Phase, Reason
from agent.core.secrets import CONCEALED, remember
from agent.core.transitions import Standing, State, Transition
from agent.core.version import VERSION
from agent.probes import settings_of
from agent.probes._http import STATUS_CODE
from agent.sinks.log import LogSink, configure_logging
from tests.log_end import close_log
from tests.metrics.support import failure, make_check, success

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Terminal(io.StringIO):
    """A stream that stays readable after the handler has been closed."""

    def lines(self) -> list[str]:
        close_log()
        return self.getvalue().splitlines()


def http_check(component: str) -> Check:
    settings = settings_of("http").model_validate({"kind": "http", "url": "http://localhost:1/x", "method": "HEAD"})
    return make_check(kind="http", settings=settings, component=component)


def moved(sink: LogSink, check: Check, transition: Transition, **standing: object) -> None:
    sink.moved(check, transition, Standing(transition.after, **standing))  # type: ignore[arg-type]


def test_a_change_of_state_is_one_line_with_all_that_central_logging_filters_by() -> None:
    stream = Terminal()
    configure_logging("json", "info", environment="production", stream=stream)
    sink, check = LogSink(traced=True), http_check(component="broker")
    outcome = failure(
        Reason.SERVER_ERROR,
        Phase.RESPONSE,
        Measure(STATUS_CODE, 503.0),
        detail='it said "\x1b[2Jno\n"' + "x" * 9999,
        traceparent=TRACEPARENT,
        duration=0.1234567,
    )
    sink.added(check, Standing())
    sink.observed(check, outcome, Standing())
    moved(sink, check, Transition(State.UP, State.DOWN, 1.0, outcome))
    (line,) = stream.lines()
    fields = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", fields.pop("timestamp"))
    detail = fields.pop("detail")
    assert detail.startswith('it said "\\x1b[2Jno\\n"xxx')
    assert len(detail) == 501 + len("\\x1b") - 1 + len("\\n") - 1
    assert fields == {
        "event": "state changed",
        "level": "warning",
        "logger": "agent.checks",
        "deployment": "prod",
        "check": "server-live",
        "system": "meshery",
        "component": "broker",
        "kind": "http",
        "vantage": "server",
        "severity": "page",
        "target": "http://meshery.meshery.svc:9081/healthz/live",
        "before": "up",
        "after": "down",
        "reason": "server_error",
        "blame": "target",
        "phase": "response",
        "duration": 0.123457,
        "http.request.method": "HEAD",
        "http.response.status_code": 503,
        "service.peer.name": "meshery-broker",
        "service.name": "reachd",
        "service.version": VERSION,
        "deployment.environment.name": "production",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
    }


def test_a_recovery_and_a_block_are_information() -> None:
    stream = Terminal()
    configure_logging("json", "info", stream=stream)
    sink, check = LogSink(traced=False), make_check()
    moved(sink, check, Transition(State.DOWN, State.UP, 1.0, success()))
    moved(sink, check, Transition(State.UP, State.BLOCKED, 1.0, None), blocked_by=("broker", "server"))
    moved(sink, check, Transition(State.UP, State.UNKNOWN, 1.0, failure(Reason.OVERLOADED)))
    up, blocked, unknown = [json.loads(line) for line in stream.lines()]
    assert (up["level"], up["before"], up["after"]) == ("info", "down", "up")
    assert not {"trace_id", "reason", "http.request.method"} & set(up)
    assert (blocked["level"], blocked["blocked_by"]) == ("info", ["broker", "server"])
    assert (unknown["level"], unknown["blame"]) == ("warning", "agent")


def test_a_secret_is_taken_from_what_others_say_and_from_no_word_of_the_configuration() -> None:
    remember("meshery")
    remember("broker-7Hq2xLw9")
    stream = Terminal()
    configure_logging("json", "info", stream=stream)
    outcome = failure(Reason.SERVER_ERROR, Phase.RESPONSE, detail="it said Meshery and broker-7Hq2xLw9, not broker")
    moved(LogSink(traced=False), http_check(component="broker"), Transition(State.UP, State.DOWN, 1.0, outcome))
    logging.getLogger("asyncio").warning("the token is broker-7Hq2xLw9")
    own, library = [json.loads(line) for line in stream.lines()]
    assert (own["system"], own["component"], own["service.peer.name"]) == ("meshery", "broker", "meshery-broker")
    assert own["target"] == "http://meshery.meshery.svc:9081/healthz/live"
    assert own["detail"] == f"it said {CONCEALED} and {CONCEALED}, not broker"
    assert library["event"] == f"the token is {CONCEALED}"


def test_the_console_shows_no_control_characters() -> None:
    stream = Terminal()
    configure_logging("console", "info", stream=stream)
    outcome = failure(Reason.BODY_MISMATCH, detail="a\x1b[31mb\r\nforged line")
    moved(LogSink(traced=False), make_check(), Transition(State.UP, State.DOWN, 1.0, outcome))
    logging.getLogger("aiohttp.server").warning("bad request: %s", "\x1b]0;x\x07\nforged line")
    first, second = stream.lines()
    assert "state changed" in first
    assert "a\\x1b[31mb\\r\\nforged line" in first.replace("\\\\", "\\")
    assert "bad request: \\x1b]0;x\\x07\\nforged line" in second


def test_lines_of_libraries_have_the_same_form_from_warnings_on() -> None:
    stream = Terminal()
    configure_logging("json", "debug", stream=stream)
    logging.getLogger("aiohttp.access").info("GET /")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("asyncio").exception("task %d failed", 7)
    structlog.get_logger("agent.engine").debug("details", checks=3)
    library, own = [json.loads(line) for line in stream.lines()]
    assert (library["event"], library["level"], library["logger"]) == ("task 7 failed", "error", "asyncio")
    assert library["exception"].endswith("ValueError: broken")
    assert (own["event"], own["level"], own["checks"]) == ("details", "debug", 3)


def test_lines_below_the_level_are_not_written() -> None:
    stream = Terminal()
    configure_logging("json", "warning", stream=stream)
    structlog.get_logger("agent").info("no")
    structlog.get_logger("agent").warning("yes")
    assert [json.loads(line)["event"] for line in stream.lines()] == ["yes"]


class Stuck(io.StringIO):
    """A stream that nobody reads from until `free` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.free = Event()

    def write(self, text: str) -> int:
        self.free.wait()
        return super().write(text)


def test_a_stream_that_nobody_reads_delays_nobody_and_loses_the_oldest_lines() -> None:
    stream, lost = Stuck(), [0]

    def dropped(lines: int) -> None:
        lost[0] += lines

    configure_logging("json", "info", stream=stream, dropped=dropped)
    logger = logging.getLogger("agent.flood")
    for number in range(10_100):
        logger.warning("line %d", number)
    assert 99 <= lost[0] <= 100
    stream.free.set()
    close_log()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events[-1] == "line 10099"
    assert len(events) + lost[0] == 10_100


def test_lines_are_written_before_the_program_ends() -> None:
    program = "from agent.sinks.log import configure_logging as c; import structlog; c('json', 'info');"
    program += "[structlog.get_logger('agent').info('line', n=n) for n in range(500)]"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert [json.loads(line)["n"] for line in done.stderr.splitlines()] == list(range(500))


class Broken(io.StringIO):
    """The stream of a terminal that is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_stream_that_is_broken_ends_nothing() -> None:
    lost: list[int] = []
    configure_logging("json", "info", stream=Broken(), dropped=lost.append)
    structlog.get_logger("agent").info("one")
    structlog.get_logger("agent").info("two")
    close_log()
    assert lost == [1, 1]
