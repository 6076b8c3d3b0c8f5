"""One check: how it is, why, where its time goes, and what the kernel and the protocol say."""

from alerts.thresholds import CERTIFICATE_DAYS, MISSED_INTERVALS
from dashboards import drawings, links, marks, queries, red, tables, variables
from dashboards.burning import LEFT_STEPS
from dashboards.colours import STATES, UP_OR_DOWN, above, below
from dashboards.description import About
from dashboards.document import Document, Line, Section
from dashboards.naming import BURN_ALERTS, DOWN_ALERTS
from dashboards.panel import Facts, Panel
from dashboards.queries import OF_CHECK, OF_DEPLOYMENT, RULES_OF_CHECK
from dashboards.query import Query
from dashboards.tables import Column

_DEPLOYMENT = links.to("reachd-deployment", "Its deployment", cluster="Cluster", deployment="Deployment")
_FROM = "{{vantage}} {{instance}}"
_BY = "vantage, instance"
_LATENCY = 'cluster=~"$cluster",deployment=~"$deployment",component=~"$component",kind=~"$kind",vantage=~"$vantage"'
"""The histogram is of all checks of a component and a kind."""


def _state() -> Panel:
    return drawings.number(
        Facts(
            "State",
            About(
                "How the check is, from each place that it is made from.",
                "UP",
                "see the reason beside it; BLOCKED: repair what it waits for; UNKNOWN: see the dashboard of the agent",
                (*DOWN_ALERTS, "ReachdPartlyDown", "ReachdUnknown"),
            ),
            [Query(f"max by ({_BY}) ({queries.state_number(OF_CHECK)})", _FROM)],
            "no such check",
            mappings=[STATES],
        )
    )


def _since() -> Panel:
    return drawings.number(
        Facts(
            "Since",
            About(
                "When the check came into its state; where the agent keeps no state file, at least since it started.",
                "long ago",
                "look at what else happened then: the marks in the graphs, and the deployment's timeline",
                ("ReachdFlapping",),
            ),
            [Query(f"1000 * min(probe_state_since_timestamp_seconds{{{OF_CHECK}}})")],
            "not judged yet",
            unit="dateTimeFromNow",
        )
    )


def _late() -> Panel:
    # How old it was when it was scraped, as the alert has it.
    last = f"probe_last_run_timestamp_seconds{{{OF_CHECK}}}"
    return drawings.number(
        Facts(
            "Last run, in intervals ago",
            About(
                "How long ago the last run began, measured in the configured intervals. A blocked check is not run.",
                f"below {MISSED_INTERVALS}",
                "the agent is late or stands still; see its dashboard",
                ("ReachdStale", "ReachdVanished"),
            ),
            [Query(f"max((timestamp({last}) - {last}) / probe_interval_seconds{{{OF_CHECK}}})")],
            "never ran",
            steps=above(MISSED_INTERVALS),
        )
    )


def _budget() -> Panel:
    return drawings.number(
        Facts(
            "Error budget left",
            About(
                "What is left of the share of runs that may fail in 30 days.",
                "above 0 %",
                "stop risky changes to the target",
                BURN_ALERTS,
            ),
            [Query(f"min({queries.budget_left(RULES_OF_CHECK)})")],
            "needs the recording rules of the pack",
            unit="percentunit",
            steps=LEFT_STEPS,
        )
    )


def _why() -> Panel:
    return tables.rows(
        Facts(
            "Why it is down",
            About(
                "The reason of the last run that failed, the phase it was in, and who is to blame, from each place.",
                "no rows",
                "run `reachd explain` with the reason, or with the name of the check for the failure in full",
                DOWN_ALERTS,
            ),
            [Query(queries.failing_since(OF_CHECK))],
            "it is not down",
        ),
        [
            Column("cluster", "Cluster"),
            Column("vantage", "Vantage"),
            Column("instance", "Agent", links=[links.AGENT]),
            Column("reason", "Reason"),
            Column("phase", "Phase"),
            Column("blame", "To blame"),
            Column("Value", "Since", unit="dateTimeFromNow"),
        ],
        "Since",
    )


def _target() -> Panel:
    return tables.rows(
        Facts(
            "What is checked",
            About(
                "What is probed, on which port, why, how urgent it is, and where the check comes from.",
                "what you have configured",
                "change the configuration, or what is found in the cluster; `reachd targets` shows all of it",
            ),
            [Query(f"max by ({_INFO}, port) ({queries.with_port(f'probe_target_info{{{OF_CHECK}}}')})")],
            "no such check",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment", links=[_DEPLOYMENT]),
            Column("component", "Component"),
            Column("kind", "Kind"),
            Column("target", "Target"),
            Column("port", "Port", unit="string"),
            Column("purpose", "Purpose"),
            Column("severity", "Severity"),
            Column("source", "Source"),
        ],
        "Target",
    )


