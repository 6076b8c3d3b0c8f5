"""The page in a real browser: live, by keyboard, in the dark, on a phone, without JavaScript, and under attack."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from agent.core.check import Path
from agent.core.reasons import Reason
from tests.web.support import Agent, Board, Faults, check, listening, outcome, untestable_row

pytestmark = [pytest.mark.slow, pytest.mark.servers("chromium"), pytest.mark.asyncio(loop_scope="module")]

LONG = "anamethatneverends" * 15
HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'`}]--><!-- \x00\x1b[31m\u202e"


def a_board() -> Board:
    """One check in every state, one that is being looked at again, one with names as long as they come."""
    board = Board(
        check("server-live"),
        check("broker-client", path=Path("Meshery Server", "Meshery Broker", "4222/tcp", "Events")),
        check("broker-monitor", depends_on=("broker-client",)),
        check("never-run"),
        check("suspect"),
        check(LONG, target=f"http://{LONG}.test/{LONG}?{LONG}", path=Path(LONG, LONG, "65535/gRPC", LONG)),
        untestable=[untestable_row()],
    )
    for _ in range(70):
        board.up("server-live")
    board.down("broker-client", Reason.CONNECT_REFUSED, "Connection refused")
    board.blocked("broker-monitor", by="broker-client")
    board.up("suspect")
    board.ran("suspect", outcome(Reason.RESPONSE_TIMEOUT, "no answer in 5 s"))
    board.down(LONG, Reason.UPGRADE_STRIPPED, LONG)
    return board


@asynccontextmanager
async def visited(browser: Browser, agent: Agent, path: str = "/", **context: Any) -> AsyncIterator[Page]:
    """The agent's page in a fresh window. Fails when the browser had anything to complain of."""
    complaints: list[str] = []
    async with listening(agent), await browser.new_context(**context) as window:
        page = await window.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda line: complaints.append(f"{line.type}: {line.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        await page.goto(f"{agent.url}{path}")
        yield page
        await page.close()
    assert not complaints


def card(page: Page, name: str) -> Locator:
    return page.locator(f'[id="card:prod/{name}"]')


async def test_changes_appear_without_a_reload(browser: Browser) -> None:
    board = Board(check("server-live"), check("broker-client"))
    board.up("server-live")
    async with visited(browser, Agent(board)) as page:
        await page.evaluate("window.since = 1")
        await expect(page.locator("h1")).to_have_text("1 up, 1 not known yet")
        async with asyncio.timeout(30):
            while not board.readers:
                await asyncio.sleep(0.01)
        board.down("broker-client", Reason.CONNECT_REFUSED, "Connection refused")
        # Sooner than the page would ask by itself.
        await expect(page.locator("h1")).to_have_text("1 of 2 connections is down", timeout=2000)
        await expect(page).to_have_title("1 down · reachd")
        await expect(card(page, "broker-client")).to_have_attribute("open", "")
        await expect(card(page, "broker-client").locator(".state")).to_have_text("down")
        await expect(page.locator("#broken")).to_contain_text("Nothing listens on the port.")
        board.up("broker-client")
        await expect(page.locator("h1")).to_have_text("All 2 connections are up")
        await expect(page.locator("#broken")).to_be_hidden()
        assert await page.evaluate("window.since") == 1


async def test_what_cannot_be_told_is_not_green(browser: Browser) -> None:
    names = ("server-live", "broker-client", "broker-monitor", "provider")
    board = Board(*[check(name) for name in names])
    for name in names:
        board.up(name)
    async with visited(browser, Agent(board)) as page:
        headline, icon = page.locator("h1"), page.locator("link[rel=icon]")
        await expect(headline).to_have_class("up")
        await expect(icon).to_have_attribute("href", re.compile(r"/icon\.svg$"))
        for name in names[1:]:
            board.ran(name, outcome(Reason.OVERLOADED), outcome(Reason.OVERLOADED))
        await expect(headline).to_have_text("3 of 4 connections cannot be told")
        await expect(headline).to_have_class("unknown")
        await expect(page).to_have_title("3 unknown · reachd")
        await expect(icon).to_have_attribute("href", re.compile(r"/unknown\.svg$"))
        board.down("server-live", Reason.CONNECT_REFUSED)
        await expect(headline).to_have_text("1 of 4 connections is down")
        await expect(page).to_have_title("1 down · reachd")
        await expect(icon).to_have_attribute("href", re.compile(r"/broken\.svg$"))


async def test_a_change_leaves_the_reader_where_they_are(browser: Browser) -> None:
    board = Board(*[check(f"check-{number}") for number in range(60)])
    for number in range(60):
        board.up(f"check-{number}")
    async with visited(browser, Agent(board)) as page:
        await card(page, "check-50").locator("summary").click()
        await page.evaluate("getSelection().selectAllChildren(document.querySelector('[id=\"prod/check-50\"] .facts'))")
        scrolled, selected = await page.evaluate("[scrollY, String(getSelection())]")
        assert scrolled > 0
        assert selected
        board.down("check-59", Reason.SERVER_ERROR)
        await expect(card(page, "check-59").locator(".state")).to_have_text("down")
        assert await card(page, "check-50").get_attribute("open") == ""
        assert await page.evaluate("document.activeElement.closest('details').id") == "card:prod/check-50"
        # What is broken appears above, and the reader's card stays under their eyes.
        assert await page.evaluate("String(getSelection())") == selected
        await card(page, "check-59").locator("summary").click()
        board.down("check-58", Reason.SERVER_ERROR)
        await expect(card(page, "check-58").locator(".state")).to_have_text("down")
        assert await card(page, "check-59").get_attribute("open") is None  # closed by the reader, so it stays closed


async def test_the_search_narrows_while_one_types(browser: Browser) -> None:
    board = Board(check("server-live"), check("broker-client"), check("broker-monitor"))
    async with visited(browser, Agent(board)) as page:
        await page.locator("#search").press_sequentially("broker")
        await expect(page.locator(".check")).to_have_count(2)
        assert page.url.endswith("/?search=broker")
        board.down("broker-client", Reason.DNS_TIMEOUT)
        await expect(card(page, "broker-client").locator(".state")).to_have_text("down")
        await expect(page.locator("#search")).to_be_focused()
        await expect(page.locator("#search")).to_have_value("broker")
        await page.locator("#search").fill("")
        await expect(page.locator(".check")).to_have_count(3)


async def test_an_agent_that_is_gone_is_said(browser: Browser) -> None:
    agent = Agent(Board(check()))
    async with listening(agent), await browser.new_context() as window:
        page = await window.new_page()
        await page.goto(agent.url)
        await agent.server.close()
        await expect(page.locator("#live")).to_contain_text("does not answer")


async def test_it_reads_without_javascript(browser: Browser) -> None:
    async with visited(browser, Agent(a_board()), java_script_enabled=False) as page:
        await expect(page.locator("h1")).to_have_text("2 of 6 connections are down")
        for name, state in {"server-live": "up", "broker-client": "down", "never-run": "unknown"}.items():
            await expect(card(page, name).locator(".state")).to_have_text(state)
        await expect(card(page, "suspect").locator(".finding")).to_contain_text("failed once, looking again")
        # A link opens the card it leads to, closed or not.
        await card(page, "broker-client").locator("summary").click()
        await expect(card(page, "broker-client").locator(".more")).to_be_hidden()
        await page.locator("#broken a", has_text="broker-client").click()
        await expect(card(page, "broker-client").locator(".more")).to_be_visible()
        await expect(card(page, "broker-client").locator(".more")).to_contain_text("Connection refused")
        await card(page, "broker-monitor").locator("summary").click()
        await card(page, "broker-monitor").locator(".blocked-by a").click()
        assert page.url.endswith("#prod/broker-client")
        await page.locator("#untestable summary").click()
        await expect(page.locator("#untestable li")).to_contain_text("only MeshSync's own network namespace can tell")
        await page.locator("#filter a", has_text="blocked").click()
        await expect(page.locator(".check")).to_have_count(1)


@pytest.mark.parametrize("script", [True, False], ids=["with-javascript", "without-javascript"])
async def test_a_fault_is_switched_by_a_click(browser: Browser, script: bool) -> None:
    faults = Faults()
    async with visited(browser, Agent(Board(check()), faults=faults), java_script_enabled=script) as page:
        switch = page.get_by_role("switch", name="The Broker is gone")
        await expect(switch).not_to_be_checked()
        await switch.click()
        await expect(switch).to_be_checked()
        await expect(page.locator(".symptom")).to_have_text("The UI stands still.")
        assert faults.on == {"broker-down"}
        await switch.press("Space")
        await expect(switch).not_to_be_checked()
        await expect(page.locator("#demo summary")).to_contain_text("0 of 2 faults on")
        assert not faults.on


async def test_everything_can_be_reached_by_keyboard(browser: Browser) -> None:
    board = Board(check("server-live"))
    board.up("server-live")
    async with visited(browser, Agent(board)) as page:
        await page.keyboard.press("Tab")
        skip = page.locator(".skip")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("#checks")).to_be_focused()
        await page.keyboard.press("Tab")
        summary = card(page, "server-live").locator("summary")
        await expect(summary).to_be_focused()
        outline = await summary.evaluate("element => getComputedStyle(element).outlineStyle")
        assert outline == "solid"
        await page.keyboard.press("Enter")
        await expect(card(page, "server-live").locator(".more")).to_be_visible()
        # A refresh does not take the focus away.
        board.down("server-live", Reason.TLS_EXPIRED)
        await expect(card(page, "server-live").locator(".state")).to_have_text("down")
        await expect(summary).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_both_colour_schemes(browser: Browser, scheme: str) -> None:
    async with visited(browser, Agent(a_board()), color_scheme=scheme) as page:
        red, green, blue = await page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        assert (red + green + blue < 3 * 64) is (scheme == "dark")


