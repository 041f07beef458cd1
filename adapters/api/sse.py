"""Server-sent events: how a frame is written, and an answer that goes on."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

HEARTBEAT = ": still here\n\n"


def render_frame(event: str, data: str, seq: int | None = None) -> str:
    """One event. `data` is one line of JSON; `seq` becomes the id that a resumed stream starts after."""
    cursor = "" if seq is None else f"id: {seq}\n"
    return f"event: {event}\n{cursor}data: {data}\n\n"


class EventStream(Response):
    """An answer made of frames, sent as they come, with a comment after each `heartbeat_s` in which none came.

    The frames are closed when the caller goes away, and when the caller does not take a frame within
    `send_timeout_s`: then the answer is left unfinished, so that the caller sees a broken stream and can resume it.
    """

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[str], *, heartbeat_s: float, send_timeout_s: float) -> None:
        self.status_code = 200
        self.background = None
        self.frames = frames
        self.heartbeat_s = heartbeat_s
        self.send_timeout_s = send_timeout_s
        # Proxies that buffer would hold back the answer until it is whole.
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and the frames until they end or the caller goes."""
        frames: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
        making = asyncio.ensure_future(self._make(frames))
        sending = asyncio.ensure_future(self._send(frames, send))
        leaving = asyncio.ensure_future(_wait_until_gone(receive))
        try:
            await asyncio.wait({making, sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if making.done():
                making.result()
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            await _cancel(making, sending, leaving)

    async def _make(self, frames: "asyncio.Queue[str | None]") -> None:
        # The frames are made in a task of their own and in no other: what they open may be closed only where it was.
        async with contextlib.aclosing(self.frames):
            async for frame in self.frames:
                await frames.put(frame)
        await frames.put(None)

    async def _send(self, frames: "asyncio.Queue[str | None]", send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while (frame := await self._next(frames)) is not None:
            try:
                async with asyncio.timeout(self.send_timeout_s):
                    await send({"type": "http.response.body", "body": frame.encode(), "more_body": True})
            except TimeoutError:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self, frames: "asyncio.Queue[str | None]") -> str | None:
        try:
            async with asyncio.timeout(self.heartbeat_s):
                return await frames.get()
        except TimeoutError:
            return HEARTBEAT


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancel(*futures: "asyncio.Future[None]") -> None:
    for future in futures:
        future.cancel()
    await asyncio.wait(futures)
    for future in futures:
        if not future.cancelled():
            future.exception()  # looked at, so that asyncio does not report it as forgotten
