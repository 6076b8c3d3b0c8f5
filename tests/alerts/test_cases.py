"""promtool evaluates the rules as they are shipped on the series of each case: alerts fire then, and no others."""

from pathlib import Path

import pytest

from alerts import pack
from tests.alerts import (
    cases_broker,
    cases_budget,
    cases_down,
    cases_monitor,
    cases_nodes,
    cases_quality,
    cases_traffic,
    cases_verdicts,
    cases_workloads,
)
from tests.alerts.case import Batch, Shape, key
from tests.alerts.promtool import failures

BATCHES: list[Batch] = [
    *cases_down.BATCHES,
    *cases_verdicts.BATCHES,
    *cases_quality.BATCHES,
    *cases_budget.BATCHES,
    *cases_nodes.BATCHES,
    *cases_workloads.BATCHES,
    *cases_broker.BATCHES,
    *cases_monitor.BATCHES,
    *cases_traffic.BATCHES,
]


def batches() -> list[object]:
    """The batches as parameters."""
    return [pytest.param(it, id=it.name, marks=[pytest.mark.slow] if it.slow else []) for it in BATCHES]


@pytest.mark.servers("promtool")
@pytest.mark.parametrize("batch", batches())
def test_alerts_fire_when_they_should(batch: Batch, tmp_path: Path) -> None:
    wrong = failures("promtool", batch, tmp_path)
    assert not wrong, "\n".join(wrong)


def test_every_alert_has_a_case_of_every_shape() -> None:
    shown = {(case.of, case.shape) for batch in BATCHES for case in batch.cases}
    missing = [f"{key(alert)} {shape.value}" for alert in pack.alerts() for shape in Shape if (key(alert), shape) not in shown]
    assert not missing


def test_cases_are_about_alerts_that_exist() -> None:
    assert {case.of for batch in BATCHES for case in batch.cases} - {""} <= {key(alert) for alert in pack.alerts()}


def test_names_of_cases_tell_them_apart() -> None:
    names = [case.name for batch in BATCHES for case in batch.cases]
    assert len(names) == len(set(names))
