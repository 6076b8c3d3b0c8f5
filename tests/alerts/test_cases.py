"""promtool evaluates the rules as they are shipped on the series of each case: alerts fire then, and no others."""

from pathlib import Path

import pytest

from alerts import pack
from alerts.rule import Severity
from tests.alerts.all_cases import BATCHES
from tests.alerts.case import Batch, Case, Shape, key
from tests.alerts.promtool import failures, scene, unit_tests


def batches() -> list[object]:
    """The batches as parameters."""
    return [pytest.param(it, id=it.name, marks=[pytest.mark.slow] if it.slow else []) for it in BATCHES]


@pytest.mark.servers("promtool")
@pytest.mark.parametrize("batch", batches())
def test_alerts_fire_when_they_should(batch: Batch, tmp_path: Path) -> None:
    wrong = failures("promtool", batch, tmp_path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.servers("promtool-3")
@pytest.mark.parametrize("batch", batches())
def test_alerts_fire_when_they_should_in_prometheus_3(batch: Batch, tmp_path: Path) -> None:
    wrong = failures("promtool-3", batch, tmp_path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.servers("promtool")
def test_the_watchdog_fires_with_no_data_and_with_any(tmp_path: Path) -> None:
    well = Case("well", series={'reachd_build_info{instance="agent-0"}': "1 2m, gone"})
    batch = Batch("watchdog", ["reachd-agent"], "5m", [well])
    labels = '{alertname="ReachdWatchdog",alertstate="firing",component="agent",severity="none"}'
    question = {
        "expr": 'count_over_time(ALERTS{alertname="ReachdWatchdog",alertstate="firing"}[301s])',
        "eval_time": "5m",
        "exp_samples": [{"labels": labels, "value": 11}],
    }
    tests = [{**scene(batch, cases), "promql_expr_test": [question]} for cases in ([], [well])]
    assert not unit_tests("promtool", batch, tmp_path, tests)


def test_every_alert_has_a_case_of_every_shape() -> None:
    shown = {(case.of, case.shape) for batch in BATCHES for case in batch.cases}
    # Nothing can be done to the Watchdog that it does not fire; it has a test of its own.
    alerts = [key(alert) for alert in pack.alerts() if alert.severity is not Severity.NONE]
    missing = [f"{alert} {shape.value}" for alert in alerts for shape in Shape if (alert, shape) not in shown]
    assert not missing, "\n".join(missing)


def test_cases_are_about_alerts_that_exist() -> None:
    assert {case.of for batch in BATCHES for case in batch.cases} - {""} <= {key(alert) for alert in pack.alerts()}


def test_names_of_cases_tell_them_apart() -> None:
    names = [case.name for batch in BATCHES for case in batch.cases]
    assert len(names) == len(set(names))
