"""A client of the widget's event stream, in process: it speaks ASGI to the application, without a server."""

import asyncio
import json
from types import TracebackType
from typing import Self

import httpx2
from starlette.applications import Starlette
from starlette.types import Message

from agent.records import JsonObject, JsonValue
from tests.adapters.widget.peer import WAIT_S


class Stream:
    """`reads` cleared stands for a client whose buffers are full: what is sent to it waits."""

    def __init__(self, app: Starlette, hello: JsonValue, **headers: str) -> None:
        query = str(httpx2.QueryParams({"hello": hello if isinstance(hello, str) else json.dumps(hello)}))
        self._app = app
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/widget/events",
            "raw_path": b"/widget/events",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (b"host", b"localhost:8080"),
                *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
            ],
            "client": ("192.0.2.1", 1234),
            "server": ("localhost", 8080),
        }
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.status = 0
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._to_app.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.task = asyncio.create_task(self._run())
        start = await self._next_message()
        self.status = start["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reads.set()
        self._to_app.put_nowait({"type": "http.disconnect"})
        async with asyncio.timeout(WAIT_S):
            await self.task

    async def _run(self) -> None:
        await self._app(self._scope, self._to_app.get, self._take)

    async def _take(self, message: Message) -> None:
        await self.reads.wait()
        self._from_app.put_nowait(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._to_app.put_nowait({"type": "http.disconnect"})

    async def _next_message(self) -> Message:
        async with asyncio.timeout(WAIT_S):
            return await self._from_app.get()

    async def body(self) -> JsonObject:
        """The body of an answer that is no stream."""
        found: JsonObject = json.loads((await self._next_message())["body"])
        return found

    async def next(self) -> tuple[str | None, str | None, JsonObject]:
        """The next event: its kind, its id, its data."""
        message = await self._next_message()
        lines = message["body"].decode().removesuffix("\n\n").split("\n")
        fields = dict(line.split(": ", 1) for line in lines)
        return fields.get("event"), fields.get("id"), json.loads(fields["data"])

    async def until(self, kind: str) -> JsonObject:
        """The next frame of this type, past others."""
        while (frame := (await self.next())[2])["type"] != kind:
            pass
        return frame
