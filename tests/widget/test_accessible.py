"""Everybody can use it: axe-core finds nothing, and what it cannot see is checked by hand."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say

AXE = Path(__file__).parents[2] / "widget/node_modules/axe-core/axe.min.js"
FEATURES = ["sessions", "memories", "forget", "feedback", "typing"]
ANSWER = """Here is **what I found**:

1. Run `parley serve`, see [the page](https://example.com/docs).
   - nested

| model | cost |
|---|---:|
| small | 0.01 |

```python
print("hello, this is a line of code that is much longer than the panel is wide")
```

> quoted

- [x] done
"""


def page_of(lang: str, direction: str) -> str:
    """A small correct page that embeds the widget."""
    return (
        f'<!doctype html><html lang="{lang}" dir="{direction}"><meta name="viewport" content="width=device-width">'
        '<title>A shop</title><script src="/widget.js" data-site="shop" async></script>'
        "<main><h1>A shop</h1><p>Words.</p></main>"
    )


async def violations(page: Page) -> list[str]:
    """What axe-core says of the page as it is, each with the element."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE.read_text() + ";0")
    found: list[dict[str, Any]] = await page.evaluate("axe.run(document).then((result) => result.violations)")
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


async def settle(page: Page) -> None:
    """Colours are read after the opening animation, not in it."""
    await page.evaluate(
        "Promise.all(document.querySelector('parley-chat').shadowRoot.getAnimations().map(a => a.effect.getTiming()"
        ".iterations === Infinity || a.finished))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("lang", "direction"), [("en", "ltr"), ("ar", "rtl")])
@pytest.mark.parametrize("width", [1200, 390])
async def test_axe_finds_nothing_in_any_state(
    gateway: FakeGateway, browser: Browser, scheme: Any, lang: str, direction: str, width: int
) -> None:
    """Closed, open, streaming, answered, past conversations, refused message, offline, stopped. Proves: WI-50."""
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("CI needs axe-core: npm ci in widget/")
        pytest.skip("axe-core is not installed (npm ci in widget/)")
    gateway.config = {"title": "Help", "subtitle": "of the shop", "greeting": "Hello!", "features": FEATURES}
    gateway.config["starters"] = [{"label": "Where is my order?"}]
    gateway.memories = [{"memory_id": "1", "memory": "likes tea"}]
    gateway.answer = lambda text: [ANSWER]
    gateway.pages["/own"] = page_of(lang, direction)
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto(f"{gateway.url}/own")
    found = {"closed": await violations(page)}

    async def look(state: str) -> None:
        await settle(page)
        found[state] = await violations(page)

    await page.locator(".launcher").click()
    await expect(page.locator(".starters button")).to_be_visible()
    await look("open")
    gateway.gate.clear()
    await page.get_by_role("textbox").fill("question")
    await page.keyboard.press("Enter")
    await expect(page.locator(".stop")).to_be_visible()
    await look("streaming")
    gateway.gate.set()
    await expect(page.locator(".vote").first).to_be_visible()
    await page.locator(".vote").first.click()
    await look("answered")
    await page.locator("header .icon").first.click()
    await expect(page.locator(".drawer input")).to_be_visible()
    await look("past")
    await page.locator("header .icon").first.click()
    gateway.nacks = [{"code": "blocked", "message": "no"}]
    await page.get_by_role("textbox").fill("refused")
    await page.keyboard.press("Enter")
    await expect(page.locator(".msg[data-state=failed]")).to_be_visible()
    gateway.say_as("Ben", "I am another person.")
    await page.get_by_role("textbox").fill("x" * 4001)
    await look("error")
    await gateway.stop()
    await expect(page.locator(".banner")).to_be_visible()
    await look("offline")
    gateway.refuse_with = (4403, None)
    await gateway.start()
    await expect(page.get_by_role("alert")).to_be_visible(timeout=20_000)
    await look("stopped")
    await context.close()
    assert {state: list(said) for state, said in found.items() if said} == {}


async def test_whole_sentences_are_announced_not_tokens(gateway: FakeGateway, page: Page) -> None:
    """A live region that changes with every token is unusable by ear. Proves: WI-50."""
    gateway.answer = lambda text: ["The ", "first sen", "tence. The sec", "ond", " one. And", " a rest"]
    await page.goto(gateway.url)
    await page.evaluate(
        """() => {
            const live = document.querySelector('parley-chat').shadowRoot.querySelector('[aria-live=polite]');
            window.said = [];
            new MutationObserver((changes) => {
                for (const change of changes) for (const node of change.addedNodes) said.push(node.textContent);
            }).observe(live, { childList: true });
        }"""
    )
    await say(page, "go")
    await expect(page.locator(".msg[data-from=assistant] .body")).to_have_text(
        "The first sentence. The second one. And a rest"
    )
    await page.wait_for_function("said.join(' ') === 'The first sentence. The second one. And a rest'")
    assert all(part[0] in "TA" for part in await page.evaluate("said"))


async def test_every_control_has_a_name_and_the_log_is_one(gateway: FakeGateway, page: Page) -> None:
    """Roles a screen reader finds its way by."""
    gateway.config = {"features": FEATURES}
    await page.goto(gateway.url)
    await expect(page.get_by_role("dialog", name="Chat")).to_be_visible()
    await expect(page.get_by_role("log")).to_be_visible()
    for name in ("Conversations", "New conversation", "Send"):
        await expect(page.get_by_role("button", name=name)).to_be_visible()


async def test_the_host_page_does_not_move(gateway: FakeGateway, page: Page) -> None:
    """No layout shift: the widget floats above the page. (What moves inside its own shadow tree has no node here.)

    Proves: WI-50.
    """
    gateway.pages["/own"] = page_of("en", "ltr")
    await page.goto(f"{gateway.url}/own")
    await page.evaluate(
        """() => {
            window.moved = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    for (const { node } of entry.sources) if (node) moved.push(node.nodeName);
                }
            }).observe({ type: 'layout-shift', buffered: true });
        }"""
    )
    before = await page.locator("main").bounding_box()
    await page.get_by_role("button", name="Open chat").click()
    await say(page, "hello")
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1)
    assert await page.locator("main").bounding_box() == before
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate("moved") == []


async def test_a_small_screen_is_filled(gateway: FakeGateway, page: Page) -> None:
    """On a phone the panel is the screen."""
    await page.set_viewport_size({"width": 390, "height": 700})
    await page.goto(gateway.url)
    await page.get_by_role("button", name="Open chat").click()
    await settle(page)
    box = await page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 700}


@pytest.mark.parametrize(("locale", "name"), [("de-AT", "Chat öffnen"), ("he-IL", "פתיחת הצ׳אט"), ("xx", "Open chat")])
async def test_the_widget_speaks_the_visitors_language(
    gateway: FakeGateway, browser: Browser, locale: str, name: str
) -> None:
    """What the browser prefers, where the page does not say; English where there is no such language.

    Proves: WI-53.
    """
    gateway.pages["/own"] = page_of("", "ltr")
    context = await browser.new_context(locale=locale)
    page = await context.new_page()
    await page.goto(f"{gateway.url}/own")
    await expect(page.get_by_role("button", name=name)).to_be_visible()
    await context.close()


async def test_axe_finds_nothing_on_the_demo_page(gateway: FakeGateway, page: Page) -> None:
    """The first page anybody sees."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci in widget/)")
    await page.goto(f"{gateway.url}/?thread=team&name=Ben")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_text("You are Ben in the thread")).to_be_visible()
    await settle(page)
    assert await violations(page) == []
