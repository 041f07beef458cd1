"""Clients in Python that keep what a widget keeps, are cut off all the time, and notice whatever is wrong."""

import asyncio
import json
import random
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("gw.v1")
PATIENCE_S = 20.0


@dataclass(slots=True)
class Faults:
    """What must be nought."""

    lost: int = 0
    doubled: int = 0
    disordered: int = 0

    def add(self, other: "Faults") -> None:
        """Both together."""
        self.lost += other.lost
        self.doubled += other.doubled
        self.disordered += other.disordered


def compare(written: list[str], found: list[str]) -> Faults:
    """What was written beside what is there."""
    unique = list(dict.fromkeys(found))
    return Faults(
        lost=len(set(written) - set(found)),
        doubled=len(found) - len(unique),
        disordered=int([one for one in unique if one in set(written)] != [one for one in written if one in set(found)]),
    )


@dataclass(slots=True)
class Client:
    """One person in one private conversation. `cuts` is how often it is to be cut off."""

    url: str
    cuts: int
    dice: random.Random
    faults: Faults = field(default_factory=Faults)
    done_cuts: int = 0
    cursor: int = 0
    identity: dict[str, Any] = field(default_factory=dict)
    outbox: list[tuple[str, str]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Talk and be cut off until it is enough; then come back once and look whether all of it is there."""
        while self.done_cuts < self.cuts:
            if await self._try(self.connect(self.dice.choice(("hello", "send", "ack", "log", "stream")))):
                self.done_cuts += 1
        async with asyncio.timeout(180):
            while self.outbox:
                await self._try(self.connect("never"))
            while not await self._try(self._check()):
                pass

    async def _try(self, step: Coroutine[None, None, None]) -> bool:
        """Whether it could be done; if not, a moment has passed."""
        try:
            await step
        except (OSError, websockets.WebSocketException, TimeoutError):
            await asyncio.sleep(0.2)
            return False
        return True

    async def connect(self, cut_at: str) -> None:
        """One connection, cut at a point of the talk: after hello or a send, at the ack, at an entry, in mid-answer.

        With `never` it lasts until all that was written is answered.
        """
        async with asyncio.timeout(PATIENCE_S):
            socket = await websockets.connect(self.url, subprotocols=[PROTOCOL], compression=None, ping_interval=None)
            try:
                await self._say_hello(socket)
                if cut_at != "hello":
                    await self._talk(socket, cut_at)
            finally:
                socket.transport.abort()

    async def _say_hello(self, socket: ClientConnection) -> None:
        hello = {"type": "hello", "v": 1, "site": "demo", "cursor": self.cursor, **self.identity}
        await socket.send(json.dumps(hello))
        welcome = json.loads(await socket.recv())
        if welcome["type"] != "welcome":
            raise OSError(welcome)
        token = welcome.get("token") or self.identity.get("token")
        self.identity = {"token": token, "session_id": welcome["session_id"], "epoch": welcome["epoch"]}

    async def _talk(self, socket: ClientConnection, cut_at: str) -> None:
        if not self.outbox and cut_at != "never":
            self.written.append(f"message {len(self.written)}")
            self.outbox.append((str(uuid.uuid4()), self.written[-1]))
        for frame_id, text in self.outbox:
            await socket.send(json.dumps({"type": "send", "id": frame_id, "text": text}))
        if cut_at == "send":
            return
        while True:
            frame = json.loads(await socket.recv())
            self._take(frame)
            kind = frame["type"]
            is_there = kind == {"ack": "ack", "log": "run", "stream": "d"}.get(cut_at)
            if is_there or (kind == "run" and frame["state"] == "done" and not self.outbox):
                return

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "nack":
            raise OSError(frame["code"])
        if frame["type"] == "ack":
            self.outbox = [one for one in self.outbox if one[0] != frame["id"]]
        if "seq" not in frame or frame["type"] == "ack" or frame["seq"] <= self.cursor:
            return
        if frame["seq"] != self.cursor + 1:
            self.faults.disordered += 1
        self.cursor = frame["seq"]
        if frame["type"] == "message" and frame["role"] == "user":
            self.heard.append(frame["text"])

    async def _check(self) -> None:
        """What this client heard, and what the gateway holds, are what was written."""
        socket = await websockets.connect(self.url, subprotocols=[PROTOCOL], compression=None)
        async with socket:
            head = self.cursor
            await self._say_hello(socket)
            found: list[str] = []
            before = head + 10_000
            while before > 1:
                await socket.send(json.dumps({"type": "history", "before": before, "limit": 100}))
                page = await self._read_history(socket)
                found = [one["text"] for one in page["messages"] if one["role"] == "user"] + found
                before = page["messages"][0]["seq"] if page["has_more"] else 1
        self.faults.add(compare(self.written, found))
        self.faults.doubled += len(self.heard) - len(set(self.heard))

    async def _read_history(self, socket: ClientConnection) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while (frame := json.loads(await socket.recv()))["type"] != "history":
                self._take(frame)
        page: dict[str, Any] = frame
        return page


async def cut_off_clients(url: str, cuts: int, seed: int, at_once: int = 16) -> tuple[Faults, int]:
    """So many cuts over clients side by side: the faults, and the cuts that were made."""
    clients = [Client(url, cuts // at_once + (n < cuts % at_once), random.Random(seed + n)) for n in range(at_once)]
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(client.run())
    faults = Faults()
    for client in clients:
        faults.add(client.faults)
    return faults, sum(client.done_cuts for client in clients)


async def sit_idle(url: str, count: int) -> list[asyncio.StreamWriter]:
    """So many greeted connections that say nothing more and answer no ping; to be closed by the caller."""
    writers: list[asyncio.StreamWriter] = []
    place = asyncio.Semaphore(64)
    host, _, path = url.removeprefix("ws://").partition("/")
    name, _, port = host.partition(":")

    async def sit() -> None:
        async with place:
            reader, writer = await asyncio.open_connection(name, int(port))
            writer.write(
                f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: gw.v1\r\n\r\n".encode()
            )
            await reader.readuntil(b"\r\n\r\n")
            hello = json.dumps({"type": "hello", "v": 1, "site": "demo", "cursor": 0}).encode()
            writer.write(bytes([0x81, 0x80 | len(hello)]) + bytes(4) + hello)
            await reader.readexactly(4)
            writers.append(writer)
            asyncio.get_running_loop().create_task(_answer_pings(reader, writer))

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(sit())
    return writers


async def _answer_pings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a browser does, without a library's cost: any ping gets a pong with the same body."""
    while data := await reader.read(65_536):
        at = data.find(b"\x89")
        if at >= 0 and len(data) >= at + 2 + data[at + 1] and data[at + 1] < 126:
            body = data[at + 2 : at + 2 + data[at + 1]]
            writer.write(bytes([0x8A, 0x80 | len(body)]) + bytes(4) + body)
