"""A path that died without a word is noticed in time, by the browser's own clock, which is wound here."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say


async def silence(gateway: FakeGateway, page: Page) -> None:
    """A conversation that is there, on a path that has just died."""
    await page.clock.install()
    await page.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    await expect(page.locator(".banner")).to_be_hidden()
    await page.clock.run_for(1_000)
    gateway.is_mute = True


async def wind(page: Page, gateway: FakeGateway, seconds: float) -> int:
    """So much time passes; gives how many connections there were then."""
    for _ in range(round(seconds * 2)):
        await page.clock.run_for(500)
        await asyncio.sleep(0)
    return gateway.connections


async def test_an_idle_path_gone_dead_is_noticed_within_fifty_seconds(gateway: FakeGateway, page: Page) -> None:
    """Two heartbeats of 25 s that did not come; the browser would take minutes. Proves: WI-48."""
    await silence(gateway, page)
    assert await wind(page, gateway, 40) == 1
    await wind(page, gateway, 10)
    await gateway.until(lambda: gateway.connections >= 2)


@pytest.mark.parametrize("event", ["focus", "online"])
async def test_after_focus_or_online_it_is_noticed_within_five_seconds(
    gateway: FakeGateway, page: Page, event: str
) -> None:
    """Who opens the laptop again does not wait for a heartbeat. Proves: WI-48."""
    await silence(gateway, page)
    await page.evaluate("(name) => void window.dispatchEvent(new Event(name))", event)
    assert await wind(page, gateway, 3) == 1
    await wind(page, gateway, 2)
    await gateway.until(lambda: gateway.connections >= 2)
    gateway.is_mute = False
    await wind(page, gateway, 15)
    await say(page, "back")
    await wind(page, gateway, 2)
    await gateway.until(lambda: bool(gateway.sent("send")))
