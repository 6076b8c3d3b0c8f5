"""Writes the dashboards: `python -m dashboards [--output DIR]`, by default beside this file."""

import argparse
from pathlib import Path

from dashboards.catalogue import DASHBOARDS
from dashboards.document import text_of


def main() -> None:
    """Writes each dashboard into a file that is called like its uid."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description="Writes the dashboards for Grafana.")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, metavar="DIR", help="where to")
    folder: Path = parser.parse_args().output
    for dashboard in DASHBOARDS:
        (folder / f"{dashboard.uid}.json").write_text(text_of(dashboard))


if __name__ == "__main__":
    main()