_INFO = "cluster, deployment, component, kind, target, purpose, severity, source"


def _depends() -> Panel:
    on = f"count by (cluster, deployment, on) (probe_depends_on_info{{{OF_CHECK}}})"
    named = f'label_replace({on}, "check", "$1", "on", "(.*)")'
    state = f"max by (cluster, deployment, check) ({queries.state_number(OF_DEPLOYMENT)})"
    return tables.rows(
        Facts(
            "What it waits for",
            About(
                "The checks that this one depends on, and how they are.",
                "UP in each row, or no rows",
                "begin with what is DOWN here",
                DOWN_ALERTS,
            ),
            [Query(f"{state} and on (cluster, deployment, check) {named}")],
            "it depends on nothing",
        ),
        [
            Column("cluster", "Cluster"),
            Column("deployment", "Deployment"),
            Column("check", "Check", links=links.from_row("That check", "Deployment", "Check")),
            Column("Value", "State", words=STATES),
        ],
        "State",
        descending=True,
    )


def _timeline() -> Panel:
    return drawings.timeline(
        Facts(
            "State over time",
            About(
                "The state from each place.",
                "UP all the time",
                "many changes: it flaps, which is most often load, or one of several replicas behind it",
                (*DOWN_ALERTS, "ReachdFlapping"),
            ),
            [Query(f"max by ({_BY}) ({queries.state_number(OF_CHECK)})", _FROM)],
            "no such check",
            mappings=[STATES],
        )
    )


def _runs() -> Panel:
    kinds = (
        ("probe_runs_total", "runs"),
        ("probe_failures_total", "failed"),
        ("probe_inconclusive_total", "said nothing"),
    )
    return drawings.lines(
        Facts(
            "Rate: runs",
            About(
                "Runs per second, and those of them that failed or said nothing about the target.",
                "runs flat, the others 0",
                "see the reasons beside it",
                ("ReachdStale", "ReachdUnknown"),
            ),
            [Query(f"sum({queries.rate(metric, OF_CHECK)})", legend) for metric, legend in kinds],
            "no runs",
            unit="cps",
        )
    )


def _phases() -> Panel:
    return drawings.stack(
        Facts(
            "Duration: phases",
            About(
                "The phases of the last run, which add up to its duration; of several places, the longest of each.",
                "the same shape all the time",
                "resolve: the name servers; connect: the path; tls: certificates or load; response: the target itself",
                ("ReachdSlow",),
            ),
            [Query(f"max by (phase) (probe_phase_duration_seconds{{{OF_CHECK}}})", "{{phase}}")],
            "not measured",
            unit="s",
        )
    )


def _durations() -> Panel:
    return drawings.lines(
        Facts(
            "Duration: runs against the objective",
            About(
                "What the last run took, from each place, and the objective of the configuration.",
                "below the objective",
                "see the phases beside it",
                ("ReachdSlow",),
            ),
            [
                Query(f"max by ({_BY}) (probe_duration_seconds{{{OF_CHECK}}})", _FROM),
                Query(f"min(probe_latency_objective_seconds{{{OF_CHECK}}})", "objective"),
            ],
            "no runs",
            unit="s",
        )
    )


def _histogram() -> Panel:
    return drawings.histogram(
        Facts(
            "Duration: successful runs of the same component and kind",
            About(
                "How many runs took how long. The dots are runs whose trace was exported: open one to see its trace.",
                "one band that does not move",
                "a second band above the first one: some of the targets, or some of the time, are slow",
                ("ReachdSlow",),
            ),
            [Query(f"sum by (le) ({queries.rate('probe_latency_seconds_bucket', _LATENCY)})", "{{le}}", exemplar=True)],
            "no successful runs",
            unit="s",
        )
    )


def _round_trip() -> Panel:
    return drawings.lines(
        Facts(
            "Round trip in the kernel",
            About(
                "The round-trip time of the connection as the kernel measured it: true even while the agent is busy.",
                "as it was last week",
                "risen together with the duration: the path; not risen: the target or the agent",
                ("ReachdSlow",),
            ),
            [Query(f"max by ({_BY}) (probe_tcp_rtt_seconds{{{OF_CHECK}}})", _FROM)],
            "no TCP connection",
            unit="s",
        )
    )


