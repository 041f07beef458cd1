"""The fake gateway where websockets are blocked: its pages, and server-sent events with one POST per frame."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.widget.fake_frames import Frame
from tests.widget.fake_pages import CSP, KINDS, PAGES
from tests.widget.fake_server import FakeGateway
from tests.widget.fake_session import Peer


class EventsFront:
    """Serves `gateway` by HTTP alone, at `url`. `streams` counts the event streams that were opened."""

    def __init__(self, gateway: FakeGateway) -> None:
        self._gateway = gateway
        self.url = ""
        self.streams = 0
        self.last_event_ids: list[str | None] = []
        self._closing = asyncio.Event()

    def app(self) -> Starlette:
        pages = [Route(path, self._page) for path in PAGES]
        paths = [Route("/widget/events", self._events), Route("/widget/frames", self._frames, methods=["POST"])]
        return Starlette(routes=[*pages, *paths])

    def cut(self) -> None:
        """Ends every stream, as a proxy that lost patience would."""
        self._closing.set()
        self._closing = asyncio.Event()

    async def _page(self, request: Request) -> Response:
        file = PAGES[request.url.path]
        return FileResponse(file, media_type=KINDS[file.suffix], headers={"Content-Security-Policy": CSP})

    def _token(self, request: Request) -> str | None:
        return request.headers.get("authorization", "").removeprefix("Bearer ") or None

    async def _events(self, request: Request) -> Response:
        gateway = self._gateway
        hello: Frame = json.loads(request.query_params["hello"])
        assert "token" not in hello, "the token is never in the URL"
        if gateway.refuse_with:
            return JSONResponse({"code": gateway.refuse_with[0], "reason": "refused"}, status_code=403)
        self.streams += 1
        self.last_event_ids.append(request.headers.get("last-event-id"))
        peer = await gateway.join({**hello, "token": self._token(request)})
        return StreamingResponse(self._stream(peer), media_type="text/event-stream")

    async def _stream(self, peer: Peer) -> AsyncIterator[str]:
        closing = asyncio.create_task(self._closing.wait())
        try:
            while not closing.done():
                frame = asyncio.create_task(peer.queue.get())
                await asyncio.wait([frame, closing], return_when=asyncio.FIRST_COMPLETED)
                if not frame.done():
                    frame.cancel()
                    return
                body = frame.result()
                mark = f"id: {body['seq']}\n" if body and "seq" in body else ""
                yield f"{mark}data: {json.dumps(body)}\n\n"
        finally:
            closing.cancel()
            await self._gateway.leave(peer)

    async def _frames(self, request: Request) -> Response:
        gateway = self._gateway
        session = gateway.sessions.get(request.query_params["session_id"])
        user = gateway.tokens.get(self._token(request) or "")
        if session is None or user is None:
            return JSONResponse({"code": 4404, "reason": "no such conversation"}, status_code=404)
        peer = Peer(None, session, user)
        await gateway.take(peer, (await request.body()).decode())
        answers = []
        while not peer.queue.empty():
            answers.append(peer.queue.get_nowait())
        return JSONResponse(answers)


@asynccontextmanager
async def serving_events(gateway: FakeGateway) -> AsyncIterator[EventsFront]:
    """A front for one test, on a free port of 127.0.0.1. A websocket there gets 404."""
    front = EventsFront(gateway)
    listener = socket.create_server(("127.0.0.1", 0))
    front.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(front.app(), ws="none", log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield front
    finally:
        server.should_exit = True
        front.cut()
        with suppress(asyncio.CancelledError):
            await task
