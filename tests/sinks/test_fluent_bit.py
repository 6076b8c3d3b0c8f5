"""The example for Fluent Bit names fields that log lines really have."""

import io
import json
import re
from pathlib import Path

from agent.core.measures import Measure
from agent.core.reasons import Phase, Reason
from agent.core.transitions import Standing, State, Transition
from agent.probes import settings_of
from agent.probes._http import STATUS_CODE
from agent.sinks.log import LogSink, configure_logging
from tests.log_end import close_log
from tests.metrics.support import failure, make_check

CONFIG = Path(__file__).parents[2] / "config"


def written_line() -> dict[str, object]:
    stream = io.StringIO()
    configure_logging("json", "info", environment="production", stream=stream)
    settings = settings_of("http").model_validate({"kind": "http", "url": "http://localhost/"})
    outcome = failure(Reason.SERVER_ERROR, Phase.RESPONSE, Measure(STATUS_CODE, 503.0))
    check = make_check(kind="http", settings=settings, component="broker")
    LogSink(traced=False).moved(check, Transition(State.UP, State.DOWN, 1.0, outcome), Standing(State.DOWN))
    close_log()
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_the_example_finds_what_it_filters_by() -> None:
    config = (CONFIG / "fluent-bit.conf").read_text()
    fields = written_line()
    for old, new in re.findall(r"^ +Rename +(\S+) +(\S+)$", config, re.MULTILINE):
        fields[new] = fields.pop(old)
    for source, target in re.findall(r"^ +uint_key +(\S+) (\S+) string$", config, re.MULTILINE):
        assert isinstance(fields[source], int)
        fields[target] = str(fields[source])
    kept = re.findall(r"^# +(Regex|Exclude) +(\S+) +(\S+)$", config, re.MULTILINE)
    assert {key for _, key, _ in kept} == {"environment", "service", "after", "status_code", "http_method"}
    for verb, key, pattern in kept:
        assert bool(re.search(pattern, str(fields[key]))) is (verb == "Regex"), key
    (rule,) = re.findall(r"^ +Rule +\$(\S+) (\S+) ", config, re.MULTILINE)
    assert re.search(rule[1], str(fields[rule[0]]))


def test_the_parser_reads_the_time() -> None:
    parsers = (CONFIG / "fluent-bit-parsers.conf").read_text()
    assert "Time_Key     timestamp" in parsers
    assert re.fullmatch(r"\d+-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", str(written_line()["timestamp"]))
