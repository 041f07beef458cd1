"""A person talks with the agent through the widget, in a real browser, against a strict gateway."""

import json

from playwright.async_api import BrowserContext, Page, expect

from tests.widget.fake_server import FakeGateway


async def say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Write a message…").fill(text)
    await page.keyboard.press("Enter")


async def test_a_message_is_answered(gateway: FakeGateway, page: Page) -> None:
    """The first thing anybody does."""
    await page.goto(gateway.url)
    await say(page, "Hello there")
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text("Hello there")
    await expect(page.locator(".msg[data-from=assistant] .body")).to_have_text("You said: Hello there.")


async def test_the_answer_streams_and_can_be_stopped(gateway: FakeGateway, page: Page) -> None:
    """Only an explicit stop ends a run, and the partial text stays."""
    gateway.gate.clear()
    gateway.answer = lambda text: ["One. ", *["Two. "] * 500]
    await page.goto(gateway.url)
    await say(page, "count")
    await expect(page.locator(".msg[data-from=assistant]")).to_contain_text("Thinking")
    await page.get_by_role("button", name="Stop").click()
    await gateway.until(lambda: bool(gateway.sent("stop")))
    await expect(page.get_by_role("button", name="Stop")).to_be_hidden()


async def test_a_reload_in_mid_answer_goes_on_where_it_was(gateway: FakeGateway, page: Page) -> None:
    """A disconnect never stops a run: the past comes back by history, the answer by one delta from its start."""
    await page.goto(gateway.url)
    await say(page, "old")
    await gateway.until(lambda: len(gateway.texts()) == 2)

    gateway.answer = lambda text: ["first half, ", "second half."]
    gateway.gate.clear()
    await say(page, "new")
    await gateway.until(lambda: len(gateway.session.runs) == 1)
    await page.reload()
    await expect(page.locator(".msg[data-from=me] .body").last).to_have_text("new")
    gateway.gate.set()
    await expect(page.locator(".msg[data-from=assistant] .body").last).to_have_text("first half, second half.")
    await expect(page.locator(".msg")).to_have_count(4)


async def test_a_cut_before_the_ack_loses_nothing_and_doubles_nothing(gateway: FakeGateway, page: Page) -> None:
    """The message is stored, the ack is lost: the same id is sent again and is still one message."""
    gateway.drop_acks = 2
    await page.goto(gateway.url)
    await say(page, "one")
    await say(page, "two")
    await gateway.until(lambda: [t for t in gateway.texts() if not t.startswith("You")] == ["one", "two"])
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text(["one", "two"])
    await expect(page.locator(".msg[data-from=assistant] .body")).to_have_count(2)
    await expect(page.locator(".msg")).to_have_count(4)


async def test_messages_wait_while_the_gateway_is_away_even_through_a_reload(gateway: FakeGateway, page: Page) -> None:
    """Network gone: messages wait, visibly, and survive the page."""
    await page.goto(gateway.url)
    await say(page, "first")
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1)
    await gateway.stop()
    await say(page, "patience")
    await expect(page.locator(".msg[data-state=waiting]")).to_contain_text("Waiting for a connection")
    await expect(page.locator(".banner")).to_contain_text("No connection")
    await gateway.start()
    await page.reload()
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text(["first", "patience"])
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(2)
    await expect(page.locator(".banner")).to_be_hidden()


async def test_a_restarted_gateway_with_a_new_log_is_read_afresh(gateway: FakeGateway, page: Page) -> None:
    """Another epoch is another log: the cursor of the old one means nothing in it."""
    await page.goto(gateway.url)
    await say(page, "before")
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1)
    await gateway.restart(epoch="e2")
    await expect(page.locator(".msg")).to_have_count(2)
    await say(page, "after")
    await expect(page.locator(".msg[data-from=me] .body")).to_have_text(["before", "after"])
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(2)


