"""A client of the widget's websocket, in process: it speaks ASGI to the application, without a server."""

import asyncio
import json
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp, Message

from adapters.widget.frames import SUBPROTOCOL
from agent.records import JsonObject
from tests.adapters.widget.make import hello

WAIT_S = 5.0


class Closed(Exception):
    """The gateway closed the websocket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Peer:
    """`reads` cleared stands for a peer whose buffers are full: sends to it wait."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        origins: tuple[str, ...] = (),
        address: str | None = "192.0.2.1",
        subprotocols: tuple[str, ...] = (SUBPROTOCOL,),
        answers_close: bool = True,
    ) -> None:
        self._answers_close = answers_close
        self._app = app
        self._scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "scheme": "ws",
            "path": "/widget/ws",
            "raw_path": b"/widget/ws",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *((b"origin", one.encode()) for one in origins)],
            "subprotocols": list(subprotocols),
            "client": (address, 1234) if address else None,
            "server": ("localhost", 80),
            "extensions": {},
        }
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.subprotocol: str | None = None
        self.is_accepted = False

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self._run())
        self._to_app.put_nowait({"type": "websocket.connect"})
        message = await self._next_message()
        self.is_accepted = message["type"] == "websocket.accept"
        self.subprotocol = message.get("subprotocol")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.task.cancel()
            return
        self.leave()
        async with asyncio.timeout(WAIT_S):
            await self.task

    async def _run(self) -> None:
        await self._app(self._scope, self._to_app.get, self._take)

    async def _take(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            await self.reads.wait()
        self._from_app.put_nowait(message)
        if message["type"] == "websocket.close" and self._answers_close:
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": message.get("code", 1000)})

    async def _next_message(self) -> Message:
        async with asyncio.timeout(WAIT_S):
            return await self._from_app.get()

    def leave(self) -> None:
        """The connection is cut."""
        self.reads.set()
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})

    def send(self, *frames: JsonObject) -> None:
        """Frames that arrive one after another, without waiting for anything."""
        for frame in frames:
            self.send_text(json.dumps(frame))

    def send_text(self, text: str) -> None:
        """One text frame."""
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    def send_bytes(self, data: bytes) -> None:
        """One binary frame."""
        self._to_app.put_nowait({"type": "websocket.receive", "bytes": data})

    async def next(self) -> JsonObject:
        """The next frame. Raises `Closed`."""
        message = await self._next_message()
        if message["type"] == "websocket.close":
            raise Closed(message["code"], message.get("reason", ""))
        frame: JsonObject = json.loads(message["text"])
        return frame

    async def until(self, kind: str) -> JsonObject:
        """The next frame of this type, past others. Raises `Closed`."""
        while (frame := await self.next())["type"] != kind:
            pass
        return frame

    async def closed(self) -> Closed:
        """How the gateway ends it, past whatever frames come before."""
        try:
            while True:
                await self.next()
        except Closed as end:
            return end

    async def greet(self, **fields: object) -> JsonObject:
        """Say hello; gives the welcome."""
        self.send(hello(**fields))  # type: ignore[arg-type]
        return await self.until("welcome")


def rows_of(frame: JsonObject, field: str) -> list[JsonObject]:
    """The objects in a list field of a frame."""
    found = frame[field]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def user_of(welcome: JsonObject) -> JsonObject:
    """Who the welcome is for."""
    user = welcome["user"]
    assert isinstance(user, dict)
    return user
