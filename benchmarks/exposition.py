"""What the series of 10,000 HTTP checks cost: CPU per run, memory per check, CPU and stall of a scrape.

Run: python -m benchmarks.exposition [checks]
"""

import gc
import sys
import tracemalloc
from random import Random
from resource import RUSAGE_SELF, getrusage
from time import process_time, time

import uvloop

from agent.core.check import Check, Path, Severity
from agent.core.measures import Measure, Metric
from agent.core.outcome import Outcome, Verdict
from agent.core.transitions import Standing, State
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.exposition import Exposition
from agent.metrics.store import Store
from agent.probes._connection import TCP_METRICS, TCP_RETRANSMITS, TCP_RTT
from agent.probes._http import HTTP_METRICS, HTTP_VERSION, RESPONSES, STATUS_CODE
from agent.sinks.prometheus import PrometheusSink
from benchmarks.scrape import scrape, with_longest_stall

_METRICS: tuple[Metric, ...] = (*HTTP_METRICS, *TCP_METRICS)
_INTERVAL = 15.0


def _check(number: int) -> Check:
    url = f"http://service-{number}.platform.svc:9081/healthz/live"
    return Check(
        deployment=f"prod-{number % 20}",
        system="meshery",
        component=("server", "broker", "adapter", "cluster")[number % 4],
        name=f"service-{number}-live",
        kind="http",
        vantage="server",
        settings=url,
        every=_INTERVAL,
        timeout=5.0,
        slo=0.999,
        latency_objective=0.5,
        severity=Severity.PAGE,
        target=url,
        host=f"service-{number}.platform.svc",
        path=Path("server", "broker", "9081/tcp", "Answers the probes of Kubernetes"),
    )


def _outcome(random: Random) -> Outcome:
    phases = [random.random() / 1000 for _ in range(5)]
    return Outcome(
        verdict=Verdict.UP,
        started=time(),
        duration=sum(phases),
        phases=(*phases[:2], None, *phases[2:]),
        measures=[
            Measure(STATUS_CODE, 200.0),
            Measure(RESPONSES, 1.0, ("200",)),
            Measure(HTTP_VERSION, 1.1),
            Measure(TCP_RTT, random.randrange(20, 900) / 1e6),
            Measure(TCP_RETRANSMITS, 0.0),
        ],
        peer="127.0.0.1:9081",
    )


async def _scrape(exposition: Exposition, accept_encoding: str) -> tuple[int, float]:
    """Bytes of a scrape, and its seconds of CPU time."""
    cpu = process_time()
    return await scrape(exposition, accept_encoding), process_time() - cpu


async def _measure_scrapes(exposition: Exposition) -> None:
    for coding in ("gzip", "identity"):
        results = [await _scrape(exposition, coding) for _ in range(5)]
        before = getrusage(RUSAGE_SELF).ru_maxrss
        _, stall = await with_longest_stall(scrape(exposition, coding))
        grown = getrusage(RUSAGE_SELF).ru_maxrss - before
        cpu = min(cpu for _, cpu in results)
        print(
            f"scrape, {coding:8}: {cpu * 1e3:6.1f} ms CPU ({cpu / _INTERVAL:.2%} of a core at one in 15 s),"
            f" {results[0][0] / 1e6:.2f} MB, longest stall {stall * 1e3:.2f} ms, peak memory +{grown} KiB"
        )


def main() -> None:
    checks = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    random = Random(1)
    all_checks = [_check(number) for number in range(checks)]
    standings = [Standing(State.UP, time(), True) for _ in all_checks]
    tracemalloc.start()
    store = Store(lambda _: _METRICS)
    sink = PrometheusSink(store)
    for check, standing in zip(all_checks, standings, strict=True):
        sink.added(check, standing)
    for check, standing in zip(all_checks, standings, strict=True):
        sink.observed(check, _outcome(random), standing)
    gc.collect()
    print(
        f"memory: {tracemalloc.get_traced_memory()[0] / checks:.0f} bytes per check, its last outcome's floats included"
    )
    tracemalloc.stop()
    outcomes = [_outcome(random) for _ in all_checks]
    gc.collect()
    gc.freeze()
    rounds = 5
    began = process_time()
    for _ in range(rounds):
        for check, outcome, standing in zip(all_checks, outcomes, standings, strict=True):
            sink.observed(check, outcome, standing)
    print(f"sink: {(process_time() - began) / rounds / checks * 1e6:.2f} us CPU per run")
    uvloop.run(_measure_scrapes(Exposition(store, AgentMetrics())))


if __name__ == "__main__":
    main()
