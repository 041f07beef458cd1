"""The page and the command: as somebody without a workspace meets them."""

import asyncio
import html
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page

from adapters.slack_fake.dev import furnish, render_welcome, take_out
from adapters.slack_fake.errors import UsageError
from adapters.slack_fake.fake import FakeSlack
from adapters.slack_fake.faults import FaultKind
from adapters.slack_fake.page_routes import build_page
from adapters.slack_fake.team import Workspace
from gateway.cli import run
from tests.adapters.slack_fake.conftest import build_client
from tests.support.chromium import open_browser


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A furnished workspace with its page. Events are held, since no app is there."""
    slack = FakeSlack()
    slack.faults.events.is_held = True
    furnish(slack)
    await slack.start(build_page(slack))
    yield slack
    await slack.stop()


async def post(slack: FakeSlack, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    """An act sent by hand."""
    address, data = f"{slack.url}/page/act", json.dumps(body)
    async with aiohttp.ClientSession() as session, session.post(address, data=data, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_another_sites_page_can_neither_look_nor_act(slack: FakeSlack) -> None:
    """It runs on a developer's machine, where any website's script can reach 127.0.0.1."""
    kind = {"Content-Type": "application/json"}
    general = next(c for c in slack.world.channels.values() if c.name == "general")
    body = {"act": "say", "user": general.members[0], "channel": general.channel_id, "text": "hi"}
    assert (await post(slack, body, Origin="http://evil.example", **kind))[0] == 403
    assert (await post(slack, body, Host="evil.example:1", **kind))[0] == 403
    assert (await post(slack, body, **{"Content-Type": "text/plain"}))[0] == 403
    assert (await post(slack, body, Origin=slack.url, **kind))[0] == 200
    assert slack.messages(general)[-1].text == "hi"


@pytest.mark.parametrize(
    "body",
    [
        {"act": "nothing"},
        {"act": "say", "user": "U0NOBODY"},
        {"act": "edit", "channel": "C0NOWHERE"},
        {"act": "click", "view": "V0"},
        {"act": "fault", "kind": "melt", "method": "*"},
        {"act": "wire", "what": "melt"},
    ],
)
async def test_what_is_impossible_is_said_in_a_sentence(slack: FakeSlack, body: dict[str, Any]) -> None:
    """A person reads it."""
    ann = next(u for u in slack.world.users.values() if u.name == "ann")
    kind = {"Content-Type": "application/json"}
    status, answer = await post(slack, {"user": ann.user_id, **body}, **kind)
    assert (status, len(answer["error"]) > 10) == (400, True)


async def test_the_welcome_is_what_a_shell_takes() -> None:
    """Copied into another terminal, it starts the gateway against the fake."""
    slack = FakeSlack()
    team = furnish(slack)
    text = render_welcome(slack, team, "http://127.0.0.1:8080/slack/events")
    assert f"export SLACK_API_URL={slack.api_url}" in text
    assert f"export SLACK_BOT_TOKEN={team.bot_token}" in text
    assert "export SLACK_SIGNING_SECRET=" in text
    assert "export SLACK_APP_TOKEN=" in render_welcome(slack, team, None)
    await slack.stop()


async def answer_as_app(slack: FakeSlack, text: str) -> None:
    """What the app would do with the last message in #general."""
    general = next(c for c in slack.world.channels.values() if c.name == "general")
    installation = next(iter(slack.world.installations.values()))
    ann = next(u for u in slack.world.users.values() if u.name == "ann")
    client, root = build_client(slack, installation.bot_token), slack.messages(general)[-1].ts
    place = {"channel_id": general.channel_id, "thread_ts": root}
    await client.agents_sessions_setStatus(**place, status="processing")
    started = await client.chat_startStream(
        channel=general.channel_id,
        thread_ts=root,
        recipient_team_id=ann.team_id,
        recipient_user_id=ann.user_id,
        markdown_text=text,
    )
    assert started["ok"]


async def open_page(slack: FakeSlack, page: Page, errors: list[str]) -> None:
    """The page, with everything that goes wrong in it written down."""
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(slack.url)
    await page.wait_for_selector(".message")


