"""Draws dashboards from a recording, with Grafana's own components in a browser."""

import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Error, Route, sync_playwright

from pictures.recording import Recording
from pictures.scraping import SCRAPE_SECONDS, prometheus_of
from tests.servers.catalogue import find

_HERE = Path(__file__).resolve().parent
_DASHBOARDS = _HERE.parent / "dashboards"
_PATH = "/pictures/"
"""Where Prometheus would have the page, so that it may ask it: a browser lets no page ask another host."""

_ICONS = _HERE / "node_modules/@grafana/ui/dist/public/img/icons"
_HTML = (
    '<!doctype html><link rel="stylesheet" href="page.css"><body style="margin: 0"><div id="root"></div>'
    '<script src="page.js"></script>'
)
_ICON = '[data-testid="title-items-container"] svg:has(path)'
"""Beside the title of each panel; it comes after all else."""
_WIDTH = 1600

_CHOSEN: Mapping[str, Mapping[str, str]] = {
    "reachd-deployment": {"deployment": "prod"},
    "reachd-check": {"deployment": "prod", "check": "server-live"},
    "reachd-broker": {"deployment": "prod"},
}
"""Variables by dashboard, where the picture is not of what a reader sees first."""


def draw(folder: Path, recording: Recording, uids: Sequence[str], output: Path) -> None:
    """Writes a picture of each dashboard, called like its uid."""
    with _prometheus(folder) as url, sync_playwright() as playwright:
        program = find("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for uid in uids:
            (output / f"{uid}.png").write_bytes(_picture(browser, uid, recording, url))
        browser.close()


@contextmanager
def _prometheus(folder: Path) -> Iterator[str]:
    with TemporaryDirectory(prefix="reachd-") as name:
        configuration = Path(name) / "prometheus.yml"
        configuration.write_text("")
        with prometheus_of(folder, configuration) as server:
            yield server.url


def _picture(browser: Browser, uid: str, recording: Recording, url: str) -> bytes:
    dashboard = json.loads((_DASHBOARDS / f"{uid}.json").read_text())
    order = {
        "dashboard": dashboard,
        "prometheus": url,
        "since": recording.since,
        "until": recording.until,
        "scrapeSeconds": SCRAPE_SECONDS,
        "variables": _CHOSEN.get(uid, {}),
    }
    page = browser.new_page(viewport={"width": _WIDTH, "height": 1000}, reduced_motion="reduce")
    page.on("pageerror", _tell)
    page.route(f"{url}{_PATH}**", _serve)
    page.clock.set_fixed_time(recording.until)
    page.goto(f"{url}{_PATH}")
    page.evaluate("order => window.draw(order)", order)
    height: int = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": _WIDTH, "height": height})  # what is outside of it is not always painted
    panels = sum(panel["type"] != "row" for panel in dashboard["panels"])
    page.wait_for_function(f"document.querySelectorAll('{_ICON}').length === {panels}")
    page.evaluate("document.fonts.ready")
    whole = b64encode(page.screenshot()).decode()
    small: str = page.evaluate("picture => window.shrink(picture)", f"data:image/png;base64,{whole}")
    page.close()
    return b64decode(small.partition(",")[2])


def _tell(error: Error) -> None:
    sys.stderr.write(f"{error}\n")


def _serve(route: Route) -> None:
    """Answers with a file of the bundle, or with one of Grafana's icons."""
    path = route.request.url.partition(_PATH)[2]
    icon = _ICONS / path.partition("img/icons/")[2]
    if not path:
        route.fulfill(body=_HTML, content_type="text/html")
    elif path.endswith(".svg") and icon.is_file():
        route.fulfill(path=icon)
    elif (file := _HERE / "build" / path).is_file():
        route.fulfill(path=file)
    else:
        route.fulfill(status=404)
