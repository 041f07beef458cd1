"""Visitors with a widget: outbox and cursor, all sent again after each reconnect, some of it to both replicas."""

import asyncio
import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import websockets

from tests.chaos.ledger import Ledger, Question, Watch
from tests.chaos.speech import draw, make_token, question

PATIENCE_S = 6.0
"""A visitor whose message is not acked for so long takes the path for dead."""


@dataclass(slots=True, kw_only=True)
class Visitor:
    """One browser in a thread. `is_mute`: only watches."""

    name: str
    thread: str
    seed: int
    ledger: Ledger
    urls: list[str]
    pause_s: float = 2.0
    is_mute: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    watch: Watch = field(init=False)
    _chance: Random = field(init=False)
    _token: str | None = None
    _epoch: str | None = None
    _cursor: int = 0
    _waiting: dict[str, Question] = field(default_factory=dict)
    _acked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.watch = Watch(name=self.name, session_id=f"web:demo:{self.thread}")
        self.ledger.watches.append(self.watch)
        self._chance = draw(self.seed, "visitor", self.name)

    @property
    def cursor(self) -> int:
        """The newest durable event that was seen."""
        return self._cursor

    async def run(self) -> None:
        """Stay connected until cancelled, and talk until stopped."""
        while True:
            with suppress(OSError, websockets.WebSocketException, TimeoutError, EOFError):
                await self._visit(self._chance.choice(self.urls))
            self.watch.reconnects += 1
            await asyncio.sleep(self._chance.uniform(0.02, 0.4))

    async def _visit(self, url: str) -> None:
        async with self._connect(url) as socket:
            await socket.send(json.dumps(self._hello(self._cursor)))
            async with asyncio.timeout(PATIENCE_S):
                await self._handle_welcome(json.loads(await socket.recv()))
            talking = asyncio.create_task(self._talk(socket))
            try:
                last = self._cursor if self._is_resumed else None
                async for text in socket:
                    last = self._hear(json.loads(text), last)
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)

    def _connect(self, url: str) -> Any:
        address = url.replace("http", "ws") + "/widget/ws"
        protocols = [websockets.Subprotocol("gw.v1")]
        return websockets.connect(address, subprotocols=protocols, compression=None, open_timeout=4, close_timeout=1)

    def _hello(self, cursor: int) -> dict[str, object]:
        hello = {"type": "hello", "v": 1, "site": "demo", "thread": self.thread, "name": self.name, "cursor": cursor}
        own = {"token": self._token, "epoch": self._epoch}
        return {**hello, **{key: value for key, value in own.items() if value is not None}}

    _is_resumed: bool = False

    async def _handle_welcome(self, frame: dict[str, Any]) -> None:
        if frame["type"] != "welcome":
            raise EOFError(frame["type"])
        self._token = frame.get("token") or self._token
        if self._epoch not in {None, frame["epoch"]}:
            self.watch.faults.append("the epoch changed")
        if frame["cursor"] != self._cursor:
            self.watch.faults.append(f"resumed at {frame['cursor']} instead of {self._cursor}")
        self._epoch, self._is_resumed = frame["epoch"], True

    def _hear(self, frame: dict[str, Any], last: int | None) -> int | None:
        """One frame. `last` is the newest event of this connection: each must be the next one."""
        kind = frame["type"]
        if kind == "ack" and frame["id"] in self._waiting:
            self._waiting.pop(frame["id"]).acks.add(frame["message_id"])
            self._acked.set()
        elif kind == "nack":
            if "retry_after" not in frame:
                self.watch.faults.append(f"nack {frame['code']}")
        elif kind in {"reset", "error"}:
            self.watch.faults.append(f"{kind} {frame.get('reason') or frame.get('code')}")
        elif "seq" in frame and kind in {"message", "run"}:
            seq = int(frame["seq"])
            if last is not None and seq != last + 1:
                self.watch.faults.append(f"event {seq} after {last} in one connection")
            if seq == self._cursor + 1:
                self._cursor = seq
                what = frame["id"] if kind == "message" else f"{frame['run_id']} {frame['state']}"
                self.watch.events.append((seq, kind, what))
            return seq
        return last

    async def _talk(self, socket: Any) -> None:
        """Send what waits again, then new things; a question of one's own waits for the ack of the one before."""
        for frame_id, asked in list(self._waiting.items()):
            await self._send(socket, frame_id, asked)
        while not self.is_mute:
            while self._waiting:
                self._acked.clear()
                try:
                    async with asyncio.timeout(self._chance.uniform(1.0, 2.5)):
                        await self._acked.wait()
                except TimeoutError:
                    for frame_id, asked in list(self._waiting.items()):
                        await self._send(socket, frame_id, asked)
            await asyncio.sleep(self._chance.uniform(0, self.pause_s))
            if self.stopped.is_set():
                return
            await self._ask(socket)

    async def _ask(self, socket: Any) -> None:
        number = self._number
        self._number += 1
        token = make_token(f"{self.seed} visitor {self.name} {number}")
        frame_id = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        asked = self.ledger.ask(token, self.watch.session_id, f"visitor {self.name}", number)
        self._waiting[frame_id] = asked
        for _ in range(self._chance.randint(1, 2)):
            await self._send(socket, frame_id, asked)
        if self._chance.random() < 0.3 and self._token is not None:
            await self._send_elsewhere(frame_id, asked)

    _number: int = 0

    async def _send(self, socket: Any, frame_id: str, asked: Question) -> None:
        self.ledger.deliveries += 1
        await socket.send(json.dumps({"type": "send", "id": frame_id, "text": question(asked.token)}))

    async def _send_elsewhere(self, frame_id: str, asked: Question) -> None:
        """The same message over another path, as two tabs with one outbox would; its ack counts as well."""
        with suppress(OSError, websockets.WebSocketException, TimeoutError):
            async with asyncio.timeout(PATIENCE_S), self._connect(self._chance.choice(self.urls)) as socket:
                await socket.send(json.dumps(self._hello(self._cursor)))
                await self._send(socket, frame_id, asked)
                async for text in socket:
                    frame = json.loads(text)
                    if frame["type"] == "ack":
                        asked.acks.add(frame["message_id"])
                        if self._waiting.pop(frame_id, None):
                            self._acked.set()
                        return
                    if frame["type"] == "nack":
                        return

    async def wait_for(self, heads: dict[str, int]) -> None:
        """Return once everything up to the session's head was seen."""
        while self._cursor < heads.get(self.watch.session_id, 0):  # noqa: ASYNC110  a look now and then will do
            await asyncio.sleep(0.05)
