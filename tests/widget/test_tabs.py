"""One socket for all tabs of a browser, and the way without websockets."""

from playwright.async_api import BrowserContext, Page, expect

from tests.widget.fake_events import serving_events
from tests.widget.fake_server import FakeGateway
from tests.widget.test_talk import say


async def open_two(gateway: FakeGateway, context: BrowserContext) -> tuple[Page, Page]:
    first, second = await context.new_page(), await context.new_page()
    await first.goto(gateway.url)
    await gateway.until(lambda: len(gateway.peers) == 1)
    await second.goto(gateway.url)
    return first, second


async def test_two_tabs_share_one_socket_and_one_conversation(gateway: FakeGateway, context: BrowserContext) -> None:
    """Ten tabs must not cost ten sockets: one leads, the others show what it shows. Proves: WI-51."""
    first, second = await open_two(gateway, context)
    await say(second, "from the second tab")
    for tab in (first, second):
        await expect(tab.locator(".msg[data-from=assistant] .body")).to_have_text("You said: from the second tab.")
        await expect(tab.locator(".msg")).to_have_count(2)
    assert gateway.connections == 1


async def test_the_next_tab_takes_over_when_the_leading_one_closes(
    gateway: FakeGateway, context: BrowserContext
) -> None:
    """In mid-answer, even: the new leader resumes where the old one stood. Proves: WI-51."""
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
    """Some company networks let only plain HTTP through: same frames, same log, nothing lost over a cut.

    Proves: WI-35.
    """
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
