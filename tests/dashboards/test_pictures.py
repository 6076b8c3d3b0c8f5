"""Each dashboard has its picture in the documentation, small enough to be looked at there."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from agent.demo.faults import FAULTS
from dashboards.catalogue import DASHBOARDS
from pictures import script

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDTH = 1600
MOST_BYTES = 300_000


@pytest.mark.parametrize("uid", [dashboard.uid for dashboard in DASHBOARDS])
def test_a_dashboard_has_its_picture(uid: str) -> None:
    picture = (DOCS / "dashboards" / f"{uid}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    (width,) = struct.unpack(">I", picture[16:20])
    assert width == WIDTH
    assert len(picture) < MOST_BYTES
    assert f"(dashboards/{uid}.png)" in (DOCS / "dashboards.md").read_text()


def test_there_is_no_other_picture() -> None:
    assert {file.stem for file in (DOCS / "dashboards").iterdir()} == {dashboard.uid for dashboard in DASHBOARDS}


def test_a_recording_breaks_what_the_demo_can_break() -> None:
    spans = [span for spans in script.FAULTS.values() for span in spans]
    assert {span.what for span in spans} <= {fault.name for fault in FAULTS}
    assert all(0 <= span.start < span.end <= script.END for span in [*spans, script.KILLED])
