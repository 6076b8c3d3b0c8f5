"""Which libraries a daemon loads: heavy ones only for what its configuration names."""

import json
from pathlib import Path

import pytest

from tests.agent.support import agent_process, check
from tests.probes.support import refusing

HEAVY = {"cryptography", "kubernetes_asyncio", "nats", "nkeys", "opentelemetry", "re2"}


@pytest.mark.parametrize("observes", [False, True])
def test_the_daemon_loads_no_library_that_only_other_features_need(tmp_path: Path, observes: bool) -> None:
    with refusing() as address:
        configuration: dict[str, object] = {"checks": [check("web", "http", url=f"http://{address}/")]}
        if observes:
            configuration["kubernetes"] = {"kubeconfig": str(kubeconfig(tmp_path, address)), "discovery": True}
        with agent_process(tmp_path, configuration, program=("-X", "importtime", "-m", "agent")) as agent:
            lines = [line for line in agent.log().splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip() for line in lines}
    assert "agent.app" in loaded
    assert ("agent.cluster.client" in loaded) == observes
    assert not HEAVY & loaded


def kubeconfig(folder: Path, address: str) -> Path:
    """A kubeconfig of an API server at `address`."""
    file = folder / "kubeconfig"
    document = {
        "clusters": [{"name": "it", "cluster": {"server": f"http://{address}"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it"}}],
        "current-context": "it",
    }
    file.write_text(json.dumps(document))
    return file
