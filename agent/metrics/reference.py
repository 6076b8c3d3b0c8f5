"""Writes docs/metrics.md from the catalogue. Run: python -m agent.metrics.reference > docs/metrics.md"""

import sys
from collections.abc import Iterator, Sequence

from agent.core.reasons import Reason
from agent.metrics.catalogue import Entry, catalogue
from agent.metrics.families import CHECK_LABELS
from agent.metrics.latency import BOUNDS

_INTRODUCTION = """\
# Metrics

This page is generated from the code by `make docs`.

`/metrics` answers in the Prometheus text format 0.0.4, or in OpenMetrics 1.0 to a reader that prefers it. Only
OpenMetrics has exemplars: the trace ids of successful runs whose traces are exported. gzip is used when the reader
takes it. Eight scrapes may be in progress at once; one more is answered with 503.

In OpenMetrics the families of counters and of info metrics have names without `_total` and `_info`; the names of
their samples, which are all that a query sees, are the same in both formats.
"""

_CHECKS = """\
## Every check

The series of a check begin with the check and end with it. Counters begin at 0; a check that is changed and keeps
its labels keeps its counters. Besides the labels shown, each series except the histogram has {labels}. A check
outside of any deployment has `deployment="default"`, `system="custom"` and `component="custom"`.

`probe_failure_reasons_total` counts every reason, those included for which the agent is to blame; such runs are in
`probe_inconclusive_total`, not in `probe_failures_total`. A run that overlapped a stall of the agent's event loop
of over 10 ms is neither in the histogram nor in `probe_slow_total`, but in `reachd_stalled_runs_total`. The buckets
of the histogram end at {bounds} seconds.

The labels of a check from the configuration are in `probe_target_info`, with `label_` before their names.
"""

_PROBES = """\
## Some kinds of probes

What a kind of probe measures besides. A gauge or info metric that the last run did not measure is absent, and so is
a counter that the target keeps while it cannot be read; a counter that the agent keeps exists from its first sample
on. The values of labels come from closed lists or from the configuration: whatever else a target sends is `other`.
"""

_AGENT = """\
## The agent itself

And `process_*` as prometheus-client has them: CPU time, memory, open files, start time.
"""


def reference() -> str:
    """The page, as Markdown."""
    families = catalogue()
    labels = ", ".join([f"`{label}`" for label in CHECK_LABELS])
    bounds = ", ".join([f"{bound:g}" for bound in BOUNDS])
    agent = [entry for entry in families.agent if not entry.family.name.startswith("process_")]
    return "\n".join(
        [
            _INTRODUCTION,
            _CHECKS.format(labels=labels, bounds=bounds),
            *_table(("metric", "type", "what it says"), families.checks),
            "",
            f"Reasons are: {', '.join([f'`{reason}`' for reason in Reason])}.",
            "",
            _PROBES,
            *_table(("metric", "type", "what it says", "probes"), families.probes),
            "",
            _AGENT,
            *_table(("metric", "type", "what it says"), agent),
            "",
        ]
    )


def _table(columns: Sequence[str], entries: Sequence[Entry]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for family, _, kinds in entries:
        labels = f"{{{','.join(family.labels)}}}" if family.labels else ""
        cells = [f"`{family.name}{labels}`", family.type, family.help.replace("|", "\\|"), ", ".join(kinds)]
        yield f"| {' | '.join(cells[: len(columns)])} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
