"""The page for those who see little contrast, aim with a thumb, or have it read out to them (WCAG 2.2, AA)."""

import pytest
from playwright.async_api import Browser

from tests.web.support import Agent, Faults
from tests.web.test_browser import a_board, card, visited

pytestmark = [pytest.mark.slow, pytest.mark.servers("chromium"), pytest.mark.asyncio(loop_scope="module")]

_OPEN_ALL = "for (const details of document.querySelectorAll('details')) details.open = true"

_POOR_CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const parsed = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => top.slice(0, 3).map((it, place) => it * top[3] + below[place] * (1 - top[3]));
    const luminance = (colour) => {
        const linear = (it) => it <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = colour.map((it) => linear(it / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        const layers = [];
        for (let it = element; it; it = it.parentElement) layers.unshift(parsed(getComputedStyle(it).backgroundColor));
        return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const poor = [];
    for (const element of document.body.querySelectorAll("*")) {
        if (!element.checkVisibility() || element.closest("svg")) continue;
        if (![...element.childNodes].some((it) => it.nodeType === Node.TEXT_NODE && it.nodeValue.trim())) continue;
        const style = getComputedStyle(element);
        const below = ground(element);
        const pair = [luminance(over(parsed(style.color), below)), luminance(below)].sort((a, b) => b - a);
        const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        const words = element.textContent.slice(0, 40);
        if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)}: ${element.className} ${words}`);
    }
    return poor;
}"""

_UNSOUND = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const levels = all("h1, h2, h3, h4").filter((it) => it.checkVisibility()).map((it) => Number(it.localName[1]));
    const leaps = levels.filter((level, place) => place && level > levels[place - 1] + 1);
    return [
        ...leaps.map((level) => `a heading h${level} without one above it`),
        ...all("a, button, summary").filter((it) => !it.textContent.trim()).map((it) => it.outerHTML),
        ...all("input:not([type=hidden])").filter((it) => !it.labels.length).map((it) => it.outerHTML),
        ...all("svg:not([aria-hidden]):not([aria-label])").map((it) => it.outerHTML),
    ];
}"""

_SMALL_TARGETS = """() => [...document.querySelectorAll("button, summary, input, nav a")]
    .filter((it) => it.checkVisibility() && it.getBoundingClientRect().height < 24)
    .map((it) => it.textContent)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_has_contrast(browser: Browser, scheme: str) -> None:
    async with visited(browser, Agent(a_board(), faults=Faults()), color_scheme=scheme) as page:
        await page.evaluate(_OPEN_ALL)
        assert await page.evaluate(_POOR_CONTRAST) == []


async def test_the_structure_is_sound(browser: Browser) -> None:
    async with visited(browser, Agent(a_board(), faults=Faults())) as page:
        await page.evaluate(_OPEN_ALL)
        assert await page.evaluate(_UNSOUND) == []
        assert await page.get_by_role("heading", level=1).count() == 1
        for landmark in ("banner", "main", "contentinfo", "search"):
            assert await page.get_by_role(landmark).count() == 1, landmark


async def test_a_thumb_can_hit_what_it_aims_at(browser: Browser) -> None:
    phone = {"width": 360, "height": 740}
    async with visited(browser, Agent(a_board(), faults=Faults()), viewport=phone, has_touch=True) as page:
        assert await page.evaluate(_SMALL_TARGETS) == []
        await card(page, "server-live").locator("summary").tap()
        assert await card(page, "server-live").get_attribute("open") is not None
