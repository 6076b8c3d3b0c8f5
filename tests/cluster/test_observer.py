"""What the agent does in a cluster goes on, whatever fault of its own it meets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.cluster.election import Election
from agent.cluster.membership import Membership
from agent.cluster.observer import Observer
from agent.cluster.reflector import Reflector
from agent.probes._kube_objects import Collection
from agent.probes._network import Network
from agent.settings.kubernetes import KubernetesSettings
from tests.cluster.support import until


def settings(folder: Path) -> KubernetesSettings:
    """An observer that does all there is to do, of a cluster that takes no connections."""
    kubeconfig = folder / "config"
    cluster, user = {"server": "https://127.0.0.1:1"}, {"token": "a-token"}
    document = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "lab", "user": user}],
    }
    kubeconfig.write_text(json.dumps(document))
    lease = {"namespace": "lab", "name": "observer", "duration": 1.0, "retry": 0.1}
    group = {"namespace": "lab", "group": "agents", "duration": 1.0, "retry": 0.1}
    return KubernetesSettings.model_validate({"kubeconfig": kubeconfig, "election": lease, "sharing": group})


@pytest.mark.parametrize(
    ("part", "step", "name"),
    [(Election, "_try", "election"), (Membership, "_try", "membership"), (Reflector, "_list", "reflector")],
)
async def test_a_fault_of_the_agent_ends_no_part(
    part: type, step: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.cluster.observer._PAUSE", 0.01)
    works: Callable[..., object] = getattr(part, step)
    calls: list[object] = []

    def fails_first(self: object) -> object:
        calls.append(self)
        if len(calls) == 1:
            raise RuntimeError("a fault")
        return works(self)

    monkeypatch.setattr(part, step, fails_first)
    services = {"services": [Collection("/api/v1/services")]}
    observer = Observer(settings(tmp_path), Network(), changed=lambda: None, to_discover=services)
    with capture_logs() as lines:
        await observer.start()
        try:
            await until(lambda: len(calls) > 1, 5)
        finally:
            await observer.close()
    assert [line["task"] for line in lines if "exc_info" in line] == [name]
