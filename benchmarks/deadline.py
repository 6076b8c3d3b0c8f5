"""Some two hundred targets that hang, beside targets that are well: who outlives the timeout, and who begins late."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bars import Row, judge
from tests.agent.hung import TIMEOUT, watch_hung_targets
from tests.agent.support import select


def main() -> int:
    """Prints what was seen beside its bars. Returns 1 when one is missed."""
    with TemporaryDirectory() as folder:
        watched = asyncio.run(watch_hung_targets(Path(folder)))
    punctual, runs = watched.begun("0.05")
    missed = sum(select(watched.samples, "reachd_slots_missed_total", {}).values())
    failed = sum(select(watched.samples, "probe_failures_total", {})[name] for name in watched.well)
    rows = [
        Row("longest run over its timeout, s", watched.longest() - TIMEOUT, 0.1, "{:.3f}"),
        Row("share of runs begun over 50 ms late", 1 - punctual / runs, 0.01, "{:.4f}"),
        Row("missed slots", missed, 0, "{:.0f}"),
        Row("failed runs of targets that are well", failed, 0, "{:.0f}"),
    ]
    sys.stdout.write(f"{len(watched.hung)} hung checks beside {len(watched.well)} that are well, {runs:.0f} runs\n")
    return judge(rows)


if __name__ == "__main__":
    sys.exit(main())
