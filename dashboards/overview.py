"""All deployments: what is broken now, since when, and why."""

from dashboards import drawings, links, marks, queries, red, tables, variables
from dashboards.burning import BURN_STEPS, CALLS, LEFT_STEPS
from dashboards.colours import BAD, GOOD, NONE_IS_BEST, NONE_IS_GOOD, STATES, UNKNOWN
from dashboards.description import About
from dashboards.document import Document, Line, Section
from dashboards.naming import BURN_ALERTS, DOWN_ALERTS, PAGES
from dashboards.panel import Facts, Panel
from dashboards.queries import CLUSTER, EVERY_CHECK, ID
from dashboards.query import Query
from dashboards.tables import Column

_DEPLOYMENT = links.to("reachd-deployment", "This deployment", cluster="Cluster", deployment="Deployment")
_BY = "cluster, deployment"
_SUCCESS = f"probe_success{{{EVERY_CHECK}}}"


def _down() -> Panel:
    return drawings.number(
        Facts(
            "Down from everywhere",
            About(
                "Checks that fail from every place that they are made from.",
                "0",
                "read the reason in the table below; the first row is what broke first",
                DOWN_ALERTS,
            ),
            [Query(f"count(max by ({ID}) ({_SUCCESS}) == 0) or vector(0)")],
            "no checks seen",
            steps=NONE_IS_GOOD,
        )
    )


def _partly() -> Panel:
    return drawings.number(
        Facts(
            "Down from some places",
            About(
                "Checks that fail from some places and work from others only: look at the path first.",
                "0",
                "compare the vantages on the dashboard of the deployment",
                ("ReachdPartlyDown",),
            ),
            [Query(f"count(min by ({ID}) ({_SUCCESS}) == 0 and max by ({ID}) ({_SUCCESS}) == 1) or vector(0)")],
            "no checks seen",
            steps=NONE_IS_BEST,
        )
    )


def _blocked() -> Panel:
    return drawings.number(
        Facts(
            "Blocked",
            About(
                "Checks that are not made, because what they depend on is down; alerts tell of that instead.",
                "0",
                "repair what they wait for; the table below names it",
            ),
            [Query(queries.count_of("blocked", EVERY_CHECK))],
            "no checks seen",
            steps=NONE_IS_BEST,
        )
    )


def _unknown() -> Panel:
    return drawings.number(
        Facts(
            "Unknown",
            About(
                "Checks that say nothing about their target: not run yet, inconclusive, or the agent is to blame.",
                "0, but for the first minute of an agent",
                "look at the dashboard of the agent, then at the reasons of the check",
                ("ReachdUnknown", "ReachdMonitorBlind"),
            ),
            [Query(queries.count_of("unknown", EVERY_CHECK))],
            "no checks seen",
            steps={None: GOOD, 1: UNKNOWN},
        )
    )


def _up() -> Panel:
    return drawings.number(
        Facts(
            "Up",
            About(
                "Checks whose last conclusive run succeeded, each vantage counted.",
                "all there are",
                "a number that falls without one beside it that rises: checks have vanished",
                ("ReachdVanished",),
            ),
            [Query(queries.count_of("up", EVERY_CHECK))],
            "no checks seen",
            steps={None: BAD, 1: GOOD},
        )
    )


def _pages() -> Panel:
    firing = f'ALERTS{{alertname=~"Reachd.+",alertstate="firing",severity="critical",{CLUSTER}}}'
    return drawings.number(
        Facts(
            "Critical alerts",
            About(
                "Alerts of the pack that page somebody now, before Alertmanager groups and inhibits them.",
                "0",
                "open the runbook of each in the table below",
                PAGES,
            ),
            [Query(f"count({firing}) or vector(0)")],
            "no alerts seen",
            steps=NONE_IS_GOOD,
        )
    )


def _failing() -> Panel:
    return tables.rows(
        Facts(
            "Failing now",
            About(
                "Every check that is down: since when, why, and who is to blame; what broke first is on top.",
                "no rows",
                "follow the check to its dashboard, and run `reachd explain` with the reason for what to try first",
                DOWN_ALERTS,
            ),
            [Query(queries.failing_since(EVERY_CHECK))],
            "nothing is down",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment", links=[_DEPLOYMENT]),
            Column("component", "Component"),
            Column("check", "Check", links=links.from_row("This check", "Deployment", "Check")),
            Column("Value", "Since", unit="dateTimeFromNow"),
            Column("reason", "Reason"),
            Column("phase", "Phase"),
            Column("blame", "To blame"),
            Column("vantage", "Vantage"),
            Column("instance", "Agent", links=[links.AGENT]),
            Column("target", "Target"),
            Column("severity", "Severity"),
            Column("purpose", "Purpose"),
        ],
        "Since",
    )


def _waiting() -> Panel:
    return tables.rows(
        Facts(
            "Blocked now, and by what",
            About(
                "Every check that waits for another one, which is down or blocked itself.",
                "no rows",
                "repair the check that is waited for; these run again by themselves",
            ),
            [Query(queries.blocked_by(EVERY_CHECK))],
            "nothing is blocked",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment", links=[_DEPLOYMENT]),
            Column("check", "Check", links=links.from_row("This check", "Deployment", "Check")),
            Column("on", "Waits for"),
            Column("Value", "Since", unit="dateTimeFromNow"),
            Column("vantage", "Vantage"),
        ],
        "Since",
    )


