"""A large cluster, really listed and watched: an observing agent beside a real kube-apiserver and etcd.

Run: python -m benchmarks.observer [nodes] [pods]. It fills the cluster first, which takes a minute or two.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession, TCPConnector

from agent.probes._json import JsonObject, child
from benchmarks.agent_process import AgentProcess, agent
from benchmarks.cluster_objects import TEAMS, lease, namespace_of_pod, node, node_name, pod, pod_name
from benchmarks.machine import cpu_seconds, peak_resident_bytes, resident_bytes, waiting_seconds
from tests.servers.kubernetes import Cluster, cluster

_WRITERS = 24
_CHANGES_A_SECOND = 100
_SECONDS_OF_CHANGES = 60.0
_SCRAPE_EVERY = 15.0
_NODES_THAT_FAIL = 5
_PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds from a change to the begin of the scrape that has to show it."""
_LONGEST_STALL = 0.05
_START_SECONDS = 300.0
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_PODS = "/api/v1/namespaces/{}/pods"
_GIVEN_BY_SERVER = {"resourceVersion", "uid", "creationTimestamp"}

_Write = tuple[str, str, JsonObject]
"""Method, path and body."""


class _Writer:
    """Writes objects by the API, as the cluster's own components do."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def write(self, method: str, path: str, body: JsonObject) -> None:
        """Raises ClientResponseError where the server refuses."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        async with self._session.request(
            method, self._url + path, json=body, headers={"Content-Type": kind}, raise_for_status=True
        ) as response:
            await response.read()

    async def write_all(self, writes: Iterable[_Write]) -> None:
        """Many, several at a time, begun in their order."""
        remaining = iter(writes)

        async def work() -> None:
            for write in remaining:
                await self.write(*write)

        await asyncio.gather(*[work() for _ in range(_WRITERS)])


@asynccontextmanager
async def _writer(kubernetes: Cluster) -> AsyncIterator[_Writer]:
    tls = kubernetes.certificates.tls(kubernetes.certificates.admin)
    async with ClientSession(connector=TCPConnector(ssl=tls, limit=0)) as session:
        yield _Writer(session, kubernetes.api.url)


def _as_created(thing: JsonObject) -> JsonObject:
    metadata = {key: value for key, value in child(thing, "metadata").items() if key not in _GIVEN_BY_SERVER}
    return {**thing, "metadata": metadata}


def _namespaces() -> Iterable[_Write]:
    for number in range(TEAMS):
        name = namespace_of_pod(number)
        yield "POST", "/api/v1/namespaces", {"metadata": {"name": name}}


def _node_status(number: int, ready: str) -> _Write:
    return "PATCH", f"/api/v1/nodes/{node_name(number)}/status", {"status": node(number, 1, ready)["status"]}


def _pod_status(number: int, version: int, nodes: int) -> _Write:
    path = f"{_PODS.format(namespace_of_pod(number))}/{pod_name(number)}/status"
    return "PATCH", path, {"status": pod(number, version, nodes)["status"]}


async def _fill(writer: _Writer, nodes: int, pods: int) -> None:
    await writer.write_all(_namespaces())
    await writer.write_all(("POST", "/api/v1/nodes", _as_created(node(number, 1))) for number in range(nodes))
    await writer.write_all(("POST", _LEASES, _as_created(lease(number, 1))) for number in range(nodes))
    await writer.write_all(
        ("POST", _PODS.format(namespace_of_pod(number)), _as_created(pod(number, 1, nodes))) for number in range(pods)
    )
    await writer.write_all(_pod_status(number, 1, nodes) for number in range(pods))


