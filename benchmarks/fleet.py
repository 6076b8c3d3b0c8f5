"""10,000 HTTP checks every 15 s on loopback, with a scrape every 15 s: CPU, memory, punctuality and stalls."""

import os
import sys
import time

from benchmarks.agent_process import agent
from benchmarks.bars import Row, judge
from benchmarks.machine import cpu_seconds, peak_resident_bytes, resident_bytes
from benchmarks.web import http_checks, web_server

CHECKS = 10_000
EVERY = 15.0
MINUTES = float(os.environ.get("REACHD_BENCH_MINUTES", "3"))


def quantile(buckets: list[tuple[float, float]], share: float) -> float:
    """The upper bound of the bucket that holds the quantile; `buckets` are (bound, cumulative count), ascending."""
    wanted = buckets[-1][1] * share
    return next(bound for bound, count in buckets if count >= wanted)


def _difference(after: list[tuple[float, float]], before: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(bound, count - earlier) for (bound, count), (_, earlier) in zip(after, before, strict=True)]


def main() -> int:
    """Prints what was seen beside its bars. Returns 1 when one is missed."""
    with web_server() as server:
        configuration: dict[str, object] = {"checks": http_checks(server, CHECKS, f"{EVERY:.0f}s")}
        configuration["limits"] = {"in_flight": 1000, "per_host": 1000}
        with agent(configuration) as running:
            time.sleep(2 * EVERY)

            def buckets(name: str) -> list[tuple[float, float]]:
                return sorted((float(labels["le"]), value) for labels, value in running.samples(f"{name}_bucket"))

            delays = {
                name: buckets(name) for name in ("reachd_schedule_delay_seconds", "reachd_event_loop_delay_seconds")
            }
            missed = running.total("reachd_slots_missed_total")
            time.sleep(EVERY)
            began, cpu, runs = time.perf_counter(), cpu_seconds(running.pid), running.total("probe_runs_total")
            for _ in range(int(MINUTES * 60 / EVERY)):
                time.sleep(EVERY)
                size = len(running.scrape(compressed=True))
            seconds = time.perf_counter() - began
            share = (cpu_seconds(running.pid) - cpu) / seconds
            probes = (running.total("probe_runs_total") - runs) / seconds
            schedule, loop = (_difference(buckets(name), before) for name, before in delays.items())
            memory, peak = resident_bytes(running.pid) / 1e6, peak_resident_bytes(running.pid) / 1e6
            lines = running.scrape().count(b"\n")
            missed = running.total("reachd_slots_missed_total") - missed
            failures = running.total("probe_failures_total")
    longest = next(bound for bound, count in loop if count == loop[-1][1])
    rows = [
        Row("share of one core", share, 0.18, "{:.3f}"),
        Row("memory, MB", memory, 220, "{:.0f}"),
        Row("schedule delay p99, s (bucket)", quantile(schedule, 0.99), 0.05, "{:g}"),
        Row("missed slots", missed, 0, "{:.0f}"),
        Row("longest event-loop delay, s (bucket)", longest, 0.05, "{:g}"),
        Row("failed runs", failures, 0, "{:.0f}"),
    ]
    sys.stdout.write(
        f"{CHECKS} checks, {probes:.0f} probes/s, {lines} lines, {size} bytes compressed, peak {peak:.0f} MB\n"
    )
    return judge(rows)


if __name__ == "__main__":
    sys.exit(main())
