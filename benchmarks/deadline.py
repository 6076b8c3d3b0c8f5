"""Some two hundred targets that hang, beside targets that are well: who outlives the timeout, and who begins late."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

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
        ("longest run over its timeout, s", watched.longest() - TIMEOUT, 0.1, "{:.3f}"),
        ("share of runs begun over 50 ms late", 1 - punctual / runs, 0.01, "{:.4f}"),
        ("missed slots", missed, 0, "{:.0f}"),
        ("failed runs of targets that are well", failed, 0, "{:.0f}"),
    ]
    sys.stdout.write(f"{len(watched.hung)} hung checks beside {len(watched.well)} that are well, {runs:.0f} runs\n")
    for name, seen, bar, form in rows:
        sys.stdout.write(f"{name:40} {form.format(seen):>8}  bar {bar:g}\n")
    return 0 if all(seen <= bar for _, seen, bar, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