async def test_somebody_talks_watches_a_stream_and_stops_it(slack: FakeSlack) -> None:
    """The whole page in Chromium, under its own policy; hostile text stays text."""
    errors: list[str] = []
    async with asyncio.timeout(60), open_browser() as browser:
        page = await browser.new_page()
        await open_page(slack, page, errors)
        await page.fill("#draft", "@Parley hello <img src=x onerror=alert(1)>")
        await page.press("#draft", "Enter")
        await page.wait_for_selector("text=onerror=alert(1)")
        await answer_as_app(slack, "**Well** then, [here](javascript:alert(1)) <script>alert(1)</script>")
        await page.click(".thread-link")
        await page.wait_for_selector("#thread strong >> text=Well")
        assert await page.locator("#thread .caret").count() == 1
        await page.click("#status button")
        await page.wait_for_selector("#thread >> text=Stopped.")
        assert await page.locator(".body img, .body script, a[href^=javascript]").count() == 0
        general = next(c for c in slack.world.channels.values() if c.name == "general")
        ann = next(u for u in slack.world.users.values() if u.name == "ann")
        direct = slack.world.find_im(ann, next(iter(slack.world.installations.values())).bot)
        link = f"{slack.url}/archives/{general.channel_id}/p{slack.messages(general)[2].ts.replace('.', '')}"
        await slack.say(ann, direct, f"see {link}")
        await page.click("#places >> text=Parley >> nth=0")
        await page.click("#list a")
        await page.wait_for_selector("#thread >> text=Stopped.")
        await page.click("#wire-button")
        await page.select_option("#fault-kind", "refuse")
        await page.click("text=Break >> nth=-1")
        await page.wait_for_selector("#wire-faults >> text=chat.postMessage")
        assert [fault.kind for fault in slack.faults.active] == [FaultKind.REFUSE]
        await page.click("text=Mend everything")
        await page.wait_for_selector("#wire-faults >> text=chat.postMessage", state="detached")
        await page.hover("#list .message >> nth=-1")
        await page.click("#list .message >> nth=-1 >> [aria-label=Edit]")
        await page.fill("#draft", "changed")
        await page.press("#draft", "Enter")
        await page.wait_for_selector("#list >> text=changed")
        support = next(c for c in slack.world.channels.values() if c.name == "support")
        await slack.say(slack.world.users[support.members[0]], support, "news")
        await page.wait_for_selector(".place.unread >> text=support")
    assert errors == []


async def test_the_command_serves_until_it_is_told_to_end() -> None:
    """`parley dev slack` prints what to do, answers, and goes at once on SIGTERM."""
    command = [sys.executable, "-m", "gateway.cli", "dev", "slack", "--port", "0", "--socket-mode"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    async with asyncio.timeout(20):
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        assert process.stdout is not None
        first = (await process.stdout.readline()).decode()
        url = first.split()[-1]
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 200
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
        process.send_signal(signal.SIGTERM)
        rest = (await process.stdout.read()).decode()
        assert await process.wait() == 0
    assert "SLACK_APP_TOKEN=xapp-" in rest


async def test_the_command_says_in_a_line_why_it_cannot(capfd: pytest.CaptureFixture[str]) -> None:
    """Two ways at once are the caller's mistake (2); a port that is taken is a failure (1)."""
    assert run(["dev", "slack", "--socket-mode", "--events-url", "http://x.example"]) == 2
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert await asyncio.to_thread(run, ["dev", "slack", "--port", port]) == 1
    assert f"port {port} cannot be used" in capfd.readouterr().err


async def test_somebody_may_install_the_app_in_the_browser_or_decline(slack: FakeSlack) -> None:
    """Without a consent page nobody can try the whole way by hand."""
    team = Workspace(slack.world, next(iter(slack.world.teams.values())))
    take_out(slack, team, "http://127.0.0.1:1/slack/events")
    assert "SLACK_CLIENT_ID" in render_welcome(slack, team, None, is_oauth=True)
    query = {"client_id": slack.app.client_id, "scope": "chat:write,commands", "state": "s&<"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{slack.url}/oauth/v2/authorize", params=query) as answer:
            page = await answer.text()
        allow, decline = (html.unescape(found) for found in re.findall(r'href="(\?[^"]+)"', page))
        for link, wanted in ((allow, "code="), (decline, "error=access_denied")):
            async with session.get(f"{slack.url}/oauth/v2/authorize{link}", allow_redirects=False) as answer:
                location = answer.headers["Location"]
                assert location.startswith(f"http://127.0.0.1:1/slack/oauth_redirect?{wanted}")
                assert location.endswith("state=s%26%3C")
    with pytest.raises(UsageError):
        team.bot_token  # noqa: B018  it is not installed yet
