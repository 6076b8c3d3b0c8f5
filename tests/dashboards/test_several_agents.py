"""What several agents see of one target is shown once, as promtool works it out on series of two agents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.alerts.case import Batch, Case
from tests.alerts.promtool import scene, unit_tests
from tests.alerts.series import OFFSET, labelled
from tests.dashboards.documents import DASHBOARDS, filled, of_panels, used_variables

pytestmark = pytest.mark.servers("promtool")

CASE = "two agents"
AGENTS = ({"job": "reachd", "instance": "agent-0"}, {"job": "reachd", "instance": "agent-1"})
BY_TWO_JOBS = ({"job": "reachd", "instance": "agent-0"}, {"job": "pods", "instance": "agent-0"})
_ID = {"deployment": "prod", "check": "broker-monitor"}
_BROKER = {**_ID, "system": "meshery", "component": "broker", "kind": "nats_monitor", "vantage": "operations"}
_OF_CHECK = f'{{cluster="{CASE}",deployment="prod",check="broker-monitor"}}'
_TLS = {"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256"}


def _seen(
    metric: str, timeline: str, agents: tuple[Mapping[str, str], ...] = AGENTS, /, **labels: str
) -> dict[str, str]:
    """A metric of a target, the same in each agent."""
    return {labelled(metric, **labels, **agent): timeline for agent in agents}


@pytest.mark.parametrize(
    ("panel", "series", "labels", "shown"),
    [
        pytest.param(
            f"reachd-broker / {title} / {ref}",
            _seen(f"nats_server_{counter}", "+300", **_BROKER),
            _OF_CHECK,
            10,
            id=f"{counter} of the Broker",
        )
        for title, ref, counter in (
            ("Messages", "A", "in_messages_total"),
            ("Messages", "B", "out_messages_total"),
            ("Bytes", "A", "in_bytes_total"),
            ("Clients cut off or held back", "A", "slow_consumers_total"),
            ("Connections made", "A", "accepted_connections_total"),
            ("JetStream: API", "A", "jetstream_api_requests_total"),
        )
    ]
    + [
        pytest.param(
            "reachd-broker / Restarts in the last hour / A",
            _seen("nats_server_start_timestamp_seconds", started, **_BROKER),
            _OF_CHECK,
            restarts,
            id=words,
        )
        for words, started, restarts in (
            ("two Brokers that answer by turns", "-9000/-8000", 0),
            ("a Broker that started anew", "-9000 10m, 600", 1),
        )
    ]
    + [
        pytest.param(
            "reachd-certificates / End within 14 days / A",
            _seen("probe_ssl_earliest_cert_expiry", "86400", **_BROKER),
            "{}",
            1,
            id="a certificate that ends soon",
        ),
        pytest.param(
            "reachd-certificates / Handshakes that fail / A",
            _seen("probe_failing", "1", reason="tls_expired", **_BROKER),
            "{}",
            1,
            id="a check that is down for a reason of TLS",
        ),
        pytest.param(
            "reachd-certificates / Negotiated / A",
            _seen("probe_tls_info", "1", **_TLS, **_BROKER),
            labelled("", **_TLS),
            1,
            id="what is negotiated with a target",
        ),
        pytest.param(
            "reachd-agent / Leaders of each lease / A",
            _seen("reachd_leading", "1", BY_TWO_JOBS, lease="reachd/observer"),
            f'{{cluster="{CASE}",lease="reachd/observer"}}',
            1,
            id="a leader that two jobs scrape",
        ),
        pytest.param(
            "reachd-check / Last run, in intervals ago / A",
            _seen("probe_last_run_timestamp_seconds", f"now-{OFFSET + 1}", **_BROKER)
            | _seen("probe_interval_seconds", "1", **_BROKER),
            "{}",
            1,
            id="a check that is run far more often than it is scraped",
        ),
    ],
)
def test_what_two_agents_see_is_shown_once(
    panel: str, series: Mapping[str, str], labels: str, shown: float, tmp_path: Path
) -> None:
    batch = Batch("two-agents", ["reachd-broker"], "20m", [Case(CASE, series=series)])
    question = {"expr": _asked(panel), "eval_time": "20m", "exp_samples": [{"labels": labels, "value": shown}]}
    said = unit_tests("promtool", batch, tmp_path, [{**scene(batch, batch.cases), "promql_expr_test": [question]}])
    assert not said, said


def _asked(panel: str) -> str:
    """The query of a panel, to the thousandth, with everything chosen."""
    (expr,) = [it.expr for dashboard in DASHBOARDS.values() for it in of_panels(dashboard) if it.where == panel]
    values = {name: "5m" if name == "__rate_interval" else ".*" for name in used_variables(expr)}
    return f"round({filled(expr, values)}, 0.001)"
