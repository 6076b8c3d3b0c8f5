"""The families that every check has: name, type, help, and how the lines of many checks are made at once.

Each is one comprehension over the records, because a call per line would cost more than the line.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.core.reasons import PHASES
from agent.core.transitions import State
from agent.metrics.record import Record
from agent.metrics.text import Description, SeriesType, escape_label, number

_UP, _DOWN = State.UP, State.DOWN
_setting = lru_cache(number)  # thousands of checks share a handful of settings
_PHASE_NAMES = tuple([str(phase) for phase in PHASES])
_GAUGE, _COUNTER, _INFO = SeriesType.GAUGE, SeriesType.COUNTER, SeriesType.INFO

Lines = Callable[[str, Sequence[Record]], list[str]]


class Family(NamedTuple):
    """A family, and the function that makes its lines from its name and some records."""

    description: Description
    lines: Lines


def _family(name: str, kind: SeriesType, text: str, lines: Lines, *labels: str) -> Family:
    return Family(Description(name, kind, text, labels), lines)


FAMILIES = (
    _family(
        "probe_success",
        _GAUGE,
        "Whether the last conclusive run succeeded; absent while the state is unknown or blocked.",
        lambda name, records: [
            f"{name}{{{r.labels}}} {'1' if r.success else '0'}\n"
            for r in records
            if r.success is not None and (r.standing.state is _UP or r.standing.state is _DOWN)
        ],
    ),
    _family(
        "probe_state",
        _GAUGE,
        "1 for the state that the check is in: up, down, unknown or blocked.",
        lambda name, records: [f'{name}{{{r.labels},state="{r.standing.state}"}} 1\n' for r in records],
        "state",
    ),
    _family(
        "probe_failing",
        _GAUGE,
        "1 while the check is down, with the reason of the last run that failed.",
        lambda name, records: [
            f"{name}{{{r.labels},{r.failure}}} 1\n" for r in records if r.standing.state is _DOWN and r.failure
        ],
        "reason",
        "phase",
        "blame",
    ),
    _family(
        "probe_duration_seconds",
        _GAUGE,
        "Duration of the last run.",
        lambda name, records: [f"{name}{{{r.labels}}} {r.duration:.9f}\n" for r in records if r.duration is not None],
    ),
    _family(
        "probe_phase_duration_seconds",
        _GAUGE,
        "Duration of each phase of the last run; they add up to the total.",
        lambda name, records: [
            f'{name}{{{r.labels},phase="{phase}"}} {seconds:.9f}\n'
            for r in records
            for phase, seconds in zip(_PHASE_NAMES, r.phases, strict=False)
            if seconds is not None
        ],
        "phase",
    ),
    _family(
        "probe_runs_total",
        _COUNTER,
        "Runs that ended, whatever they said.",
        lambda name, records: [f"{name}{{{r.labels}}} {r.runs}\n" for r in records],
    ),
    _family(
        "probe_failures_total",
        _COUNTER,
        "Runs that found the target down.",
        lambda name, records: [f"{name}{{{r.labels}}} {r.failures}\n" for r in records],
    ),
    _family(
        "probe_inconclusive_total",
        _COUNTER,
        "Runs that say nothing about the target.",
        lambda name, records: [f"{name}{{{r.labels}}} {r.inconclusive}\n" for r in records],
    ),
    _family(
        "probe_slow_total",
        _COUNTER,
        "Successful runs that took longer than the latency objective; stalls of the agent do not count.",
        lambda name, records: [f"{name}{{{r.labels}}} {r.slow}\n" for r in records],
    ),
    _family(
        "probe_failure_reasons_total",
        _COUNTER,
        "Runs by the reason why they did not succeed, those included for which the agent is to blame.",
        lambda name, records: [
            f'{name}{{{r.labels},reason="{reason}"}} {count}\n'
            for r in records
            if r.reasons is not None
            for reason, count in r.reasons.items()
        ],
        "reason",
    ),
    _family(
        "probe_last_run_timestamp_seconds",
        _GAUGE,
        "Unix time at which the last run started.",
        lambda name, records: [f"{name}{{{r.labels}}} {r.last_run:.3f}\n" for r in records if r.last_run is not None],
    ),
    _family(
        "probe_last_success_timestamp_seconds",
        _GAUGE,
        "Unix time at which the last successful run started.",
        lambda name, records: [
            f"{name}{{{r.labels}}} {r.last_success:.3f}\n" for r in records if r.last_success is not None
        ],
    ),
    _family(
        "probe_state_since_timestamp_seconds",
        _GAUGE,
        "Unix time since which the check has been in its state, at least.",
        lambda name, records: [
            f"{name}{{{r.labels}}} {r.standing.since:.3f}\n" for r in records if r.standing.since > 0
        ],
    ),
    _family(
        "probe_interval_seconds",
        _GAUGE,
        "Configured time from run to run.",
        lambda name, records: [f"{name}{{{r.labels}}} {_setting(r.check.every)}\n" for r in records],
    ),
    _family(
        "probe_slo_ratio",
        _GAUGE,
        "Configured share of the runs that must succeed.",
        lambda name, records: [f"{name}{{{r.labels}}} {_setting(r.check.slo)}\n" for r in records],
    ),
    _family(
        "probe_latency_objective_seconds",
        _GAUGE,
        "Configured duration above which a successful run is slow.",
        lambda name, records: [f"{name}{{{r.labels}}} {_setting(r.check.latency_objective)}\n" for r in records],
    ),
    _family(
        "probe_target_info",
        _INFO,
        "What is probed, why, where the check comes from and how urgent it is; the user's labels begin with label_.",
        lambda name, records: [f"{name}{{{r.labels},{r.info}}} 1\n" for r in records],
        "target",
        "purpose",
        "source",
        "severity",
    ),
    _family(
        "probe_depends_on_info",
        _INFO,
        "The checks without which this one cannot be up.",
        lambda name, records: [
            f'{name}{{{r.labels},on="{escape_label(on)}"}} 1\n' for r in records for on in r.check.depends_on
        ],
        "on",
    ),
)
