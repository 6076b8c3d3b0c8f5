"""Rate, errors and duration of checks, and their error budgets: panels that several dashboards have."""

from alerts.thresholds import INTERMITTENT_SHARE, SERVER_ERROR_SHARE, SLOW_SHARE
from dashboards import drawings, queries
from dashboards.burning import BURN_STEPS, CALLS, WINDOWS
from dashboards.colours import above
from dashboards.description import About
from dashboards.naming import BURN_ALERTS, DOWN_ALERTS
from dashboards.panel import Facts, Panel
from dashboards.query import Query


def runs(scope: str, by: str) -> Panel:
    """How many runs there are."""
    return drawings.lines(
        Facts(
            "Rate: runs",
            About(
                "Runs of checks per second. It follows from the configuration.",
                "flat",
                "a step down: an agent is gone or late; see the dashboard of the agent",
                ("ReachdStale", "ReachdAgentDown"),
            ),
            [Query(f"sum by ({by}) ({queries.rate('probe_runs_total', scope)})", _legend(by))],
            "no runs",
            unit="cps",
        )
    )


def failed(scope: str, by: str) -> Panel:
    """Which share of the runs failed."""
    return drawings.lines(
        Facts(
            "Errors: share of failed runs",
            About(
                "Failed runs against all runs; the line is the alert's, which is about one check.",
                "0 %",
                "find the reasons, and the checks that have them",
                ("ReachdFlapping", *BURN_ALERTS),
            ),
            [Query(queries.share("probe_failures_total", "probe_runs_total", scope, by), _legend(by))],
            "no runs",
            unit="percentunit",
            steps=above(INTERMITTENT_SHARE),
        )
    )


def reasons(scope: str) -> Panel:
    """Why runs did not succeed."""
    expr = f"sum by (reason) ({queries.rate('probe_failure_reasons_total', scope)}) > 0"
    return drawings.stack(
        Facts(
            "Errors: reasons",
            About(
                "Why runs did not succeed, those included for which the agent is to blame.",
                "nothing",
                "run `reachd explain` with the reason for what it means and what to try first",
                DOWN_ALERTS,
            ),
            [Query(expr, "{{reason}}")],
            "no run failed",
            unit="cps",
        )
    )


def codes(scope: str) -> Panel:
    """What HTTP targets answered."""
    return drawings.stack(
        Facts(
            "Errors: HTTP answers by status",
            About(
                "Answers by status code. Being asked to sign in is as good as 200 where the profile says so.",
                f"no 5xx; the alert fires when one code of 5xx is {SERVER_ERROR_SHARE:.0%} of a check's answers",
                "500: the program; 502 and 504: between ingress and program; 503: no endpoint, or not ready",
                ("ReachdHttpErrors",),
            ),
            [Query(f"sum by (code) ({queries.rate('probe_http_responses_total', scope)})", "{{code}}")],
            "no HTTP checks",
            unit="cps",
        )
    )


def slow(scope: str, by: str) -> Panel:
    """Which share of the successful runs took longer than the objective."""
    return drawings.lines(
        Facts(
            "Duration: share of slow runs",
            About(
                "Runs that took longer than their check's objective, against all that succeeded.",
                "near 0 %",
                "see in the phases of the check where the time goes",
                ("ReachdSlow",),
            ),
            [Query(queries.slow_share(scope, by), _legend(by))],
            "no successful runs",
            unit="percentunit",
            steps=above(SLOW_SHARE),
        )
    )


def burning(rules_scope: str) -> Panel:
    """How fast error budgets are spent, by the window that one looks at."""
    return drawings.lines(
        Facts(
            "Budget burn by window",
            About(
                "The fastest burn of any check, by the failures of 5 minutes to 3 days; at 1 it lasts 30 days.",
                f"below 1; at {CALLS} somebody is called",
                "see the reasons above; short windows high and long ones low: it has just begun",
                BURN_ALERTS,
            ),
            [Query(f"max({queries.burn(window, rules_scope)})", window) for window in WINDOWS],
            "needs the recording rules of the pack",
            steps=BURN_STEPS,
        )
    )


def _legend(by: str) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
