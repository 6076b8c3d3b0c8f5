"""Writes the dashboards: `python -m dashboards`, or `make packs`; by default beside this file."""

import argparse
from pathlib import Path

from alerts.rule import Links
from dashboards.catalogue import DASHBOARDS
from dashboards.document import text_of


def main() -> None:
    """Writes each dashboard into a file that is called like its uid."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Writes the dashboards for Grafana.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, metavar="DIR", help="where to")
    parser.add_argument("--runbooks", default=Links().runbooks, help="URL of the runbooks' folder, as people reach it")
    options = parser.parse_args()
    folder: Path = options.output
    for dashboard in DASHBOARDS:
        text = text_of(dashboard).replace(Links().runbooks, options.runbooks.rstrip("/"))
        (folder / f"{dashboard.uid}.json").write_text(text)


if __name__ == "__main__":
    main()
