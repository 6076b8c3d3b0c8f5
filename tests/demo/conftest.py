"""A simulated deployment for each test, with a Broker of the kind that the test asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.demo.simulation import Simulation, simulated_meshery
from tests.servers.catalogue import find

STAND_IN = pytest.param("stand-in")
REAL = pytest.param("nats-server", marks=pytest.mark.servers("nats-server"))


@pytest.fixture(params=[STAND_IN])
async def simulation(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Simulation]:
    """A healthy deployment. Parametrize indirectly with STAND_IN and REAL for another Broker than the stand-in."""
    program = find("nats-server") if request.param == "nats-server" else None
    monkeypatch.setenv("PATH", str(program.parent if program else tmp_path))
    async with simulated_meshery() as running:
        assert running.broker.is_real is (program is not None)
        yield running
