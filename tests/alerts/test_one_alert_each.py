"""Each check of the profile and of every kind is told by one alert when it is down, whatever its severity."""

from pathlib import Path

import pytest

from agent.probes import probe_kinds
from tests.alerts.case import Batch, Case
from tests.alerts.promtool import scene, unit_tests
from tests.alerts.watched import Watched
from tests.profiles.support import checks, deployment

_DOWN = "up 1m, down"
_CLOSED = "up 1m, down:unexpectedly_open"
_METRICS = ("probe_success", "probe_target_info", "probe_failing")
_ALERT = {"page": "critical", "ticket": "warning", "info": "info"}


def _of_the_profile(severity: str) -> list[Watched]:
    """All checks of a deployment of Meshery with everything configured, as if all had this severity."""
    return [
        Watched(
            _CLOSED if getattr(check.settings, "expect_closed", False) else _DOWN,
            check.name,
            check.component,
            check.kind,
            severity,
        )
        for check in checks(deployment()).values()
    ]


def _of_users(severity: str) -> list[Watched]:
    """A check of each kind outside of any deployment."""
    return [
        Watched(_DOWN, f"of-kind-{kind}", "custom", kind, severity, deployment="default", system="custom")
        for kind in probe_kinds()
    ]


@pytest.mark.slow
@pytest.mark.servers("promtool")
@pytest.mark.parametrize("severity", ["page", "ticket", "info"])
def test_each_check_has_one_alert(severity: str, tmp_path: Path) -> None:
    watched = [*_of_the_profile(severity), *_of_users(severity)]
    assert len(watched) > 100
    batch = Batch("each", ["reachd-checks"], "4m", [], metrics=_METRICS)
    case = Case("each", watched)
    question = {
        "expr": 'count by (deployment, check, severity) (ALERTS{alertstate="firing"})',
        "eval_time": "4m",
        "exp_samples": [
            {"labels": f'{{deployment="{it.deployment}",check="{it.check}",severity="{_ALERT[severity]}"}}', "value": 1}
            for it in watched
        ],
    }
    said = unit_tests("promtool", batch, tmp_path, [{**scene(batch, [case]), "promql_expr_test": [question]}])
    assert not said, said


@pytest.mark.slow
@pytest.mark.servers("promtool")
def test_ports_of_the_profile_that_must_be_closed_are_told_as_open(tmp_path: Path) -> None:
    closed = [it for it in _of_the_profile("info") if it.runs == _CLOSED]
    batch = Batch("closed", ["reachd-checks"], "4m", [], metrics=_METRICS)
    question = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": "4m",
        "exp_samples": [{"labels": '{alertname="ReachdPortExposed"}', "value": len(closed)}],
    }
    scraped = scene(batch, [Case("closed", closed)])
    said = unit_tests("promtool", batch, tmp_path, [{**scraped, "promql_expr_test": [question]}])
    assert closed
    assert not said, said
