"""What each way of losing the connection leads to."""

import pytest
from playwright.async_api import Page, expect

from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say


@pytest.mark.parametrize("code", [4404, 4409, 4410, 4426])
async def test_a_close_that_says_stop_stops_the_widget(gateway: FakeGateway, page: Page, code: int) -> None:
    """It says why and does not knock again by itself."""
    await page.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    await gateway.close(code)
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await expect(page.get_by_role("textbox")).to_be_disabled()
    assert gateway.connections == 1


@pytest.mark.parametrize("code", [1001, 1012, 4008, 4009, 4013, 4029])
async def test_a_close_that_says_resume_is_followed_by_a_new_connection(
    gateway: FakeGateway, page: Page, code: int
) -> None:
    """A restart, a dead path, a slow reader: the widget comes back by itself."""
    await page.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    await gateway.close(code, {"type": "bye", "reason": "restart", "reconnect_after_ms": 10})
    await gateway.until(lambda: gateway.connections == 2)
    await say(page, "still here")
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1)


async def test_a_path_gone_dead_is_noticed_without_a_close(gateway: FakeGateway, page: Page) -> None:
    """Nothing is heard for two heartbeats: the browser alone would take minutes to see it. Proves: WI-48."""
    gateway.heartbeat_s = 1.5
    await page.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    gateway.is_mute = True
    await gateway.until(lambda: gateway.connections >= 2)
    gateway.is_mute = False
    await say(page, "back")
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1, timeout=20_000)
