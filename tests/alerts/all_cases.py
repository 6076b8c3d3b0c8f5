"""The batches of all tables."""

from tests.alerts import (
    cases_broker,
    cases_budget,
    cases_down,
    cases_monitor,
    cases_nodes,
    cases_quality,
    cases_together,
    cases_traffic,
    cases_verdicts,
    cases_workloads,
)
from tests.alerts.case import Batch

BATCHES: list[Batch] = [
    *cases_down.BATCHES,
    *cases_verdicts.BATCHES,
    *cases_quality.BATCHES,
    *cases_budget.BATCHES,
    *cases_broker.BATCHES,
    *cases_nodes.BATCHES,
    *cases_workloads.BATCHES,
    *cases_monitor.BATCHES,
    *cases_traffic.BATCHES,
    *cases_together.BATCHES,
]