def _alerts() -> Panel:
    matchers = f'alertname=~"Reachd.+",severity!="none",{CLUSTER}'
    return tables.rows(
        Facts(
            "Alerts",
            About(
                "Alerts of the pack that are pending or fire, and since when their condition holds.",
                "no rows",
                "follow the alert to its runbook",
                DOWN_ALERTS,
            ),
            [
                Query(
                    f"1000 * ALERTS_FOR_STATE{{{matchers}}} * ignoring (alertstate) group_right () ALERTS{{{matchers}}}"
                )
            ],
            "no alerts",
        ),
        [
            Column("alertname", "Alert", links=[links.runbook("Alert")]),
            Column("severity", "Severity"),
            Column("alertstate", "Is"),
            Column("Value", "Since", unit="dateTimeFromNow"),
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment", links=[_DEPLOYMENT]),
            Column("check", "Check", links=links.from_row("This check", "Deployment", "Check")),
            Column("name", "Client"),
            Column("node", "Node", links=[links.NODE]),
            Column("namespace", "Namespace"),
            Column("workload", "Workload"),
            Column("pod", "Pod"),
            Column("instance", "Agent", links=[links.AGENT]),
        ],
        "Since",
    )


def _deployments() -> Panel:
    by = "cluster, deployment, system"
    states = ("up", "down", "blocked", "unknown")
    counts = [Query(queries.count_of(state, EVERY_CHECK, by)) for state in states]
    budget = Query(f"min by ({by}) ({queries.budget_left(EVERY_CHECK)})")
    expiry = Query(f"min by ({by}) (1000 * probe_ssl_earliest_cert_expiry{{{EVERY_CHECK}}})")
    return tables.rows(
        Facts(
            "Each deployment",
            About(
                "Each deployment: checks by state, the smallest error budget left, the next certificate to end.",
                "nothing down, blocked or unknown; budgets above zero; certificates that are renewed in time",
                "follow the deployment to its dashboard",
                (*DOWN_ALERTS, *BURN_ALERTS, "ReachdCertificateExpiry"),
            ),
            [*counts, budget, expiry],
            "no deployments",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment", links=[_DEPLOYMENT]),
            Column("system", "System"),
            Column("Value #A", "Up", empty="0", width=90),
            Column("Value #B", "Down", steps=NONE_IS_GOOD, empty="0", width=90),
            Column("Value #C", "Blocked", steps=NONE_IS_BEST, empty="0", width=90),
            Column("Value #D", "Unknown", steps={None: GOOD, 1: UNKNOWN}, empty="0", width=90),
            Column("Value #E", "Smallest budget left", unit="percentunit", steps=LEFT_STEPS),
            Column("Value #F", "Next certificate ends", unit="dateTimeFromNow"),
        ],
        "Down",
        descending=True,
    )


def _worst_state() -> Panel:
    return drawings.timeline(
        Facts(
            "Worst state of each deployment",
            About(
                "The worst that any check of the deployment said: DOWN before UNKNOWN before BLOCKED before UP.",
                "UP all the time",
                "follow the deployment to its dashboard and see which check it was",
                DOWN_ALERTS,
            ),
            [
                Query(
                    f"max by (cluster, deployment) ({queries.state_number(EVERY_CHECK)})", "{{cluster}} {{deployment}}"
                )
            ],
            "no checks",
            mappings=[STATES],
        )
    )


def _durations() -> Panel:
    return drawings.lines(
        Facts(
            "Duration: 99 % of successful runs",
            About(
                "What 99 of 100 successful runs took at most, with marks for runs whose trace was exported.",
                "as it was last week; the objective of each check is on its own dashboard",
                "find the component on the dashboard of the deployment",
                ("ReachdSlow",),
            ),
            [
                Query(
                    queries.quantile("0.99", "probe_latency_seconds", _LATENCY, _BY),
                    "{{cluster}} {{deployment}}",
                    exemplar=True,
                )
            ],
            "no successful runs",
            unit="s",
        )
    )


_LATENCY = f'component!="",{CLUSTER}'
"""The histogram is of components, and has no check."""


def _budgets() -> Panel:
    return drawings.bars(
        Facts(
            "Smallest error budgets left",
            About(
                "The ten checks with the least left of what may fail in 30 days.",
                "above 0 %",
                "stop risky changes to what has none left, and look for the reason on the dashboard of the check",
                BURN_ALERTS,
            ),
            [Query(f"bottomk(10, {queries.budget_left(EVERY_CHECK)})", "{{deployment}} {{check}}")],
            "needs the recording rules of the pack",
            unit="percentunit",
            steps=LEFT_STEPS,
        ),
        least=0,
        most=1,
    )


def _burning() -> Panel:
    return drawings.bars(
        Facts(
            "Fastest budget burn in the last hour",
            About(
                "The ten checks that spend their error budget fastest; at 1 it lasts exactly 30 days.",
                f"below 1; at {CALLS} somebody is called",
                "see the reasons on the dashboard of the check",
                BURN_ALERTS,
            ),
            [Query(f"topk(10, {queries.burn('1h', EVERY_CHECK)})", "{{deployment}} {{check}}")],
            "needs the recording rules of the pack",
            steps=BURN_STEPS,
        ),
        least=0,
    )


DASHBOARD = Document(
    "reachd-overview",
    "reachd / Overview",
    "What is broken now, since when, and why: all deployments.",
    [*variables.datasources(), variables.cluster("probe_state")],
    [marks.alerts(), marks.reloads()],
    [
        Section(
            "Now",
            [
                Line(4, [_down(), _partly(), _blocked(), _unknown(), _up(), _pages()]),
                Line(9, [_failing()]),
                Line(8, [_waiting(), _alerts()]),
            ],
        ),
        Section("Deployments", [Line(8, [_deployments(), _worst_state()], (2, 1))]),
        Section(
            "Rate, errors, duration",
            [Line(8, [red.runs(EVERY_CHECK, _BY), red.failed(EVERY_CHECK, _BY), _durations()])],
        ),
        Section("Error budgets", [Line(8, [_budgets(), _burning()])]),
    ],
    since="now-6h",
)