async def test_two_windows_in_one_thread_are_two_people(gateway: FakeGateway, context: BrowserContext) -> None:
    """Others' messages stand on the other side, with their names."""
    ann, ben = await context.new_page(), await context.new_page()
    await ann.goto(f"{gateway.url}/?thread=team&name=Ann")
    await ben.goto(f"{gateway.url}/?thread=team&name=Ben")
    await gateway.until(lambda: len(gateway.peers) == 2)
    assert sorted(frame["name"] for frame in gateway.sent("hello")) == ["Ann", "Ben"]
    await say(ann, "I am Ann")
    await expect(ben.locator(".msg[data-from=user] .name")).to_have_text("Ann")
    await say(ben, "and I am Ben")
    await expect(ann.locator(".msg[data-from=user] .body")).to_have_text("and I am Ben")
    await expect(ann.locator(".msg[data-from=me] .body")).to_have_text("I am Ann")


async def test_a_refused_page_is_told_in_plain_words_and_the_console_names_the_setting(
    gateway: FakeGateway, page: Page
) -> None:
    """A wrong origin: the widget says so and stops; who runs the site reads which setting it is. Proves: WI-36."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    gateway.refuse_with = (4403, None)
    await page.goto(gateway.url)
    await expect(page.get_by_role("alert")).to_have_text("This chat is not available on this page.")
    await expect(page.get_by_role("textbox")).to_be_disabled()
    assert any("`origins`" in line and '"demo"' in line for line in said), said
    assert gateway.connections == 1


async def test_a_text_over_the_limit_is_counted_and_not_sent(gateway: FakeGateway, page: Page) -> None:
    """4,000 characters, counted as the gateway counts them: an emoji is one. Proves: WI-15."""
    await page.goto(gateway.url)
    box = page.get_by_role("textbox")
    await box.fill("😀" * 4003)
    await page.keyboard.press("Enter")
    await expect(page.locator(".count")).to_have_text("4003 / 4000")
    await expect(page.get_by_role("button", name="Send")).to_be_disabled()
    await box.fill("😀" * 4000)
    await page.keyboard.press("Enter")
    await gateway.until(lambda: bool(gateway.sent("send")))
    assert len(gateway.sent("send")) == 1


async def test_a_refused_message_stays_with_its_reason_and_can_be_retried(gateway: FakeGateway, page: Page) -> None:
    """A final nack is not a lost message."""
    gateway.nacks = [{"code": "blocked", "message": "not now"}]
    await page.goto(gateway.url)
    await say(page, "try me")
    await expect(page.locator(".msg[data-state=failed]")).to_contain_text("Not sent: not now")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator(".msg[data-from=assistant]")).to_have_count(1)
    assert len({frame["id"] for frame in gateway.sent("send")}) == 1


async def test_the_script_tag_alone_puts_the_chat_on_a_page(gateway: FakeGateway, page: Page) -> None:
    """What sites embed: one tag, and the typed API on the window."""
    gateway.pages["/bare"] = (
        '<!doctype html><html lang="en"><title>x</title><script src="/widget.js" data-site="shop" async></script>'
    )
    await page.goto(f"{gateway.url}/bare")
    await page.get_by_role("button", name="Open chat").click()
    await page.evaluate("window.heard = []; void Parley.on('message', (message) => heard.push(message.text))")
    await page.evaluate("Parley.send('by script')")
    await expect(page.locator(".msg[data-from=assistant] .body")).to_have_text("You said: by script.")
    await page.wait_for_function("heard.length >= 2")
    assert await page.evaluate("heard") == ["by script", "You said: by script."]
    assert gateway.sent("hello")[0]["site"] == "shop"
    assert await page.evaluate("Object.keys(Parley).sort()") == json.loads(
        '["close", "identify", "on", "open", "reset", "send", "toggle"]'
    )


async def test_focus_goes_to_the_composer_and_back_to_the_launcher(gateway: FakeGateway, page: Page) -> None:
    """Keyboard users are where they expect to be, on opening and on Escape. Proves: WI-50."""
    await page.set_viewport_size({"width": 600, "height": 800})
    await page.goto(gateway.url)
    await page.get_by_role("button", name="Open chat").press("Enter")
    await expect(page.get_by_role("textbox")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Open chat")).to_be_focused()
