"""Every fault is found where it is, for its own reason, and is gone when it is repaired."""

from __future__ import annotations

import pytest

from agent.core.reasons import Reason
from agent.core.secrets import conceal
from agent.demo.faults import FAULTS, Fault, Switchboard
from agent.demo.simulation import Simulation
from tests.demo.conftest import REAL, STAND_IN
from tests.demo.observation import failures, observe, plan_from

SILENT = (Reason.CONNECT_TIMEOUT, Reason.RESPONSE_TIMEOUT, Reason.STREAM_BUFFERED)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_brings_down_exactly_its_checks(simulation: Simulation, fault: Fault) -> None:
    await _assert_found_and_repaired(simulation, fault)


@pytest.mark.parametrize("simulation", [REAL], indirect=True)
@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if "broker-monitor" in fault.expected], ids=lambda it: it.name
)
async def test_faults_of_the_broker_look_the_same_with_a_real_one(simulation: Simulation, fault: Fault) -> None:
    await _assert_found_and_repaired(simulation, fault)


async def _assert_found_and_repaired(simulation: Simulation, fault: Fault) -> None:
    checks = plan_from(simulation).checks
    switchboard = Switchboard(simulation)
    await switchboard.set(fault.name, True)
    silent = [name for name, reason in fault.expected.items() if reason in SILENT]
    assert failures(checks, await observe(checks, silent)) == dict(fault.expected)
    await switchboard.set(fault.name, False)
    assert failures(checks, await observe(checks)) == {}


@pytest.mark.parametrize("simulation", [STAND_IN, REAL], indirect=True)
async def test_faults_of_the_same_part_do_not_repair_each_other(simulation: Simulation) -> None:
    checks = tuple(check for check in plan_from(simulation).checks if check.name.startswith("broker-"))
    switchboard = Switchboard(simulation)
    await switchboard.set("broker-down", True)
    await switchboard.set("meshsync-disconnected", True)
    await switchboard.set("broker-down", False)
    assert failures(checks, await observe(checks)) == {"broker-monitor": Reason.CLIENT_MISSING}
    await switchboard.set("broker-down", True)
    await switchboard.set("meshsync-disconnected", False)
    await switchboard.set("broker-down", False)
    assert failures(checks, await observe(checks)) == {}


@pytest.mark.parametrize("fault", ["session-expired", "broker-token-rotated"])
async def test_a_token_that_is_not_accepted_is_no_word_of_the_reports(simulation: Simulation, fault: str) -> None:
    checks = plan_from(simulation).checks
    switchboard = Switchboard(simulation)
    await switchboard.set(fault, True)
    await observe(checks)
    await switchboard.set(fault, False)
    words = "certificate has expired: it was rotated-elsewhere"
    assert conceal(words) == words


async def test_switches_say_what_is_on(simulation: Simulation) -> None:
    switchboard = Switchboard(simulation)
    await switchboard.set("adapter-hung", True)
    await switchboard.set("adapter-hung", True)
    assert [switch.name for switch in switchboard.switches() if switch.on] == ["adapter-hung"]
    await switchboard.set("adapter-hung", False)
    assert not any(switch.on for switch in switchboard.switches())
    with pytest.raises(KeyError):
        await switchboard.set("no-such-fault", True)


def test_every_fault_has_words_for_people() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.title and fault.symptom and fault.expected for fault in FAULTS)
