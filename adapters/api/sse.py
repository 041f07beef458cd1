"""Server-sent events: how a frame is written, and an answer that goes on."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HEARTBEAT = ": still here\n\n"

T = TypeVar("T")


def render_frame(event: str, data: str, seq: int | None = None) -> str:
    """One event. `data` is one line of JSON; `seq` becomes the id that a resumed stream starts after."""
    cursor = "" if seq is None else f"id: {seq}\n"
    return f"event: {event}\n{cursor}data: {data}\n\n"


async def with_heartbeats(items: AsyncIterator[T], every_s: float) -> AsyncGenerator[T | None]:
    """The items, and none whenever nothing came for `every_s` seconds."""
    pending: asyncio.Future[T] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(items))
            await asyncio.wait({pending}, timeout=every_s)
            if not pending.done():
                yield None
                continue
            try:
                item = pending.result()
            except StopAsyncIteration:
                return
            pending = None
            yield item
    finally:
        if pending is not None:
            await _cancel(pending)


class EventStream(Response):
    """An answer made of frames, sent as they come.

    The frames end when the caller goes away, and when the caller does not take a frame within `send_timeout_s`.
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[str], *, send_timeout_s: float) -> None:
        self.status_code = 200
        self.background = None
        self.frames = frames
        self.send_timeout_s = send_timeout_s
        # Proxies that buffer would hold back the answer until it is whole.
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and the frames until they end or the caller goes."""
        sending = asyncio.ensure_future(self._send_frames(send))
        leaving = asyncio.ensure_future(_wait_until_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            await _cancel(sending)
            await _cancel(leaving)

    async def _send_frames(self, send: Send) -> None:
        async with contextlib.aclosing(self.frames):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                async for frame in self.frames:
                    async with asyncio.timeout(self.send_timeout_s):
                        await send({"type": "http.response.body", "body": frame.encode(), "more_body": True})
            except TimeoutError:
                # Left unfinished on purpose: the caller sees a broken stream and can resume it.
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(future: "asyncio.Future[T]") -> None:
    future.cancel()
    await asyncio.wait({future})
    if not future.cancelled():
        future.exception()  # looked at, so that asyncio does not report it as forgotten
