"""What the demo tells at its start."""

from collections.abc import Iterator

from agent.demo.configuration import FILE_NAME
from agent.demo.faults import FAULTS
from agent.demo.simulation import Simulation


def introduction(url: str, simulation: Simulation, program: str, options: str) -> Iterator[str]:
    """Lines about the agent at `url`, what it watches, and what can be broken.

    program: how `reachd` is called. options: what its commands need to find this demo, such as ` --listen HOST:PORT`.
    """
    yield "A simulated Meshery runs on this machine, and reachd watches it."
    yield ""
    yield from _columns(
        ("Status page", url),
        ("Metrics", f"{url}/metrics"),
        ("Configuration", str(simulation.folder / FILE_NAME)),
    )
    yield ""
    broker = "nats-server" if simulation.broker.is_real else "a stand-in, since nats-server is not on PATH"
    yield from _columns(
        ("Ingress", simulation.ingress.url),
        ("Meshery Server", simulation.server.url),
        ("Broker", f"{simulation.broker.place}, {broker}"),
        ("Broker's monitor", f"http://{simulation.broker.monitor}"),
        ("Operator", simulation.operator_metrics.url),
        ("MeshSync", simulation.meshsync_health.url),
        *((f"Adapter {name}", str(adapter.place)) for name, adapter in simulation.adapters.items()),
        ("Meshery Perf", str(simulation.perf.place)),
        ("Remote Provider", simulation.provider.url),
        ("Managed cluster", simulation.cluster.url),
        ("Registry", simulation.registry.url),
        ("Node", simulation.node),
    )
    yield ""
    yield "Break something, on the page or in another terminal:"
    yield ""
    yield from _columns(*((f"{program} demo break {fault.name}{options}", fault.title) for fault in FAULTS))
    yield ""
    yield f"`{program} demo repair NAME{options}` repairs it, and Ctrl-C ends everything."


def _columns(*rows: tuple[str, str]) -> Iterator[str]:
    width = max(len(name) for name, _ in rows)
    return (f"  {name.ljust(width)}  {value}" for name, value in rows)