@pytest.mark.parametrize("width", [360, 640, 1000, 1280])
async def test_nothing_is_cut_and_nothing_overlaps(browser: Browser, width: int) -> None:
    agent = Agent(a_board(), faults=Faults())
    async with visited(browser, agent, viewport={"width": width, "height": 740}) as page:
        await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        troubles = await page.evaluate(_TROUBLES)
        assert troubles == []


_TROUBLES = """() => {
  const found = [];
  const visible = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 0;
  for (const element of document.querySelectorAll("main *, header *")) {
    if (!visible(element) || element.closest("svg") || getComputedStyle(element).display === "inline") continue;
    if (element.localName !== "input" && element.scrollWidth > element.clientWidth + 1)
      found.push(`cut: ${element.localName}.${element.className} ${element.textContent.slice(0, 40)}`);
  }
  for (const line of document.querySelectorAll(".check > summary, .more, .findings, #filter, #broken li, #demo ul")) {
    const boxes = [...line.children].filter(visible).map((child) => [child, child.getBoundingClientRect()]);
    for (const [one, a] of boxes) for (const [two, b] of boxes) {
      const beside = a.left > b.right - 1 || b.left > a.right - 1 || a.top > b.bottom - 1 || b.top > a.bottom - 1;
      if (one !== two && !beside) found.push(`overlap: ${one.className} and ${two.className}`);
    }
  }
  return found;
}"""


