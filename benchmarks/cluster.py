"""What the series of a large cluster cost: memory, CPU of the first and the later scrapes, and their longest stall.

Run: python -m benchmarks.cluster [nodes] [pods]
"""

import asyncio
import gc
import json
import sys
import tracemalloc
from dataclasses import dataclass, field
from time import thread_time

import uvloop

from agent.cluster.series import ClusterSeries, Resource
from agent.metrics.agent_metrics import AgentMetrics
from agent.metrics.exposition import Exposition
from agent.metrics.store import Store
from agent.probes._json import JsonObject

_PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
_CHANGED = 100
"""One object of so many is another at the next scrape."""


@dataclass
class _Objects:
    """A source as a watch would fill it."""

    objects: dict[str, JsonObject] = field(default_factory=dict)
    last_success: float = 0.0


def _parsed(document: object) -> JsonObject:
    """The object as it would come from the API server: nothing of it shared with another."""
    parsed: JsonObject = json.loads(json.dumps(document))
    return parsed


def _node(number: int, version: int) -> JsonObject:
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    return _parsed(
        {
            "metadata": {
                "name": f"worker-{number}.eu-1.example.internal",
                "resourceVersion": str(version),
                "creationTimestamp": f"2026-03-01T06:{number % 60:02}:00Z",
            },
            "spec": {"podCIDR": f"10.{number >> 8}.{number & 255}.0/24", "providerID": f"example://eu-1/{number:08x}"},
            "status": {
                "capacity": {"cpu": "16", "memory": f"{65_000_000 + number}Ki", "pods": "110"},
                "allocatable": {"cpu": "15890m", "memory": f"{64_000_000 + number}Ki", "pods": "110"},
                "conditions": [
                    {"type": "Ready", "status": "True"},
                    *[{"type": pressure, "status": "False"} for pressure in pressures],
                ],
                "addresses": [{"type": "InternalIP", "address": f"172.16.{number >> 8}.{number & 255}"}],
                "nodeInfo": {
                    "systemUUID": f"{number:032x}",
                    "kernelVersion": "6.8.0-60-generic",
                    "osImage": "Ubuntu 24.04.2 LTS",
                    "containerRuntimeVersion": "containerd://2.1.1",
                    "kubeletVersion": "v1.37.2",
                },
            },
        }
    )


def _lease(number: int, version: int) -> JsonObject:
    return _parsed(
        {
            "metadata": {
                "name": f"worker-{number}.eu-1.example.internal",
                "namespace": "kube-node-lease",
                "resourceVersion": str(version),
            },
            "spec": {"renewTime": f"2026-03-02T06:{number % 60:02}:{version % 60:02}.123456Z"},
        }
    )


def _pod(number: int, version: int, nodes: int) -> JsonObject:
    workload, template = f"service-{number // 4}", f"{number // 4:010x}"
    amounts = {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
    owner = {"kind": "ReplicaSet", "name": f"{workload}-{template}", "controller": True}
    return _parsed(
        {
            "metadata": {
                "name": f"{workload}-{template}-{number:05x}",
                "namespace": f"team-{number % 50}",
                "uid": f"{number:08x}-8a3b-4f5c-9f0e-0a1b2c3d4e5f",
                "resourceVersion": str(version),
                "creationTimestamp": f"2026-03-02T{number % 24:02}:{number % 60:02}:00Z",
                "labels": {"app.kubernetes.io/name": workload, "pod-template-hash": template},
                "ownerReferences": [owner],
            },
            "spec": {
                "nodeName": f"worker-{number % nodes}.eu-1.example.internal",
                "containers": [{"name": "main", "resources": amounts}],
            },
            "status": {
                "phase": "Running",
                "hostIP": f"172.16.{(number % nodes) >> 8}.{number % nodes & 255}",
                "podIP": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": "main",
                        "ready": True,
                        "restartCount": version % 3,
                        "state": {"running": {}},
                        "lastState": {},
                    }
                ],
            },
        }
    )


async def _longest_stall(stop: asyncio.Event) -> float:
    """In CPU time: what else runs on the machine is not counted."""
    longest = 0.0
    while not stop.is_set():
        before = thread_time()
        await asyncio.sleep(0)
        longest = max(longest, thread_time() - before)
    return longest


async def _scrape(exposition: Exposition, accept_encoding: str) -> int:
    _, body = exposition.render(_PROMETHEUS, accept_encoding)
    size = 0
    async for chunk in body:
        size += len(chunk)
    return size


async def _report(exposition: Exposition, what: str, accept_encoding: str = "identity") -> None:
    gc.collect()
    gc.freeze()
    stop = asyncio.Event()
    watcher = asyncio.create_task(_longest_stall(stop))
    await asyncio.sleep(0)
    cpu = thread_time()
    size = await _scrape(exposition, accept_encoding)
    cpu = thread_time() - cpu
    stop.set()
    print(f"{what:34}: {cpu:5.2f} s CPU, {size / 1e6:6.1f} MB, longest stall {await watcher * 1e3:.2f} ms")


async def _measure(nodes: int, pods: int) -> None:
    sources = {
        Resource.NODES: _Objects({str(number): _node(number, 1) for number in range(nodes)}),
        Resource.LEASES: _Objects({str(number): _lease(number, 1) for number in range(nodes)}),
        Resource.PODS: _Objects({str(number): _pod(number, 1, nodes) for number in range(pods)}),
    }
    exposition = Exposition(
        Store(), AgentMetrics(), ClusterSeries({kind: [source] for kind, source in sources.items()}).texts
    )
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    await _scrape(exposition, "identity")
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
        sources[Resource.PODS].objects[str(number)] = _pod(number, 2, nodes)
    sources[Resource.LEASES].objects = {str(number): _lease(number, 2) for number in range(nodes)}
    await _report(exposition, f"1 pod in {_CHANGED} and all leases changed")
    pods_again = {str(number): _pod(number, 1 if number % _CHANGED else 2, nodes) for number in range(pods)}
    sources[Resource.PODS].objects = pods_again
    await _report(exposition, "a new list of the same pods")


def main() -> None:
    nodes, pods = [int(argument) for argument in sys.argv[1:3]] or (5_000, 20_000)
    uvloop.run(_measure(nodes, pods))


if __name__ == "__main__":
    main()
