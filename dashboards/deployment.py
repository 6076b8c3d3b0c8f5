"""One deployment: which of its paths works, from where, and what happened to it."""

from alerts.thresholds import INTERMITTENT_SHARE
from dashboards import drawings, links, marks, queries, red, tables, variables
from dashboards.burning import LEFT_STEPS
from dashboards.colours import BAD, GOOD, NONE_IS_BEST, NONE_IS_GOOD, STATES, UNKNOWN, Steps, above
from dashboards.description import About
from dashboards.document import Document, Line, Section
from dashboards.naming import BURN_ALERTS, DOWN_ALERTS
from dashboards.panel import Facts, Panel
from dashboards.queries import OF_DEPLOYMENT, OF_PARTS, RULES_OF_DEPLOYMENT, WHERE
from dashboards.query import Query
from dashboards.tables import Column

_CHECK = links.from_row("This check", "Deployment", "Check")
_LATENCY = 'component=~"$component",vantage=~"$vantage",deployment=~"$deployment",cluster=~"$cluster"'
_STATES: tuple[tuple[str, Steps, str, str], ...] = (
    ("up", {None: BAD, 1: GOOD}, "all there are", "ReachdVanished"),
    ("down", NONE_IS_GOOD, "0", "ReachdCheckDown"),
    ("blocked", NONE_IS_BEST, "0", ""),
    ("unknown", {None: GOOD, 1: UNKNOWN}, "0, but for the first minute of an agent", "ReachdUnknown"),
)


def _numbers() -> list[Panel]:
    return [
        drawings.number(
            Facts(
                state.capitalize(),
                About(
                    f"Checks of the deployment that are {state}, each vantage counted.",
                    healthy,
                    "see which ones in the table below",
                    (alert,) if alert else (),
                ),
                [Query(queries.count_of(state, OF_PARTS))],
                "no checks seen",
                steps=steps,
            )
        )
        for state, steps, healthy, alert in _STATES
    ]


def _paths() -> Panel:
    state = queries.with_target(queries.state_number(OF_PARTS), OF_PARTS)
    by = "cluster, deployment, component, check, kind, vantage, instance"
    return tables.rows(
        Facts(
            "Paths",
            About(
                "Every path: from which vantage, to what, on which port, and how it is; the worst are on top.",
                "UP in each row",
                "follow the check to its dashboard; where a check waits for another one, begin with that",
                DOWN_ALERTS,
            ),
            [
                Query(f"max by ({by}, target, port, purpose, severity) ({queries.with_port(state)})"),
                Query(f"max by ({by}) (1000 * probe_state_since_timestamp_seconds{{{OF_PARTS}}})"),
                Query(f"max by ({by}) (probe_duration_seconds{{{OF_PARTS}}})"),
                Query(f"max by ({by}) (probe_tcp_rtt_seconds{{{OF_PARTS}}})"),
            ],
            "no checks",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment"),
            Column("vantage", "From"),
            Column("component", "To"),
            Column("check", "Check", links=_CHECK),
            Column("kind", "Kind"),
            Column("target", "Target"),
            Column("port", "Port", unit="string"),
            Column("Value #A", "State", words=STATES),
            Column("Value #B", "Since", unit="dateTimeFromNow"),
            Column("Value #C", "Last run took", unit="s"),
            Column("Value #D", "Round trip", unit="s"),
            Column("severity", "Severity"),
            Column("purpose", "Purpose"),
            Column("instance", "Agent", links=[links.AGENT]),
        ],
        "State",
        descending=True,
    )


def _side_by_side() -> Panel:
    place = f'label_join({queries.state_number(OF_PARTS)}, "place", " ", "vantage", "instance")'
    return tables.matrix(
        Facts(
            "The same hop from each place",
            About(
                "Each check by where it is made from: vantage and agent. An empty cell: it is not made from there.",
                "UP in each row",
                "DOWN in one column only: the path or that agent; in all of them: the target",
                ("ReachdPartlyDown",),
            ),
            [Query(f"max by (check, place) ({place})")],
            "no checks",
            mappings=[STATES],
        ),
        "check",
        "place",
    )


def _spread() -> Panel:
    duration = f"max by (deployment, check, vantage, instance) (probe_duration_seconds{{{OF_PARTS}}})"
    places = f"count by (deployment, check, vantage, instance) (probe_state{{{OF_PARTS}}})"
    several = f"count by (deployment, check) ({places}) > 1"
    return drawings.lines(
        Facts(
            "Duration of hops that several places make",
            About(
                "The last run of each check that is made from more than one place, a line for each place.",
                "lines close to each other",
                "one line apart from the others: the path from there is slow",
                ("ReachdSlow",),
            ),
            [Query(f"{duration} and on (deployment, check) ({several})", "{{check}} from {{vantage}} {{instance}}")],
            "no check is made from more than one place",
            unit="s",
        )
    )


