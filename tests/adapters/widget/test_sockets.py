"""The whole protocol over real sockets, served by uvicorn as the gateway serves it."""

import asyncio
import contextlib
import json
import random
import socket
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psutil
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from adapters.widget.limits import Limits
from agent.records import Audience, JsonObject
from tests.adapters.widget.conftest import build
from tests.adapters.widget.make import hello, send
from tests.support.fake_gateway import FakeGateway

PROTOCOL = Subprotocol("gw.v1")
WAIT_S = 10
X = "web:demo:x"


@asynccontextmanager
async def serve(app: Starlette) -> AsyncGenerator[str, None]:
    """The address of the widget's endpoint on a server of its own."""
    config = uvicorn.Config(
        app, ws="websockets-sansio", ws_per_message_deflate=False, ws_max_size=65_536, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.ensure_future(server._serve([listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/widget/ws"
    finally:
        server.should_exit = True
        async with asyncio.timeout(WAIT_S):
            await serving
        listener.close()


async def read(client: ClientConnection) -> JsonObject:
    async with asyncio.timeout(WAIT_S):
        frame: JsonObject = json.loads(await client.recv())
    return frame


class Client:
    """Keeps what a widget keeps: its cursor and what is not acked yet. Cuts its own connection at random."""

    def __init__(self, url: str, dice: random.Random, texts: list[str]) -> None:
        self.url = url
        self.dice = dice
        self.outbox = [(str(uuid.uuid4()), text) for text in texts]
        self.saved: JsonObject = {"cursor": 0}
        self.seen: list[int] = []
        self.texts: list[str] = []
        self.cuts = 0

    async def talk(self, count: int) -> None:
        """Until everything is acked and `count` events were seen."""
        while self.outbox or len(self.seen) < count:
            with contextlib.suppress(ConnectionClosed):
                async with connect(self.url, subprotocols=[PROTOCOL]) as client:
                    await self._go_on(client, count)

    async def _go_on(self, client: ClientConnection, count: int) -> None:
        await client.send(json.dumps(hello(thread="x", **self.saved)))
        frames_left = self.dice.randrange(1, 12)
        while self.outbox or len(self.seen) < count:
            if frames_left == 0:
                self.cuts += 1
                client.transport.abort()
                return
            frames_left -= 1
            frame = await read(client)
            if frame["type"] == "welcome":
                self.saved |= {name: frame[name] for name in ("epoch", "token") if name in frame}
                for frame_id, text in self.outbox[:3]:
                    await client.send(json.dumps(send(text, frame_id)))
            elif frame["type"] == "ack":
                self.outbox = [one for one in self.outbox if one[0] != frame["id"]]
                for frame_id, text in self.outbox[2:3]:
                    await client.send(json.dumps(send(text, frame_id)))
            elif frame["type"] == "message":
                self.seen.append(int(str(frame["seq"])))
                self.texts.append(str(frame["text"]))
                self.saved["cursor"] = frame["seq"]


async def test_connections_cut_at_random_lose_double_and_disorder_nothing(gateway: FakeGateway) -> None:
    """Delivered at least once, dropped when known: together effectively once. Proves: WI-6, WI-8."""
    _, app = build(gateway, Limits(message_count=10_000))
    dice = random.Random(7)
    async with serve(app) as url:
        clients = [Client(url, dice, [f"{name}{number}" for number in range(9)]) for name in "ab"]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.talk(18))
    stored = [one.text for one in gateway.inbounds]
    assert sorted(stored) == sorted(f"{name}{number}" for name in "ab" for number in range(9))
    for client in clients:
        assert client.cuts > 0
        assert client.seen == list(range(1, 19))
        assert client.texts == stored


async def test_a_foreign_origin_is_closed_with_a_code_that_a_script_can_read(gateway: FakeGateway) -> None:
    """A refused handshake would look like a network that is down, and be tried again for ever. Proves: WI-19, WI-36."""
    _, app = build(gateway)
    async with serve(app) as url, connect(url, subprotocols=[PROTOCOL], origin=Origin("https://evil.example")) as page:
        with pytest.raises(ConnectionClosed):
            await page.recv()
        assert (page.close_code, page.close_reason) == (4403, "origin: expected one that a site allows")


async def test_many_hostile_frames_leave_no_trace(gateway: FakeGateway) -> None:
    """No crash, no descriptor left, and whoever behaves is served meanwhile. Proves: WI-32."""
    widget, app = build(gateway)
    dice = random.Random(11)
    gateway.put_session(X, Audience.SHARED)
    async with serve(app) as url, connect(url, subprotocols=[PROTOCOL]) as good:
        await good.send(json.dumps(hello(thread="x")))
        await read(good)
        descriptors = psutil.Process().num_fds()
        for _ in range(60):
            await attack(url, dice)
        await good.send(json.dumps(send("still here")))
        heard: set[object] = set()
        while not {"message", "ack"} <= heard:
            heard.add((await read(good))["type"])
        assert heard == {"message", "ack", "presence"}
        assert widget.connection_count == 1
        assert psutil.Process().num_fds() <= descriptors


async def attack(url: str, dice: random.Random) -> None:
    """One connection and what comes to a mind that means ill."""
    with contextlib.suppress(ConnectionClosed):
        async with connect(url, subprotocols=[PROTOCOL]) as client:
            if dice.random() < 0.7:
                await client.send(json.dumps(hello(thread="x")))
            for _ in range(dice.randrange(1, 12)):
                await client.send(hostile(dice))
            async with asyncio.timeout(WAIT_S):
                await client.send(b"\x00")
                for _ in range(6):
                    await client.send("{")
                while True:
                    await client.recv()


def hostile(dice: random.Random) -> str | bytes:
    kind = dice.choice(["hello", "send", "stop", "history", "seen", "ping", "refresh", "memories", "fly"])
    value: object = dice.choice([None, -1, 2**70, 1e300, "x" * 5_000, "\ud800\x00", [], {}, [[[[]]]], True, "../../x"])
    fields: dict[str, object] = {
        name: dice.choice([value, 1, "a"])
        for name in ("id", "text", "run_id", "before", "limit", "cursor", "n", "token")
    }
    text = json.dumps({"type": kind, **fields})
    broken: list[str | bytes] = [text[: len(text) // 2], dice.randbytes(50), "[" * 9_000, "", text * 3, "y" * 40_000]
    return dice.choice([text, *broken])
