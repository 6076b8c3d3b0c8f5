"""What the series of a large cluster cost: memory, CPU of the first and the later scrapes, and their longest stall.

Run: python -m benchmarks.cluster [nodes] [pods]
"""

import gc
import sys
import tracemalloc
from dataclasses import dataclass, field
from time import thread_time

import uvloop

from agent.cluster.packed import packed
from agent.cluster.series import ClusterSeries, Resource
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.exposition import Exposition
from agent.metrics.store import Store
from agent.probes._json import JsonObject
from benchmarks.cluster_objects import lease, node, pod
from benchmarks.scrape import scrape, with_longest_stall

_CHANGED = 100
"""One object of so many is another at the next scrape."""


@dataclass
class _Objects:
    """A source as a watch would fill it."""

    objects: dict[str, JsonObject] = field(default_factory=dict)


async def _report(exposition: Exposition, what: str, accept_encoding: str = "identity") -> None:
    gc.collect()
    gc.freeze()
    cpu = thread_time()
    size, stall = await with_longest_stall(scrape(exposition, accept_encoding))
    cpu = thread_time() - cpu
    print(f"{what:34}: {cpu:5.2f} s CPU, {size / 1e6:6.1f} MB, longest stall {stall * 1e3:.2f} ms")


async def _measure(nodes: int, pods: int) -> None:
    sources = {
        Resource.NODES: _Objects({str(number): packed(node(number, 1)) for number in range(nodes)}),
        Resource.LEASES: _Objects({str(number): packed(lease(number, 1)) for number in range(nodes)}),
        Resource.PODS: _Objects({str(number): packed(pod(number, 1, nodes)) for number in range(pods)}),
    }
    exposition = Exposition(
        Store(), AgentMetrics(), ClusterSeries({kind: [source] for kind, source in sources.items()}).texts
    )
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    await scrape(exposition, "identity")
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"kept for {nodes} nodes, their leases and {pods} pods: {kept / 1e6:.1f} MB")

    series = ClusterSeries({kind: [source] for kind, source in sources.items()})
    exposition = Exposition(Store(), AgentMetrics(), series.texts)
    await _report(exposition, "first scrape")
    await _report(exposition, "nothing has changed")
    await _report(exposition, "nothing has changed, gzip", "gzip")
    for number in range(0, pods, _CHANGED):
        sources[Resource.PODS].objects[str(number)] = packed(pod(number, 2, nodes))
    sources[Resource.LEASES].objects.update({str(number): packed(lease(number, 2)) for number in range(nodes)})
    await _report(exposition, f"1 pod in {_CHANGED} and all leases changed")
    pods_again: dict[str, JsonObject] = {
        str(number): packed(pod(number, 1 if number % _CHANGED else 2, nodes)) for number in range(pods)
    }
    sources[Resource.PODS].objects = pods_again
    await _report(exposition, "a new list of the same pods")


def main() -> None:
    nodes, pods = [int(argument) for argument in sys.argv[1:3]] or (5_000, 20_000)
    uvloop.run(_measure(nodes, pods))


if __name__ == "__main__":
    main()
