"""Draws the dashboards: `python -m dashboards.pictures`, or `make pictures`. The page must be built before.

A recording takes 25 minutes. One that is there already is only drawn, which takes a minute.
"""

import argparse
import asyncio
from pathlib import Path

from dashboards.catalogue import DASHBOARDS
from dashboards.pictures.drawing import draw
from dashboards.pictures.recording import Recording, record

_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Records where there is no recording yet, and writes a picture of each dashboard."""
    uids = [dashboard.uid for dashboard in DASHBOARDS]
    parser = argparse.ArgumentParser(prog="python -m dashboards.pictures", description="Draws the dashboards.")
    parser.add_argument("uids", nargs="*", default=uids, metavar="UID", help="which ones (default: all)")
    parser.add_argument("--recording", type=Path, required=True, metavar="DIR", help="where Prometheus' data is kept")
    parser.add_argument("--output", type=Path, default=_ROOT / "docs/dashboards", metavar="DIR", help="where to")
    options = parser.parse_args()
    options.recording.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)
    recording = Recording.read(options.recording) or asyncio.run(record(options.recording))
    draw(options.recording, recording, options.uids, options.output)


if __name__ == "__main__":
    main()
