"""Who the person is to the widget, and what they can do beside talking."""

import base64
import json

from playwright.async_api import Page, expect

from tests.widget.fake_frames import Frame
from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say


def token_of(sub: str) -> str:
    """What a site's token looks like to the widget, which reads `sub` and proves nothing."""
    part = base64.urlsafe_b64encode(json.dumps({"sub": sub}).encode()).decode().rstrip("=")
    return f"e30.{part}.signature"


async def test_another_person_on_the_same_browser_starts_afresh(gateway: FakeGateway, page: Page) -> None:
    """What one person wrote, sent or not, is neither shown to the next nor sent in their name. Proves: WI-55."""
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
    """What a site calls when somebody signs out. Proves: WI-55."""
    await page.goto(gateway.url)
    await say(page, "secret")
    await expect(page.locator(".msg")).to_have_count(2)
    await page.evaluate("document.querySelector('parley-chat').reset()")
    await expect(page.locator(".msg")).to_have_count(0)
    await say(page, "somebody new")
    await expect(page.locator(".msg")).to_have_count(2)
    assert len(gateway.sessions) == 2


async def test_what_is_remembered_can_be_corrected_and_deleted(gateway: FakeGateway, page: Page) -> None:
    """The panel is the person's own door to it. Proves: WI-52."""
    gateway.config = {"features": ["memories", "forget"]}
    gateway.memories = [{"memory_id": "1", "memory": "likes tea"}, {"memory_id": "2", "memory": "lives in Paris"}]
    await page.goto(gateway.url)
    await page.get_by_role("button", name="Conversations").click()
    await page.locator(".drawer input").first.fill("likes coffee")
    await page.locator(".drawer input").first.blur()
    await page.get_by_role("button", name="Delete: lives in Paris").click()
    await expect(page.locator(".drawer input")).to_have_count(1)
    assert gateway.memories == [{"memory_id": "1", "memory": "likes coffee"}]
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Erase my data").click()
    await gateway.until(lambda: bool(gateway.sent("forget")))


async def test_who_is_erased_sees_nothing_of_it_any_more_and_begins_anew(gateway: FakeGateway, page: Page) -> None:
    """Neither the screen nor the browser keeps what the gateway has erased. Proves: WI-52."""
    gateway.config = {"features": ["forget"]}
    await page.goto(gateway.url)
    await say(page, "a secret of mine")
    await expect(page.locator(".msg")).to_have_count(2)
    first = gateway.session.session_id
    page.on("dialog", lambda dialog: dialog.accept())
    await page.get_by_role("button", name="Conversations").click()
    await page.get_by_role("button", name="Erase my data").click()
    await gateway.until(lambda: gateway.connections == 2)
    await expect(page.locator(".msg")).to_have_count(0)
    await page.get_by_role("button", name="Conversations").click()
    await say(page, "somebody new")
    await expect(page.locator(".msg")).to_have_count(2)
    assert gateway.session.session_id != first
    assert not await page.evaluate("JSON.stringify({...localStorage}).includes('secret of mine')")


async def test_a_past_conversation_can_be_opened_again(gateway: FakeGateway, page: Page) -> None:
    """A new one begins empty; the old one is where it was."""
    gateway.config = {"features": ["sessions"]}
    await page.goto(gateway.url)
    await say(page, "first topic")
    await expect(page.locator(".msg")).to_have_count(2)
    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator(".msg")).to_have_count(0)
    await say(page, "second topic")
    await expect(page.locator(".msg")).to_have_count(2)
    await page.get_by_role("button", name="Conversations").click()
    await page.locator(".drawer li button").first.click()
    await expect(page.locator(".msg .body")).to_have_text(["first topic", "You said: first topic."])


async def test_an_opinion_is_shown_again_when_the_page_is_loaded_again(gateway: FakeGateway, page: Page) -> None:
    """Who voted must not think that it was lost, nor vote twice. Proves: WI-40."""
    gateway.config = {"features": ["feedback"]}
    await page.goto(gateway.url)
    await page.get_by_role("textbox").fill("question")
    await page.keyboard.press("Enter")
    bad = page.get_by_role("button", name="Bad answer")
    await bad.click()
    await gateway.until(lambda: bool(gateway.sent("feedback")))
    await page.reload()
    await expect(bad).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "false")


async def test_opinions_starters_typing_and_people_are_told(gateway: FakeGateway, page: Page) -> None:
    """The smaller frames: a vote, a starter, who types, who joined, and that a person takes over.

    Proves: WI-40, WI-42.
    """
    gateway.config = {
        "features": ["feedback", "typing"],
        "starters": [{"label": "Hours?", "value": "When are you open?"}],
    }
    await page.goto(gateway.url)
    await page.get_by_role("button", name="Hours?").click()
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text("When are you open?")
    await page.get_by_role("button", name="Good answer").click()
    await expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("textbox").fill("x")
    await gateway.until(lambda: [frame["on"] for frame in gateway.sent("typing")] == [True])
    assert gateway.sent("feedback")[0]["value"] == "up"
    gateway.session.broadcast(
        {"type": "presence", "who": {"id": "u", "name": "Ben"}, "state": "typing", "role": "user"}
    )
    await expect(page.locator(".line")).to_have_text("Ben is typing…")
    gateway.session.broadcast(
        {"type": "presence", "who": {"id": "u", "name": "Ben"}, "state": "joined", "role": "user"}
    )
    await expect(page.locator(".line")).to_have_text("Ben joined")
    gateway.session.commit(type="handoff", mode="human")
    gateway.say_as("Olga", "Hello, I am **Olga**.", role="human")
    await expect(page.locator(".line")).to_have_text("A person has joined")
    await expect(page.locator(".msg[data-from=human] strong")).to_have_text("Olga")
    await page.reload()
    await expect(page.locator(".line")).to_have_text("A person has joined")
    gateway.session.commit(type="handoff", mode="agent")
    await expect(page.locator(".line")).to_be_hidden()
