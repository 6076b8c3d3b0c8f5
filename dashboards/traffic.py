"""The traffic of users, where ingress-nginx or Istio is scraped: panels of the dashboard of Kubernetes."""

from alerts.thresholds import SERVER_ERROR_SHARE
from dashboards import drawings
from dashboards.colours import above
from dashboards.description import About
from dashboards.panel import Facts, Panel
from dashboards.query import Query
from dashboards.workloads import SCOPE

_ABSENT = "neither ingress-nginx nor Istio is scraped, or the rules of the pack are not loaded"
_BY = "cluster, namespace, service"


def requests() -> Panel:
    """How many requests there are."""
    return drawings.lines(
        Facts(
            "Traffic: requests",
            About(
                "Requests of users per second, by service.",
                "as at the same time last week",
                "none where there were some: users do not arrive; see the checks of the external URL",
                ("ReachdTrafficStopped",),
            ),
            [Query(f"sum by ({_BY}) (service:traffic_requests:rate5m{{{SCOPE}}})", "{{service}}")],
            _ABSENT,
            unit="reqps",
        )
    )


def errors() -> Panel:
    """Which share of the answers are errors."""
    server_errors = f'service:traffic_requests:rate5m{{{SCOPE},code=~"5.."}}'
    every = f"sum by ({_BY}) (service:traffic_requests:rate5m{{{SCOPE}}})"
    return drawings.lines(
        Facts(
            "Traffic: share of server errors",
            About(
                "Answers with 500 to 599 against all, by service and code.",
                f"below {SERVER_ERROR_SHARE:.0%}",
                "500: the program; 502 and 504: between ingress and program; 503: no endpoint, or not ready",
                ("ReachdTrafficErrors", "ReachdErrorBudgetBurn"),
            ),
            [
                Query(
                    f"sum by ({_BY}, code) ({server_errors}) / on ({_BY}) group_left () {every}", "{{service}} {{code}}"
                )
            ],
            _ABSENT,
            unit="percentunit",
            steps=above(SERVER_ERROR_SHARE),
        )
    )


def duration() -> Panel:
    """How long answers take."""
    return drawings.lines(
        Facts(
            "Traffic: duration, 95 %",
            About(
                "What 95 of 100 requests of users took at most, by service.",
                "below the latency objective of the checks on the Server",
                "compare with the checks: slow there, too, is the Server; only here, it is what users ask for",
                ("ReachdTrafficSlow",),
            ),
            [Query(f"max by ({_BY}) (service:traffic_latency_seconds:p95{{{SCOPE}}})", "{{service}}")],
            _ABSENT,
            unit="s",
        )
    )
