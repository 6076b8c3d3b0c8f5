"""A small set-up: 20 checks without OTLP. Memory, and seconds from start to ready."""

import sys
import time

from benchmarks.agent_process import agent
from benchmarks.bars import Row, judge
from benchmarks.machine import resident_bytes
from benchmarks.web import http_checks, web_server


def main() -> int:
    """Prints what was seen beside its bars. Returns 1 when one is missed."""
    with web_server() as server, agent({"checks": http_checks(server, 20, "1s")}) as running:
        time.sleep(10)
        running.scrape()
        mebibytes = resident_bytes(running.pid) / 2**20
        seconds = running.seconds_to_ready
    return judge([Row("memory, MiB", mebibytes, 64, "{:.1f}"), Row("ready after, s", seconds, 1, "{:.2f}")])


if __name__ == "__main__":
    sys.exit(main())
