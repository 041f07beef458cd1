"""One socket for all tabs of a browser, and the way without websockets."""

import base64
import json

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.widget.fake_events import serving_events
from tests.widget.fake_server import FakeGateway, Frame
from tests.widget.test_talk import say


async def open_two(gateway: FakeGateway, context: BrowserContext) -> tuple[Page, Page]:
    first, second = await context.new_page(), await context.new_page()
    await first.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    await second.goto(gateway.url)
    return first, second


async def test_two_tabs_share_one_socket_and_one_conversation(gateway: FakeGateway, context: BrowserContext) -> None:
    """Ten tabs must not cost ten sockets: one leads, the others show what it shows."""
    first, second = await open_two(gateway, context)
    await say(second, "from the second tab")
    for tab in (first, second):
        await expect(tab.locator(".msg[data-from=assistant] .body")).to_have_text("You said: from the second tab.")
        await expect(tab.locator(".msg")).to_have_count(2)
    assert gateway.connections == 1


async def test_the_next_tab_takes_over_when_the_leading_one_closes(
    gateway: FakeGateway, context: BrowserContext
) -> None:
    """In mid-answer, even: the new leader resumes where the old one stood."""
    first, second = await open_two(gateway, context)
    await say(first, "one")
    await expect(second.locator(".msg[data-from=assistant]")).to_have_count(1)
    gateway.answer = lambda text: ["late ", "answer"]
    gateway.gate.clear()
    await say(second, "two")
    await gateway.until(lambda: len(gateway.session.runs) == 1)
    await first.close()
    await gateway.until(lambda: gateway.connections == 2 and len(gateway.peers) == 1)
    gateway.gate.set()
    await expect(second.locator(".msg[data-from=assistant] .body").last).to_have_text("late answer")
    await say(second, "three")
    await expect(second.locator(".msg[data-from=me] .body")).to_have_text(["one", "two", "three"])
    await expect(second.locator(".msg")).to_have_count(6)


async def test_what_was_written_while_the_leader_died_is_sent_by_the_next(
    gateway: FakeGateway, context: BrowserContext
) -> None:
    """A message is on disk before any tab is asked to send it."""
    first, second = await open_two(gateway, context)
    await gateway.stop()
    await say(second, "survives")
    await expect(first.locator(".msg[data-state=waiting]")).to_have_count(1)
    await first.close()
    await gateway.start()
    await expect(second.locator(".msg[data-from=assistant] .body")).to_have_text("You said: survives.")
    assert gateway.texts() == ["survives", "You said: survives."]


async def test_where_websockets_are_blocked_the_talk_goes_by_server_sent_events(
    gateway: FakeGateway, context: BrowserContext
) -> None:
    """Some company networks let only plain HTTP through: same frames, same log, nothing lost over a cut."""
    async with serving_events(gateway) as front:
        page = await context.new_page()
        await page.goto(front.url)
        await say(page, "one")
        await expect(page.locator(".msg[data-from=assistant] .body")).to_have_text("You said: one.")
        front.cut()
        await say(page, "two")
        await expect(page.locator(".msg[data-from=assistant] .body")).to_have_text(["You said: one.", "You said: two."])
        await expect(page.locator(".msg")).to_have_count(4)
        assert gateway.texts() == ["one", "You said: one.", "two", "You said: two."]
        assert front.last_event_ids[-1] not in {None, "0"}


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
    """Nothing is heard for two heartbeats: the browser alone would take minutes to see it."""
    gateway.heartbeat_s = 1.5
    await page.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    gateway.is_mute = True
    await gateway.until(lambda: gateway.connections >= 2)
    gateway.is_mute = False
    await say(page, "back")
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1, timeout=20_000)


def token_of(sub: str) -> str:
    """What a site's token looks like to the widget, which reads `sub` and proves nothing."""
    part = base64.urlsafe_b64encode(json.dumps({"sub": sub}).encode()).decode().rstrip("=")
    return f"e30.{part}.signature"


async def test_another_person_on_the_same_browser_starts_afresh(gateway: FakeGateway, page: Page) -> None:
    """What one person wrote, sent or not, is neither shown to the next nor sent in their name."""
    for name in ("ann", "ben"):
        gateway.pages[f"/{name}"] = (
            f'<!doctype html><html lang="en"><title>x</title><script src="/widget.js" data-site="shop" '
            f'data-token="{token_of(name)}" data-open async></script>'
        )
    await page.goto(f"{gateway.url}/ann")
    await say(page, "Ann was here")
    await expect(page.locator(".msg")).to_have_count(2)
    gateway.nacks = [{"code": "busy", "message": "later", "retry_after": 60}]
    await say(page, "not sent yet")
    await gateway.until(lambda: gateway.nacks == [])
    await page.goto(f"{gateway.url}/ben")
    await say(page, "Ben is here")
    await expect(page.locator(".msg .body")).to_have_text(["Ben is here", "You said: Ben is here."])
    await page.goto(f"{gateway.url}/ann")
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text(["Ann was here", "not sent yet"])
    writers = [event["author"]["id"] for event in all_messages(gateway) if event["role"] == "user"]
    assert len(writers) == 3
    assert len(set(writers)) == 2


def all_messages(gateway: FakeGateway) -> list[Frame]:
    """The stored messages of every session."""
    return [event for one in gateway.sessions.values() for event in one.log if event["type"] == "message"]


async def test_a_visitor_who_signs_in_goes_on_in_their_conversation(gateway: FakeGateway, page: Page) -> None:
    """`identify` gives the visitor's conversation to the known user; what they said stays theirs on the screen."""
    await page.goto(gateway.url)
    await say(page, "who am I")
    await expect(page.locator(".msg")).to_have_count(2)
    await page.evaluate("(token) => document.querySelector('parley-chat').identify(token)", token_of("known"))
    await gateway.until(lambda: bool(gateway.sent("identify")))
    await say(page, "and now")
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text(["who am I", "and now"])
    assert len(gateway.sessions) == 1
    assert len({event["author"]["id"] for event in all_messages(gateway) if event["role"] == "user"}) == 2


async def test_reset_forgets_who_the_visitor_was(gateway: FakeGateway, page: Page) -> None:
    """What a site calls when somebody signs out."""
    await page.goto(gateway.url)
    await say(page, "secret")
    await expect(page.locator(".msg")).to_have_count(2)
    await page.evaluate("document.querySelector('parley-chat').reset()")
    await expect(page.locator(".msg")).to_have_count(0)
    await say(page, "somebody new")
    await expect(page.locator(".msg")).to_have_count(2)
    assert len(gateway.sessions) == 2