async def test_every_state_has_a_shape_of_its_own(browser: Browser) -> None:
    async with visited(browser, Agent(a_board())) as page:
        shapes = await page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.check .state')].map("
            "(state) => [state.textContent, state.querySelector('svg').innerHTML]))"
        )
    assert set(shapes) == {"up", "down", "unknown", "blocked"}
    assert len(set(shapes.values())) == 4


async def test_what_targets_say_is_only_text(browser: Browser) -> None:
    board = Board(check("server-live", path=Path(HOSTILE, HOSTILE, "1/tcp", HOSTILE), target=HOSTILE))
    board.down("server-live", Reason.BODY_MISMATCH, HOSTILE)
    board.ran("server-live", outcome(advice=HOSTILE, detail=HOSTILE))
    async with visited(browser, Agent(board)) as page:
        await card(page, "server-live").locator("summary").click()
        await expect(card(page, "server-live").locator(".detail")).to_contain_text("<script>window.hacked=1</script>")
        board.down("server-live", Reason.BODY_MISMATCH, HOSTILE * 2)
        await expect(card(page, "server-live").locator(".state")).to_have_text("down")
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("img, iframe, body script").count() == 0
        text = await page.locator("body").inner_text()
        assert not set("\x00\x1b\u202e") & set(text)


async def test_what_a_reader_searches_for_is_only_text(browser: Browser) -> None:
    path = '/?search="><script>window.hacked=1</script>&deployment="><img src=x onerror=window.hacked=1>'
    async with visited(browser, Agent(a_board()), path) as page:
        assert await page.evaluate("window.hacked") is None
        await expect(page.locator("#search")).to_have_value('"><script>window.hacked=1</script>')


@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "turn")])
async def test_nothing_moves_for_those_who_do_not_want_it(browser: Browser, motion: str, animation: str) -> None:
    async with visited(browser, Agent(a_board()), reduced_motion=motion) as page:
        mark = card(page, "suspect").locator(".recheck .mark")
        assert await mark.evaluate("element => getComputedStyle(element).animationName") == animation


async def test_on_paper_there_is_nothing_to_press(browser: Browser) -> None:
    async with visited(browser, Agent(a_board(), faults=Faults())) as page:
        await page.emulate_media(media="print")
        await expect(page.locator("#demo")).to_be_hidden()
        await expect(page.locator("#filter")).to_be_hidden()
        await expect(page.locator("h1")).to_be_visible()
