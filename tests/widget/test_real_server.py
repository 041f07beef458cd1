"""Browser and server side together: files, the strictest policy, and what a page reads that may not be here."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from adapters.widget.sites import Look, Site, Starter
from agent.ids import AgentId
from tests.agent.test_files import PNG
from tests.widget.real_server import serve_really
from tests.widget.test_talk import say

ELSEWHERE = Site(key="elsewhere", origins=frozenset({"https://www.example.com"}), agent_id=AgentId("assistant"))


def picked(name: str, content: bytes) -> FilePayload:
    """A file as a person picks it."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


async def test_a_file_is_attached_sent_and_can_be_saved(page: Page, tmp_path: Path) -> None:
    """From the paper clip to the saved file, under the strictest policy. Proves: WI-39, WI-43."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    async with serve_really() as server:
        await page.goto(server.page())
        await expect(page.get_by_role("button", name="Attach a file")).to_be_visible()
        clip = page.locator("input[type=file]")
        await clip.set_input_files([picked("shot.exe", PNG), picked("notes.txt", b"one")])
        await expect(page.locator(".files button")).to_have_count(2)
        await page.get_by_role("button", name="Delete: notes.txt").click()
        await page.get_by_role("button", name="Send").click()
        link = page.get_by_role("link", name="shot.exe.png")
        async with page.expect_download() as saving:
            await link.click()
        saved = tmp_path / "saved"
        await (await saving.value).save_as(saved)
        assert saved.read_bytes() == PNG
        assert (await saving.value).suggested_filename == "shot.exe.png"
        [inbound] = server.gateway.inbounds
        assert (inbound.text, [one.name for one in inbound.attachments]) == ("", ["shot.exe.png"])
        await expect(page.locator(".files button")).to_have_count(0)
    assert [line for line in said if "Content Security" in line or "TrustedHTML" in line] == []


HAND_OVER = """(box, [type, where]) => {
    const data = new DataTransfer();
    data.items.add(new File(['some text'], `${type}.txt`, { type: 'text/plain' }));
    const init = { bubbles: true, cancelable: true, composed: true, clipboardData: data, dataTransfer: data };
    const event = type === 'paste' ? new ClipboardEvent(type, init) : new DragEvent(type, init);
    (where ? box.getRootNode().querySelector(where) : box).dispatchEvent(event);
    return event.defaultPrevented;
}"""


async def test_a_file_is_attached_by_paste_and_by_drop_anywhere_on_the_panel(page: Page) -> None:
    """A screenshot is in the clipboard, a document is dragged: the browser must not open it instead. Proves: WI-37."""
    async with serve_really() as server:
        await page.goto(server.page())
        await expect(page.get_by_role("button", name="Attach a file")).to_be_visible()
        box = page.get_by_role("textbox")
        assert await box.evaluate(HAND_OVER, ["paste", ""])
        assert await box.evaluate(HAND_OVER, ["drop", ".log"])
        await expect(page.locator(".files button")).to_have_count(2)
        await box.press("Enter")
        await expect(page.get_by_role("link", name="drop.txt")).to_be_visible()
        assert sorted(one.name for one in server.gateway.inbounds[0].attachments) == ["drop.txt", "paste.txt"]


async def test_a_file_that_is_not_taken_is_named_and_not_sent(page: Page) -> None:
    """Too large is seen before it is sent; what the gateway refuses is said, too. Proves: WI-37."""
    async with serve_really() as server:
        await page.goto(server.page())
        await expect(page.get_by_role("button", name="Attach a file")).to_be_visible()
        clip = page.locator("input[type=file]")
        await clip.set_input_files([picked("film.txt", b"x" * 6_000_000)])
        await expect(page.locator(".count")).to_have_text("Not sent: film.txt > 5 MB")
        await clip.set_input_files([picked("tool.txt", b"MZ\x90\x00\x03")])
        await expect(page.locator(".count")).to_contain_text("Not sent: tool.txt")
        await expect(page.get_by_role("button", name="Send")).to_be_disabled()
        assert server.gateway.files == {}


@pytest.mark.parametrize(
    ("site", "more", "text", "setting"),
    [
        ("elsewhere", "data-open", "This chat is not available on this page.", "`origins`"),
        ("nowhere", "data-open", "This chat is not available on this page.", "`data-site`"),
        ("demo", "data-open%20data-token=e30.e30.x", "Please reload the page.", "`data-token`"),
    ],
)
async def test_who_may_not_come_in_reads_why_and_the_console_names_the_setting(
    page: Page, site: str, more: str, text: str, setting: str
) -> None:
    """A wrong origin, site key and token. It says so once and stops. Proves: WI-36."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    async with serve_really(sites=[ELSEWHERE]) as server:
        await page.goto(server.page(site, more))
        await expect(page.get_by_role("alert")).to_have_text(text)
        await expect(page.get_by_role("textbox")).to_be_disabled()
    lines = [line for line in said if line.startswith("Parley")]
    assert len(lines) == 1
    assert setting in lines[0]


async def test_a_page_of_an_origin_that_no_site_allows_reads_it_too(page: Page) -> None:
    """Nothing but a close code tells a script that it is the origin and not the network. Proves: WI-36."""
    async with serve_really() as server:
        await page.goto(server.page().replace("127.0.0.1", "shop.localhost"))
        await expect(page.get_by_role("alert")).to_have_text("This chat is not available on this page.")


async def test_the_sites_language_starters_and_greeting_are_shown(page: Page) -> None:
    """What the site says of itself counts, unless the tag says otherwise. Proves: WI-2, WI-41."""
    look = Look(greeting="Guten Tag!", locale="de", starters=(Starter(label="Preise", value="Was kostet es?"),))
    async with serve_really(look) as server:
        await page.goto(server.page())
        await expect(page.get_by_role("textbox", name="Nachricht schreiben…")).to_be_visible()
        await expect(page.get_by_text("Guten Tag!")).to_be_visible()
        await page.get_by_role("button", name="Preise").click()
        await expect(page.locator(".msg[data-from=me] .body")).to_have_text("Was kostet es?")
        assert [one.text for one in server.gateway.inbounds] == ["Was kostet es?"]


async def test_messages_wait_visibly_while_there_is_no_network_and_go_in_order(page: Page) -> None:
    """Nothing is lost in a tunnel, and the person sees what waits. Proves: WI-44."""
    async with serve_really() as server:
        await page.goto(server.page())
        await say(page, "one")
        await expect(page.locator(".msg[data-from=me][data-state=sent]")).to_have_count(1)
        await page.context.set_offline(True)
        [session_id] = server.gateway.sessions
        server.gateway.break_off(session_id, None)
        await expect(page.get_by_text("No connection. Messages are sent later.")).to_be_visible()
        await say(page, "two")
        await say(page, "three")
        await expect(page.locator(".msg[data-state=waiting]")).to_have_count(2)
        await expect(page.get_by_text("Waiting for a connection")).to_have_count(2)
        await page.context.set_offline(False)
        async with asyncio.timeout(10):
            await expect(page.locator(".msg[data-state=sent]")).to_have_count(3)
        assert [one.text for one in server.gateway.inbounds] == ["one", "two", "three"]
