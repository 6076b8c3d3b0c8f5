"""Draws the dashboards: `python -m pictures`, or `make pictures`. The page must be built before.

A recording takes 25 minutes. One that is there already is only drawn, which takes a minute.
"""

import argparse
import asyncio
from pathlib import Path

from dashboards.catalogue import DASHBOARDS
from pictures.drawing import draw
from pictures.recording import Recording, record

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Records where there is no recording yet, and writes a picture of each dashboard."""
    uids = [dashboard.uid for dashboard in DASHBOARDS]
    parser = argparse.ArgumentParser(prog="python -m pictures", description="Draws the dashboards.")
    parser.add_argument("uids", nargs="*", default=uids, metavar="UID", help="which ones (default: all)")
    parser.add_argument("--recording", type=Path, required=True, metavar="DIR", help="where Prometheus' data is kept")
    parser.add_argument("--output", type=Path, default=_ROOT / "docs/dashboards", metavar="DIR", help="where to")
    options = parser.parse_args()
    folder: Path = options.recording.resolve()  # Prometheus runs in a folder of its own
    folder.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    recording = Recording.read(folder) or asyncio.run(record(folder))
    draw(folder, recording, options.uids, options.output)


if __name__ == "__main__":
    main()