_WAVERING = queries.wavering(queries.state_number(OF_PARTS), OF_PARTS)
_FAILED = f"check:probe_failures:ratio_rate1h{{{RULES_OF_DEPLOYMENT}}}"


def _timeline() -> Panel:
    return drawings.timeline(
        Facts(
            "States over time",
            About(
                "Each check that was not UP all the time; of several agents at one vantage, the worst state.",
                "no lines",
                "what turned DOWN first is most likely the cause; see the marks of rollouts, reloads and restarts",
                (*DOWN_ALERTS, "ReachdFlapping"),
            ),
            [Query(f"max by ({WHERE}) ({_WAVERING})", "{{check}} from {{vantage}}")],
            "UP all the time",
            mappings=[STATES],
        )
    )


def _history() -> Panel:
    return drawings.history(
        Facts(
            "Failed runs hour by hour",
            About(
                "The share of runs that failed in the hour before, of each check that failed; look at a day or a week.",
                "no lines",
                "the same hours each day: load, backups or jobs at that time; one column through all checks: the path",
                ("ReachdFlapping", *BURN_ALERTS),
            ),
            [Query(f"{_FAILED} and max_over_time({_FAILED}[$__range] @ end()) > 0", "{{check}}")],
            "no failed runs; needs the recording rules of the pack",
            unit="percentunit",
            steps=above(INTERMITTENT_SHARE),
        )
    )


def _quantiles() -> Panel:
    return drawings.lines(
        Facts(
            "Duration: successful runs",
            About(
                "What half, 95 % and 99 % of the successful runs took at most, with marks for exported traces.",
                "as it was last week; each check has its own objective",
                "see below which component it is",
                ("ReachdSlow",),
            ),
            [
                Query(queries.quantile(of, "probe_latency_seconds", _LATENCY), legend, exemplar=True)
                for of, legend in (("0.5", "50 %"), ("0.95", "95 %"), ("0.99", "99 %"))
            ],
            "no successful runs",
            unit="s",
        )
    )


def _by_component() -> Panel:
    return drawings.lines(
        Facts(
            "Duration: 95 % by component",
            About(
                "What 95 of 100 successful runs took at most, by component and vantage.",
                "as it was last week",
                "open the checks of the component that rose; their phases say where the time goes",
                ("ReachdSlow",),
            ),
            [
                Query(
                    queries.quantile("0.95", "probe_latency_seconds", _LATENCY, "component, vantage"),
                    "{{component}} from {{vantage}}",
                    exemplar=True,
                )
            ],
            "no successful runs",
            unit="s",
        )
    )


def _budgets() -> Panel:
    return drawings.bars(
        Facts(
            "Smallest error budgets left",
            About(
                "The twenty checks with the least left of what may fail in 30 days.",
                "above 0 %",
                "stop risky changes to what has none left",
                BURN_ALERTS,
            ),
            [Query(f"sort(bottomk(20, {queries.budget_left(RULES_OF_DEPLOYMENT)}))", "{{check}}")],
            "needs the recording rules of the pack",
            unit="percentunit",
            steps=LEFT_STEPS,
        ),
        least=0,
        most=1,
    )


DASHBOARD = Document(
    "reachd-deployment",
    "reachd / Deployment",
    "One deployment: which of its paths works, from where, and what happened to it.",
    [
        *variables.datasources(),
        variables.cluster("probe_state"),
        variables.one("deployment", "Deployment", 'probe_state{check!="",cluster=~"$cluster"}'),
        variables.several("component", "Component", f"probe_state{{{OF_DEPLOYMENT}}}"),
        variables.several("vantage", "Vantage", f'probe_state{{{OF_DEPLOYMENT},component=~"$component"}}'),
        variables.several("namespace", "Rollouts in", 'kube_deployment_metadata_generation{cluster=~"$cluster"}'),
    ],
    [
        marks.alerts('cluster=~"$cluster",deployment=~"$deployment"'),
        marks.rollouts('cluster=~"$cluster",namespace=~"$namespace"'),
        marks.reloads(),
        marks.broker_restarts(OF_DEPLOYMENT),
    ],
    [
        Section("Now", [Line(4, _numbers()), Line(12, [_paths()])]),
        Section("From several places", [Line(10, [_side_by_side(), _spread()])]),
        Section("Since when", [Line(14, [_timeline(), _history()], (3, 2))]),
        Section(
            "Rate, errors, duration",
            [
                Line(8, [red.runs(OF_PARTS, "component"), red.failed(OF_PARTS, "component"), red.reasons(OF_PARTS)]),
                Line(8, [red.codes(OF_PARTS), _quantiles(), _by_component(), red.slow(OF_PARTS, "component")]),
            ],
        ),
        Section("Error budgets", [Line(10, [_budgets(), red.burning(RULES_OF_DEPLOYMENT)])]),
    ],
)
