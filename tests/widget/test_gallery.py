"""The gallery shows every state, each as it is meant to be; the pictures in the documentation are of it."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.widget.gallery import IMAGES, PICTURES, STATES, open_state, serve_gallery
from tests.widget.test_accessible import AXE, settle, violations

ROOT = Path(__file__).parents[2]


async def test_every_state_of_the_gallery_is_there_and_can_be_used_by_everyone(browser: Browser) -> None:
    """axe-core finds nothing in any of them, and no script fails under the page's own policy. Proves: WI-45."""
    said: list[str] = []
    async with serve_gallery() as url:
        context = await browser.new_context(viewport={"width": 560, "height": 720}, reduced_motion="reduce")
        page = await context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if "policy" in message.text.lower() else None)
        found = {}
        for state in STATES:
            await open_state(page, url, f"state={state}")
            await settle(page)
            found[state] = await violations(page) if AXE.exists() else []
        await context.close()
    assert said == []
    assert {state: list(one) for state, one in found.items() if one} == {}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("unread", "2"),
        ("streaming", "Measure the chain"),
        ("error", "Not sent: the workshop is closed"),
        ("offline", "Waiting for a connection"),
        ("stopped", "This chat is not available on this page."),
        ("past", "An order that did not come"),
        ("files", "invoice.pdf"),
        ("people", "Ben is typing…"),
        ("handoff", "A person has joined"),
    ],
)
async def test_a_state_is_the_one_it_says(page: Page, state: str, text: str) -> None:
    """A gallery that shows something else would be worse than none. Proves: WI-45."""
    async with serve_gallery() as url:
        await open_state(page, url, f"state={state}")
        await expect(page.get_by_text(text).first).to_be_visible()


async def test_the_gallery_page_holds_a_frame_for_each_state(page: Page) -> None:
    """One look shows what a change did. Proves: WI-45."""
    async with serve_gallery() as url:
        await page.goto(f"{url}/gallery")
        sources = await page.locator("iframe").evaluate_all("all => all.map((one) => one.src)")
        shown = page.frame_locator("iframe").first.locator(".launcher")
        await expect(shown).to_be_visible()
    assert {found[1] for src in sources if (found := re.search(r"state=(\w+)", src))} == set(STATES)


def test_the_pictures_are_there_small_and_shown() -> None:
    """Who reads the page sees what they get. Proves: WI-45."""
    page = (ROOT / "docs/widget.md").read_text()
    for name in PICTURES:
        file = IMAGES / f"widget-{name}.png"
        assert file.stat().st_size <= 40_000, name
        assert f"images/{file.name}" in page
