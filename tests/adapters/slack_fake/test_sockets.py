"""Socket Mode, with slack_bolt and its websockets client on the other side."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import websockets
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from tests.adapters.slack_fake.conftest import Office, build_client, open_office


@dataclass(kw_only=True)
class BoltApp:
    """An app of Bolt that keeps what it hears; while `is_deaf`, it acks nothing."""

    handler: AsyncSocketModeHandler
    heard: list[dict[str, Any]] = field(default_factory=list)
    failures: int = 0


@asynccontextmanager
async def open_bolt(office: Office) -> AsyncIterator[BoltApp]:
    """Bolt, connected."""
    logger = logging.getLogger("bolt-in-test")
    logger.setLevel(logging.CRITICAL)
    bolt = AsyncApp(
        token=office.team.bot_token,
        client=build_client(office.slack, office.team.bot_token),
        logger=logger,
        request_verification_enabled=False,
    )
    handler = AsyncSocketModeHandler(bolt, office.slack.app.app_token, logger=logger, ping_interval=0.05)
    app = BoltApp(handler=handler)

    @bolt.middleware
    async def take(req: AsyncBoltRequest, resp: BoltResponse, next_: Any) -> BoltResponse:
        app.heard.append(req.body)
        office.slack.world.on_change()
        if app.failures > 0:
            app.failures -= 1
            return BoltResponse(status=503)
        if req.body.get("command"):
            return BoltResponse(status=200, body="you said " + req.body["text"])
        return BoltResponse(status=200)

    count = len(office.slack.sockets.connections)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await office.slack.wait_for(lambda: len(office.slack.sockets.connections) == count + 1)
    try:
        yield app
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def test_events_reach_bolt_and_are_acked(office: Office) -> None:
    """No request URL is needed."""
    async with open_bolt(office) as app:
        await office.slack.say(office.ann, office.general, "hi")
        await office.slack.wait_until_heard()
        assert [body["event"]["text"] for body in app.heard] == ["hi"]
        assert office.slack.courier.lost == []
        assert office.slack.courier.records[-1].outcome.is_acked


async def test_an_event_that_is_not_acked_comes_again_in_another_envelope() -> None:
    """Bolt sends no ack for a 503."""
    async with open_office(answer_limit_s=0.05) as office, open_bolt(office) as app:
        app.failures = 1
        await office.slack.say(office.ann, office.general, "hi")
        await office.slack.wait_until_heard()
        assert [body["event_id"] for body in app.heard] == [app.heard[0]["event_id"]] * 2
        assert [record.attempt.number for record in office.slack.courier.records] == [0, 1]


async def test_a_command_is_answered_through_its_envelope(office: Office) -> None:
    """What the app gives back at once is shown to the person alone."""
    async with open_bolt(office):
        await office.slack.command(office.ann, office.general, "/parley", "help")
        assert [shown.text for shown in office.slack.ephemerals(office.ann)] == ["you said help"]
        assert office.slack.ephemerals(office.ben) == []


async def test_a_refresh_moves_the_app_to_a_new_connection(office: Office) -> None:
    """Slack asks every few hours; nothing is lost on the way."""
    async with open_bolt(office) as app:
        await office.slack.sockets.ask_to_leave("refresh_requested")
        await office.slack.wait_for(lambda: [c.number for c in office.slack.sockets.connections] == [2])
        await office.slack.say(office.ann, office.general, "after")
        await office.slack.wait_until_heard()
        assert app.heard[-1]["event"]["text"] == "after"


async def test_a_cut_connection_is_opened_again(office: Office) -> None:
    """The client notices by itself."""
    async with open_bolt(office) as app:
        office.slack.sockets.cut()
        await office.slack.wait_for(lambda: [c.number for c in office.slack.sockets.connections] == [2])
        await office.slack.say(office.ann, office.general, "after")
        await office.slack.wait_until_heard()
        assert len(app.heard) == 1


async def test_two_connections_share_the_events(office: Office) -> None:
    """Each event goes to one of them."""
    async with open_bolt(office) as one, open_bolt(office) as two:
        for number in range(6):
            await office.slack.say(office.ann, office.general, str(number))
        await office.slack.wait_until_heard()
        assert (len(one.heard), len(two.heard)) == (3, 3)


async def open_raw(office: Office) -> websockets.ClientConnection:
    """A bare connection, past its `hello`."""
    client = build_client(office.slack, office.team.bot_token)
    answer = await client.apps_connections_open(app_token=office.slack.app.app_token)
    socket = await websockets.connect(answer["url"], ping_interval=None, proxy=None)
    hello = json.loads(await socket.recv())
    assert hello["type"] == "hello"
    return socket


async def test_a_half_open_connection_swallows_everything() -> None:
    """No ping is answered, nothing comes, no close frame is sent: only a watchdog finds out."""
    async with asyncio.timeout(5), open_office(answer_limit_s=0.1, retry_after_s=()) as office:
        socket = await open_raw(office)
        office.slack.sockets.freeze()
        pong = asyncio.ensure_future(await socket.ping())
        await office.slack.say(office.ann, office.general, "unheard")
        await office.slack.wait_until_heard()
        assert [record.outcome.reason for record in office.slack.courier.records] == ["timeout"]
        assert not pong.done()
        assert len(office.slack.sockets.connections) == 1
        office.slack.sockets.thaw()
        await pong
        await socket.close()


async def test_an_address_opens_one_connection(office: Office) -> None:
    """Tickets are for one use."""
    async with asyncio.timeout(5):
        client = build_client(office.slack, office.team.bot_token)
        answer = await client.apps_connections_open(app_token=office.slack.app.app_token)
        async with websockets.connect(answer["url"], proxy=None):
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(answer["url"], proxy=None)