async def _seconds(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


@dataclass
class _Observed:
    """What the agent says of itself, and how long its scrapes take."""

    running: AgentProcess
    stalls: dict[float, float]
    scrape_seconds: float = 0.0
    size: int = 0

    async def scrape(self) -> bytes:
        """A scrape as Prometheus makes it, but not compressed."""
        began = time.perf_counter()
        body = await asyncio.to_thread(self.running.scrape)
        self.scrape_seconds = max(self.scrape_seconds, time.perf_counter() - began)
        self.size = len(body)
        return body

    async def report(self, what: str) -> float:
        """Prints what was seen since the last report. Returns the upper bound of the longest delay's bucket."""
        body = await asyncio.to_thread(self.running.scrape, compressed=True)
        now = _delays(await self.scrape())
        longest = max((bound for bound, count in now.items() if count > self.stalls.get(bound, 0)), default=0.0)
        pid = self.running.pid
        print(
            f"{what:32}: {resident_bytes(pid) / 1e6:.0f} MB (peak {peak_resident_bytes(pid) / 1e6:.0f}), "
            f"{cpu_seconds(pid):.1f} s CPU in all, scrape {self.size / 1e6:.1f} MB ({len(body) / 1e6:.1f} compressed) "
            f"in at most {self.scrape_seconds:.2f} s, longest event-loop delay up to {longest:g} s "
            f"({waiting_seconds(pid):.1f} s waited for a processor in all)",
            flush=True,
        )
        self.stalls = now
        self.scrape_seconds = 0.0
        return longest


def _delays(body: bytes) -> dict[float, float]:
    """Delays of the event loop by the upper bound of their bucket, in seconds: how many there were."""
    bucket = 'reachd_event_loop_delay_seconds_bucket{le="'
    lines = [line for line in body.decode().splitlines() if line.startswith(bucket)]
    counts = sorted((float(line[len(bucket) :].split('"')[0]), float(line.rpartition(" ")[2])) for line in lines)
    before = [0.0, *[count for _, count in counts]]
    return {bound: count - earlier for (bound, count), earlier in zip(counts, before, strict=False)}


async def _until_all_are_there(observed: _Observed, nodes: int, pods: int) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            body = await observed.scrape()
            found = {name: body.count(b"\n" + name + b"{") for name in (b"kube_node_info", b"kube_pod_info")}
            leases = body.count(b"\nreachd_node_lease_renewed_timestamp_seconds{")
            if found == {b"kube_node_info": nodes, b"kube_pod_info": pods} and leases == nodes:
                return
            await asyncio.sleep(0.5)


async def _seconds_until_not_ready(writer: _Writer, observed: _Observed) -> float:
    """After how long a scrape shows the new status of a node, whichever node it is: it is tried with longer and longer
    pauses between the change and the begin of the scrape.
    """
    for pause in _PAUSES:
        shown = [await _shows_not_ready(writer, observed, number, pause) for number in range(_NODES_THAT_FAIL)]
        if all(shown):
            return pause
    raise TimeoutError(f"a node that is not ready does not show within {_PAUSES[-1]} s")


async def _shows_not_ready(writer: _Writer, observed: _Observed, number: int, pause: float) -> bool:
    await writer.write(*_node_status(number, "False"))
    await asyncio.sleep(pause)
    labels = f'{{node="{node_name(number)}",condition="Ready",status="false"}}'
    shown = f"kube_node_status_condition{labels} 1".encode() in await observed.scrape()
    await writer.write(*_node_status(number, "True"))
    return shown


async def _change(writer: _Writer, pods: int, nodes: int, stop: asyncio.Event) -> int:
    """Starts containers again, so many a second, until told to stop. Returns how many."""
    began, changed = time.perf_counter(), 0
    async with asyncio.TaskGroup() as writes:
        while not stop.is_set():
            due = int((time.perf_counter() - began) * _CHANGES_A_SECOND)
            for number in range(changed, due):
                writes.create_task(writer.write(*_pod_status(number % pods, 2 + number // pods, nodes)))
            changed = due
            await asyncio.sleep(0.01)
    return changed


async def _scrape_for(observed: _Observed, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await asyncio.sleep(_SCRAPE_EVERY)
        await observed.scrape()


def _timer(what: str) -> Callable[[float], None]:
    return lambda seconds: print(f"{what:32}: {seconds:.2f} s", flush=True)


async def _measure(kubernetes: Cluster, nodes: int, pods: int) -> int:
    async with _writer(kubernetes) as writer:
        _timer(f"{nodes} nodes, {pods} pods written")(await _seconds(_fill(writer, nodes, pods)))
        configuration: dict[str, object] = {"kubernetes": {"kubeconfig": str(kubernetes.kubeconfig())}}
        began = time.perf_counter()
        with agent(configuration) as running:
            observed = _Observed(running, {})
            await _until_all_are_there(observed, nodes, pods)
            _timer("start until all series are there")(time.perf_counter() - began)
            stalls = [await observed.report("listed")]
            await _scrape_for(observed, 2 * _SCRAPE_EVERY)
            stalls.append(await observed.report("nothing changes"))
            _timer("a scrape shows not ready after")(await _seconds_until_not_ready(writer, observed))
            stop = asyncio.Event()
            changes = asyncio.create_task(_change(writer, pods, nodes, stop))
            await _scrape_for(observed, _SECONDS_OF_CHANGES)
            stalls.append(await observed.report(f"{_CHANGES_A_SECOND} changes a second"))
            _timer("the same, while pods change")(await _seconds_until_not_ready(writer, observed))
            stop.set()
            print(f"{await changes} changes in all")
    return 0 if max(stalls) <= _LONGEST_STALL else 1


def main() -> int:
    """Prints what was seen. Returns 1 when the event loop stood still for more than 50 ms."""
    nodes, pods = [int(argument) for argument in sys.argv[1:3]] or (5_000, 20_000)
    with cluster("--disable-admission-plugins=ServiceAccount") as kubernetes:
        return asyncio.run(_measure(kubernetes, nodes, pods))


if __name__ == "__main__":
    sys.exit(main())
