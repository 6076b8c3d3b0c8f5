"""The agent itself: whether the monitor sees, and what it costs."""

from alerts.thresholds import BLIND_SHARE, MISSED_SHARE, SCHEDULE_DELAY_SECONDS
from dashboards import drawings, marks, queries, tables, variables
from dashboards.colours import BAD, COLOUR_OF_STATE, GOOD, NONE_IS_BEST, UP_OR_DOWN, YES_OR_NO, above
from dashboards.description import About
from dashboards.document import Document, Line, Section
from dashboards.panel import Facts, Panel
from dashboards.queries import CLUSTER
from dashboards.query import Query
from dashboards.tables import Column

_AGENT = f'{CLUSTER},job=~"$job",instance=~"$instance"'
_BY = "cluster, instance"
_NAME = "{{instance}}"


def _up() -> Panel:
    return drawings.timeline(
        Facts(
            "Scraped",
            About(
                "Whether Prometheus reads the agent.",
                "UP all the time",
                "look at its pod, its log and the NetworkPolicy between Prometheus and it",
                ("ReachdAgentDown", "ReachdMonitorBlind"),
            ),
            [Query(f"min by ({_BY}) (up{{{_AGENT}}})", _NAME)],
            "no agent is scraped",
            mappings=[UP_OR_DOWN],
        )
    )


def _versions() -> Panel:
    return tables.rows(
        Facts(
            "Agents",
            About(
                "Each agent: its version, whether its configuration is the one on disk, and since when.",
                "one version; YES",
                "a NO: read its log, or `reachd validate`; it goes on with the configuration that it has",
                ("ReachdConfigRejected",),
            ),
            [
                Query(f"max by ({_BY}, version, python) (reachd_build_info{{{_AGENT}}})"),
                Query(f"min by ({_BY}) (reachd_config_last_reload_successful{{{_AGENT}}})"),
                Query(f"1000 * max by ({_BY}) (reachd_config_last_reload_success_timestamp_seconds{{{_AGENT}}})"),
                Query(f"1000 * max by ({_BY}) (process_start_time_seconds{{{_AGENT}}})"),
            ],
            "no agent is scraped",
        ),
        [
            Column("cluster", "Cluster"),
            Column("instance", "Agent"),
            Column("version", "Version"),
            Column("python", "Python"),
            Column("Value #B", "Configuration in use", words=YES_OR_NO),
            Column("Value #C", "Put to use", unit="dateTimeFromNow"),
            Column("Value #D", "Started", unit="dateTimeFromNow"),
        ],
        "Agent",
    )


def _checks() -> Panel:
    return drawings.stack(
        Facts(
            "Checks by state",
            About(
                "How many checks the agents have, by state.",
                f"nearly all up; unknown from {BLIND_SHARE:.0%} on means that the monitor is blind",
                "unknown: see the delays below, and the reasons on the dashboard of the deployment",
                ("ReachdMonitorBlind", "ReachdUnknown"),
            ),
            [Query(f"sum by (state) (reachd_checks{{{_AGENT}}})", "{{state}}")],
            "no checks",
        ),
        COLOUR_OF_STATE,
    )


def _blind() -> Panel:
    unseen = f'sum by ({_BY}) (reachd_checks{{{_AGENT},state="unknown"}})'
    return drawings.lines(
        Facts(
            "Share of checks without a verdict",
            About(
                "Checks that are unknown, against all of the agent. The alert is about all agents of a deployment.",
                "0 %, but for the first minute",
                "the agent is overloaded, forbidden to connect, or just started",
                ("ReachdMonitorBlind", "ReachdUnknown"),
            ),
            [Query(f"{unseen} / sum by ({_BY}) (reachd_checks{{{_AGENT}}})", _NAME)],
            "no checks",
            unit="percentunit",
            steps=above(BLIND_SHARE, BAD),
        )
    )


def _leaders() -> Panel:
    agents = f"max by (cluster, lease, instance) (reachd_leading{{{_AGENT}}})"
    return drawings.number(
        Facts(
            "Leaders of each lease",
            About(
                "How many agents say that they lead their replicas; the one that does watches the cluster.",
                "1 for each lease",
                "0: see whether they may write the Lease; 2 for longer than its duration: clocks or the API server",
                ("ReachdNoLeader",),
            ),
            [Query(f"sum by (cluster, lease) ({agents})", "{{lease}}")],
            "no agent watches a cluster together with others",
            steps={None: BAD, 1: GOOD, 2: BAD},
        )
    )


def _sources() -> Panel:
    return drawings.lines(
        Facts(
            "Age of what sources said",
            About(
                "Time since the last good snapshot of each source. A source that fails keeps the last one.",
                "seconds; a static configuration is never read again and says so by its name",
                "see whether the agent may list and watch, and reaches the API server or the file",
                ("ReachdSourceStale",),
            ),
            [
                Query(
                    f"time() - max by ({_BY}, source)"
                    f' (reachd_source_last_success_timestamp_seconds{{{_AGENT},source!="static"}})',
                    f"{_NAME} {{{{source}}}}",
                )
            ],
            "no source but the configuration",
            unit="s",
        )
    )


def _schedule() -> Panel:
    return drawings.lines(
        Facts(
            "Delay of runs, 99 %",
            About(
                "How late 99 of 100 runs began, at most.",
                f"below {SCHEDULE_DELAY_SECONDS:g} s",
                "too many checks for the limits, or too little CPU: see below",
                ("ReachdAgentLate",),
            ),
            [Query(queries.quantile("0.99", "reachd_schedule_delay_seconds", _AGENT, _BY), _NAME)],
            "no runs",
            unit="s",
            steps=above(SCHEDULE_DELAY_SECONDS),
        )
    )


