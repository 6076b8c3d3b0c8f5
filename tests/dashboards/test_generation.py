"""The checked-in files are what the code makes, the same each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dashboards.catalogue import DASHBOARDS
from dashboards.document import text_of
from tests.dashboards.documents import FOLDER

UIDS = {
    "reachd-overview",
    "reachd-deployment",
    "reachd-check",
    "reachd-broker",
    "reachd-kubernetes",
    "reachd-certificates",
    "reachd-agent",
}
"""Part of links and bookmarks: these never change."""


def test_the_files_are_up_to_date_and_there_is_no_other() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert written == {f"{dashboard.uid}.json": text_of(dashboard) for dashboard in DASHBOARDS}
    assert {dashboard.uid for dashboard in DASHBOARDS} == UIDS


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "dashboards", "--output", str(tmp_path)]
    subprocess.run(command, check=True, env=environment, cwd=FOLDER.parent)
    for path in FOLDER.glob("*.json"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
