"""What identifies a check over all vantages and agents, and how a description tells what each of them saw.

`cluster` is a label of Prometheus' targets where there are several clusters, and absent where there is one.
blackbox_exporter has metrics of the same names, without the label `check`: every selector asks for one.
"""

from alerts.rule import Dashboard

CHECK = "cluster, deployment, check"
"""Enough to match by: `check` is unique in its deployment."""

ID = "cluster, deployment, system, component, check, kind"
"""What alerts on checks are labelled with. Neither reason nor instance, so that neither begins `for` anew."""

ONE = f"on ({ID}, vantage, instance, job)"
"""Matches series of one check as one agent sees it."""

GAP = "90s"
"""How far rules look back: three scrapes, so that an agent's restart or a failover of the observer is no gap."""

SUBJECT = "{{ $labels.check }}, component {{ $labels.component }} of deployment {{ $labels.deployment }}"

CHECK_DASHBOARD = Dashboard("reachd-check", ("cluster", "deployment", "check"))
BROKER_DASHBOARD = Dashboard("reachd-broker", ("cluster", "deployment"))
DEPLOYMENT_DASHBOARD = Dashboard("reachd-deployment", ("cluster", "deployment"))


def increase(metric: str, window: str) -> str:
    """By how much a counter of each check has grown within `window`, all vantages together."""
    return f'sum by ({ID}) (increase({metric}{{check!=""}}[{window}]))'


def each(query: str, words: str, *labels: str) -> str:
    """A piece of a description: `words` for each series that `query` gives, in the order of these labels.

    Without an order a description would change from one evaluation to the next.
    `CHECK` in `query` stands for the matchers of the alert's check. In `words`, .Labels and .Value are the series'.
    """
    matchers = "cluster=%q,deployment=%q,check=%q"
    arguments = " ".join(["$labels.cluster $labels.deployment $labels.check"] * query.count("{CHECK}"))
    query = query.replace("{CHECK}", f"{{{matchers}}}")
    order = "".join(f' | sortByLabel "{label}"' for label in reversed(labels))
    return f"{{{{ range query (printf `{query}` {arguments}){order} }}}}{words}{{{{ end }}}}"


TARGET = each(
    "count by (target, purpose) (probe_target_info{CHECK})",
    " {{ .Labels.purpose }}, at {{ .Labels.target }}.",
    "target",
)

STATE = each(
    "count by (state) (probe_state{CHECK})", " Now {{ .Labels.state }} for {{ .Value }} of the agents.", "state"
)

FAILING = each(
    "count by (vantage, reason, phase, blame) (probe_failing{CHECK})",
    " From vantage {{ .Labels.vantage }}: {{ .Labels.reason }} in phase {{ .Labels.phase }}, "
    "to blame: {{ .Labels.blame }}.",
    "vantage",
    "reason",
    "phase",
)

STATUS = each('count_values("code", probe_http_status_code{CHECK})', " HTTP status {{ .Labels.code }}.", "code")

SINCE = each(
    "min(probe_state_since_timestamp_seconds{CHECK} and ignoring (reason, phase, blame) probe_failing{CHECK})",
    " Since {{ .Value | humanizeTimestamp }}.",
)