def _loop() -> Panel:
    return drawings.lines(
        Facts(
            "Delay of the event loop, 99 %",
            About(
                "How late the event loop woke a task that only waits. While it is high, durations are the agent's own.",
                "below 10 ms",
                "give it CPU: a limit that throttles is the most frequent cause",
                ("ReachdAgentLate",),
            ),
            [Query(queries.quantile("0.99", "reachd_event_loop_delay_seconds", _AGENT, _BY), _NAME)],
            "no runs",
            unit="s",
        )
    )


def _missed() -> Panel:
    missed, runs = (f"sum by ({_BY}) ({queries.rate(name, _AGENT)})" for name in ("reachd_slots_missed_total", _RUNS))
    return drawings.lines(
        Facts(
            "Share of slots missed",
            About(
                "Slots without a run, against runs: the run before had not ended, or limits were full.",
                f"below {MISSED_SHARE:.0%}",
                "raise the limits or the intervals, or share the checks among more agents",
                ("ReachdAgentLate",),
            ),
            [Query(f"{missed} / {runs}", _NAME)],
            "no runs",
            unit="percentunit",
            steps=above(MISSED_SHARE),
        )
    )


_RUNS = "reachd_schedule_delay_seconds_count"


def _stalled() -> Panel:
    return drawings.lines(
        Facts(
            "Runs that met a stall",
            About(
                "Runs per second whose times are left out of the latency: the event loop stood still meanwhile.",
                "near 0",
                "give it CPU",
                ("ReachdAgentLate",),
            ),
            [Query(f"sum by ({_BY}) ({queries.rate('reachd_stalled_runs_total', _AGENT)})", _NAME)],
            "no runs",
            unit="cps",
        )
    )


def _dropped() -> Panel:
    return drawings.lines(
        Facts(
            "Dropped by sinks in ten minutes",
            About(
                "What a sink dropped, because its queue was full or its receiver did not take it.",
                "0",
                "see whether the receiver, such as the collector of traces, is there and fast enough",
                ("ReachdAgentDropping",),
            ),
            [
                Query(
                    f"sum by ({_BY}, sink) (increase(reachd_sink_dropped_total{{{_AGENT}}}[10m]))",
                    f"{_NAME} {{{{sink}}}}",
                )
            ],
            "no sinks",
            steps=NONE_IS_BEST,
        )
    )


def _exposition() -> Panel:
    return drawings.lines(
        Facts(
            "Time for a scrape, 99 %",
            About(
                "What a scrape cost the event loop, in slices of about a millisecond.",
                "far below the interval of the scrapes",
                "fewer checks per agent, or longer intervals between scrapes",
                ("ReachdAgentLate",),
            ),
            [Query(queries.quantile("0.99", "reachd_exposition_seconds", _AGENT, _BY), _NAME)],
            "no scrapes",
            unit="s",
        )
    )


def _cpu() -> Panel:
    return drawings.lines(
        Facts(
            "CPU",
            About(
                "Cores that the agent uses.",
                "a fraction of one",
                "compare with the runs per second: the cost of a run should not change",
                ("ReachdAbnormalUsage",),
            ),
            [Query(f"sum by ({_BY}) ({queries.rate('process_cpu_seconds_total', _AGENT)})", _NAME)],
            "no agent is scraped",
            unit="none",
        )
    )


def _memory() -> Panel:
    return drawings.lines(
        Facts(
            "Memory",
            About(
                "Resident memory.",
                "flat, and below the limit of its container",
                "rising without end is a fault of the agent: report it",
                ("ReachdNearLimit", "ReachdAbnormalUsage"),
            ),
            [Query(f"max by ({_BY}) (process_resident_memory_bytes{{{_AGENT}}})", _NAME)],
            "no agent is scraped",
            unit="bytes",
        )
    )


def _files() -> Panel:
    share = f"max by ({_BY}) (process_open_fds{{{_AGENT}}}) / max by ({_BY}) (process_max_fds{{{_AGENT}}})"
    return drawings.lines(
        Facts(
            "Open files against the limit",
            About(
                "File descriptors in use, as a share of the limit; when they run out, checks become unknown.",
                "far below 100 %",
                "raise the limit, or lower limits.in_flight",
                ("ReachdUnknown",),
            ),
            [Query(share, _NAME)],
            "no agent is scraped",
            unit="percentunit",
        )
    )


DASHBOARD = Document(
    "reachd-agent",
    "reachd / Agent",
    "The agent itself: whether the monitor sees, and what it costs.",
    [
        *variables.datasources(),
        variables.cluster("reachd_build_info"),
        variables.several("job", "Job", 'reachd_build_info{cluster=~"$cluster"}', None),
        variables.several("instance", "Agent", 'reachd_build_info{cluster=~"$cluster",job=~"$job"}'),
    ],
    [marks.alerts('cluster=~"$cluster",instance=~"$instance|"'), marks.reloads(_AGENT)],
    [
        Section("Now", [Line(7, [_versions(), _leaders()], (3, 1)), Line(7, [_up()])]),
        Section("Does it see", [Line(8, [_checks(), _blind(), _sources()])]),
        Section("Is it on time", [Line(8, [_schedule(), _missed(), _loop(), _stalled()])]),
        Section("What leaves it", [Line(8, [_dropped(), _exposition()])]),
        Section("What it costs", [Line(8, [_cpu(), _memory(), _files()])]),
    ],
)
