"""A caller of an event stream, in process: it sees each frame as it is sent, and can leave."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

from tests.adapters.api.caller import TASKS, TASKS_PATH, Caller, authorize


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame: an event with its data, or a comment."""

    event: str
    data: dict[str, Any]
    seq: int | None = None
    comment: str = ""


class Stream:
    """The frames of one answer."""

    def __init__(self, sent: "asyncio.Queue[Message]", status: int, headers: dict[str, str]) -> None:
        self._sent = sent
        self.status = status
        self.headers = headers

    async def next(self) -> Frame | None:
        """The next frame; none at the end."""
        async with asyncio.timeout(5):
            message = await self._sent.get()
        if not message["body"]:
            assert not message["more_body"]
            return None
        return parse_frame(message["body"].decode())

    async def rest(self) -> list[Frame]:
        """All frames to the end, comments left out."""
        frames = []
        while (frame := await self.next()) is not None:
            frames += [frame] if frame.event else []
        return frames


def parse_frame(text: str) -> Frame:
    """One frame as a reader of server-sent events takes it."""
    assert text.endswith("\n\n")
    assert text.count("\n\n") == 1
    fields = dict(line.split(": ", 1) for line in text.strip("\n").split("\n"))
    if "" in fields:
        return Frame(event="", data={}, comment=fields[""])
    seq = int(fields["id"]) if "id" in fields else None
    return Frame(event=fields["event"], data=json.loads(fields["data"]), seq=seq)


@asynccontextmanager
async def open_stream(
    app: ASGIApp, method: str, path: str, *, body: bytes = b"", headers: dict[str, str], spec: str = "2.3"
) -> AsyncIterator[Stream]:
    """Send a request and watch its answer; to leave the block is to close the connection."""
    sent: asyncio.Queue[Message] = asyncio.Queue()
    left = asyncio.Event()
    requests = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await sent.put(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
    }
    answering = asyncio.ensure_future(app(scope, receive, send))
    try:
        async with asyncio.timeout(5):
            start = await sent.get()
        yield Stream(sent, start["status"], {name.decode(): value.decode() for name, value in start["headers"]})
    finally:
        left.set()
        async with asyncio.timeout(5):
            await answering


def stream_headers(**more: str) -> dict[str, str]:
    """The headers of a caller with a token."""
    return {**authorize(TASKS), "content-type": "application/json", **more}


def give_and_watch(caller: Caller, **fields: Any) -> AbstractAsyncContextManager[Stream]:
    """Give a task as a stream."""
    body = json.dumps({"prompt": "Hello", "stream": True, **fields}).encode()
    return open_stream(caller.app, "POST", TASKS_PATH, body=body, headers=stream_headers())


def watch(caller: Caller, task_id: str, last: int | str | None = None) -> AbstractAsyncContextManager[Stream]:
    """Watch a task, after the event `last` when it is given."""
    more = {} if last is None else {"last-event-id": str(last)}
    return open_stream(caller.app, "GET", f"{TASKS_PATH}/{task_id}/events", headers=stream_headers(**more))


def names_of(frames: list[Frame]) -> list[str]:
    """What came, in short: the states of the run and the names of the other events."""
    return [frame.data["state"] if frame.event == "run" else frame.event for frame in frames]


async def first(stream: Stream) -> Frame:
    """The next frame, which there has to be."""
    frame = await stream.next()
    assert frame is not None
    return frame