def _retransmits() -> Panel:
    return drawings.lines(
        Facts(
            "Segments sent again",
            About(
                "TCP segments that were sent again, SYNs included, per second, as the kernel counted them.",
                "0",
                "packets are lost on the way: look at the interfaces, the queues and the firewalls between",
                ("ReachdSlow",),
            ),
            [Query(f"sum by ({_BY}) ({queries.rate('probe_tcp_retransmits_total', OF_CHECK)})", _FROM)],
            "no TCP connection",
            unit="cps",
        )
    )


def _certificate() -> Panel:
    return drawings.number(
        Facts(
            "Days until the certificate ends",
            About(
                "The first certificate of the chain to end; negative where it has ended.",
                f"above {CERTIFICATE_DAYS} days",
                "renew it; see the dashboard of certificates",
                ("ReachdCertificateExpiry",),
            ),
            [Query(f"min(probe_ssl_earliest_cert_expiry{{{OF_CHECK}}} - time()) / 86400")],
            "no TLS",
            unit="none",
            steps=below(CERTIFICATE_DAYS),
        ),
        decimals=1,
    )


def _inside() -> Panel:
    return drawings.timeline(
        Facts(
            "Checks inside of the target",
            About(
                "What the target says of its own parts at its health endpoint.",
                "UP all the time",
                "the part that is DOWN is what the target itself misses",
                ("ReachdCheckDown",),
            ),
            [Query(f"min by (name) (healthz_check{{{OF_CHECK}}})", "{{name}}")],
            "no health endpoint",
            mappings=[UP_OR_DOWN],
        )
    )


def _grpc() -> Panel:
    return drawings.number(
        Facts(
            "gRPC status",
            About(
                "The status code of the last answer; any but 14 from a proxy proves that the port works.",
                "0, or 12 where the target has no health service",
                "look up the code; 14: nothing behind the proxy",
                ("ReachdCheckDown", "ReachdAdapterDown"),
            ),
            [Query(f"max by ({_BY}) (probe_grpc_status_code{{{OF_CHECK}}})", _FROM)],
            "no gRPC",
            unit="none",
        )
    )


def _pong() -> Panel:
    return drawings.lines(
        Facts(
            "WebSocket: from ping to pong",
            About(
                "The time from our ping to the pong, on an open WebSocket.",
                "as the round trip",
                "far above the round trip: the target is busy",
                ("ReachdWebSocketDown",),
            ),
            [Query(f"max by ({_BY}) (probe_websocket_pong_seconds{{{OF_CHECK}}})", _FROM)],
            "no WebSocket",
            unit="s",
        )
    )


def _answers() -> Panel:
    return drawings.lines(
        Facts(
            "DNS: records in the answer",
            About(
                "Records of the type that was asked for.",
                "as many as you have published",
                "fewer: some are gone, or some name servers are behind",
                ("ReachdCheckDown",),
            ),
            [Query(f"min by ({_BY}) (probe_dns_answers{{{OF_CHECK}}})", _FROM)],
            "no DNS check",
            unit="none",
        )
    )


DASHBOARD = Document(
    "reachd-check",
    "reachd / Check",
    "One check: how it is, why, and where its time goes.",
    [
        *variables.datasources(),
        variables.cluster("probe_state"),
        variables.one("deployment", "Deployment", 'probe_state{check!="",cluster=~"$cluster"}'),
        variables.one("check", "Check", f"probe_state{{{OF_DEPLOYMENT}}}"),
        variables.several("vantage", "Vantage", f'probe_state{{{OF_DEPLOYMENT},check=~"$check"}}'),
        variables.hidden("component", f"probe_state{{{OF_CHECK}}}"),
        variables.hidden("kind", f"probe_state{{{OF_CHECK}}}"),
    ],
    [marks.alerts(RULES_OF_CHECK), marks.reloads()],
    [
        Section(
            "Now",
            [
                Line(5, [_state(), _since(), _late(), _budget()]),
                Line(5, [_target(), _why()], (3, 2)),
            ],
        ),
        Section("Since when", [Line(7, [_timeline(), _depends()], (2, 1))]),
        Section("Rate and errors", [Line(8, [_runs(), red.failed(OF_CHECK, "vantage"), red.reasons(OF_CHECK)])]),
        Section(
            "Duration",
            [
                Line(9, [_phases(), _durations()]),
                Line(9, [_histogram(), red.slow(OF_CHECK, "vantage")]),
                Line(8, [_round_trip(), _retransmits()]),
            ],
        ),
        Section("Error budget", [Line(8, [red.burning(RULES_OF_CHECK)])]),
        Section(
            "What the protocol says",
            [Line(8, [red.codes(OF_CHECK), _inside()]), Line(7, [_certificate(), _grpc(), _pong(), _answers()])],
        ),
    ],
)
