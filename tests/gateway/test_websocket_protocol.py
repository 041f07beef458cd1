"""A peer that stays connected and stops reading is gone in time, by whatever way it is closed, on both event loops."""

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

import psutil
import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.websocket_protocol import ParleyWebSocketProtocol

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
LoopFactory = Callable[[], asyncio.AbstractEventLoop]
CHUNK = "x" * 65_536


class Host:
    """A server that tells how many websockets it has, when the buffer of one is full and when an endpoint ended."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = asyncio.Event()
        self.ended = asyncio.Event()
        self.full = asyncio.Event()
        routes = [
            WebSocketRoute("/echo", self.echo),
            WebSocketRoute("/flood", self.flood),
            WebSocketRoute("/leave", self.leave),
            WebSocketRoute("/close", self.close),
            WebSocketRoute("/now", self.now),
        ]
        self.app = Starlette(routes=routes)
        self.port = 0
        self.server: uvicorn.Server
        self.protocols: list[ParleyWebSocketProtocol] = []

    async def echo(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    async def _fill(self, websocket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await websocket.send_text(CHUNK)

    async def flood(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await self._fill(websocket)
        self.ended.set()

    async def leave(self, websocket: WebSocket) -> None:
        await websocket.accept()
        filling = asyncio.ensure_future(self._fill(websocket))
        await self.full.wait()
        filling.cancel()
        await asyncio.wait([filling])
        self.ended.set()

    async def now(self, websocket: WebSocket) -> None:
        await websocket.accept()
        send_now: Callable[[str], bool] = websocket.scope["extensions"]["parley.send_now"]["send_now"]
        async for text in websocket.iter_text():
            assert send_now(text)
        assert not send_now("too late")
        self.ended.set()

    async def close(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4013, "reads too slowly")

    async def until_count(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.count != count:
                self.changed.clear()
                await self.changed.wait()


def note_on(host: Host) -> type[ParleyWebSocketProtocol]:
    class NotedProtocol(ParleyWebSocketProtocol):
        """Tells the host what happens to it. Its deadlines are short enough to be waited for in a test."""

        close_s = 0.1
        dead_s = 0.05

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            host.protocols.append(self)
            host.count += 1
            host.changed.set()

        def pause_writing(self) -> None:
            super().pause_writing()
            host.full.set()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            host.count -= 1
            host.changed.set()

    return NotedProtocol


@asynccontextmanager
async def serve(ping_s: float | None) -> AsyncGenerator[Host, None]:
    host = Host()
    config = uvicorn.Config(
        host.app,
        ws=note_on(host),
        ws_per_message_deflate=False,
        ws_ping_interval=ping_s,
        ws_ping_timeout=ping_s and ping_s * 10,
        lifespan="off",
        log_config=None,
    )
    host.server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    host.port = listener.getsockname()[1]
    serving = asyncio.ensure_future(host.server._serve([listener]))
    try:
        yield host
    finally:
        host.server.should_exit = True
        async with asyncio.timeout(5):
            await serving
        listener.close()


def open_raw(port: int, path: str) -> socket.socket:
    """A websocket by hand, whose owner reads nothing after the handshake. Its buffers are as small as can be."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return sock


def run(new_loop: LoopFactory, case: Callable[[], Coroutine[None, None, None]]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(case())


async def echo(client: ClientConnection, text: str) -> None:
    async with asyncio.timeout(5):
        await client.send(text)
        assert await client.recv() == text


@LOOPS
def test_a_non_reader_is_gone_after_an_unanswered_ping(new_loop: LoopFactory) -> None:
    """`send` to it would block for ever, and its descriptor never come back. Proves: WI-25."""

    async def case() -> None:
        async with serve(0.05) as host, connect(f"ws://127.0.0.1:{host.port}/echo") as neighbour:
            await echo(neighbour, "before")
            descriptors = psutil.Process().num_fds()
            stuck = [open_raw(host.port, "/flood") for _ in range(5)]
            await host.until_count(6)
            async with asyncio.timeout(5):
                await host.full.wait()
            await echo(neighbour, "meanwhile")
            await host.until_count(1)
            async with asyncio.timeout(5):
                await host.ended.wait()
            for sock in stuck:
                sock.close()
            await echo(neighbour, "after")
            assert psutil.Process().num_fds() == descriptors

    run(new_loop, case)


@LOOPS
def test_a_non_reader_is_gone_soon_after_the_application_ended(new_loop: LoopFactory) -> None:
    """Closing waits for a buffer that never empties. Proves: WI-25."""

    async def case() -> None:
        async with serve(None) as host:
            with contextlib.closing(open_raw(host.port, "/leave")):
                async with asyncio.timeout(5):
                    await host.ended.wait()
                await host.until_count(0)

    run(new_loop, case)


@LOOPS
def test_a_peer_that_closes_and_does_not_read_is_gone_soon(new_loop: LoopFactory) -> None:
    """Its closing frame is answered into the full buffer. Proves: WI-25."""

    async def case() -> None:
        async with serve(None) as host:
            with contextlib.closing(open_raw(host.port, "/flood")) as sock:
                async with asyncio.timeout(5):
                    await host.full.wait()
                sock.sendall(b"\x88\x82\x00\x00\x00\x00\x03\xe8")
                await host.until_count(0)
                async with asyncio.timeout(5):
                    await host.ended.wait()

    run(new_loop, case)


@LOOPS
def test_a_peer_that_breaks_the_protocol_and_does_not_read_is_gone_soon(new_loop: LoopFactory) -> None:
    """The error is answered into the full buffer too. Proves: WI-25, WI-32."""

    async def case() -> None:
        async with serve(None) as host:
            with contextlib.closing(open_raw(host.port, "/flood")) as sock:
                async with asyncio.timeout(5):
                    await host.full.wait()
                sock.sendall(b"\xff\xff\xff\xff\xff\xff")
                await host.until_count(0)

    run(new_loop, case)


@LOOPS
def test_the_server_ends_though_a_peer_does_not_read(new_loop: LoopFactory) -> None:
    """A stop must not wait for one who never lets go. Proves: WI-25."""

    async def case() -> None:
        async with serve(None) as host:
            with contextlib.closing(open_raw(host.port, "/flood")):
                async with asyncio.timeout(5):
                    await host.full.wait()
                host.server.should_exit = True
                await host.until_count(0)

    run(new_loop, case)


@LOOPS
def test_a_peer_that_reads_gets_the_close_code(new_loop: LoopFactory) -> None:
    """The deadline is for those who do not. Proves: WI-25."""

    async def case() -> None:
        async with serve(0.05) as host:
            client: Awaitable[ClientConnection] = connect(f"ws://127.0.0.1:{host.port}/close")
            with pytest.raises(ConnectionClosed) as closed:
                async with asyncio.timeout(5):
                    await (await client).recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4013, "reads too slowly")
            await host.until_count(0)

    run(new_loop, case)


async def read_until(sock: socket.socket, data: bytes, count: int) -> bytes:
    """What comes, once it is `count` bytes or holds `data`."""
    found = b""
    while data not in found and len(found) < count:
        found += await asyncio.to_thread(sock.recv, 4096)
    return found


@LOOPS
@pytest.mark.parametrize("path", ["/echo", "/now"])
def test_a_ping_that_is_nearly_due_goes_along_with_a_frame_and_none_that_is_not(
    new_loop: LoopFactory, path: str
) -> None:
    """Of thousands of idle connections each costs two system calls for a heartbeat, not four. Proves: WI-25."""

    async def case() -> None:
        async with serve(1000.0) as host:
            with contextlib.closing(open_raw(host.port, path)) as sock:
                sock.settimeout(5)
                await read_until(sock, b"\r\n\r\n", 4096)
                sock.sendall(b"\x81\x81\x00\x00\x00\x00a\x81\x81\x00\x00\x00\x00b")
                young = await read_until(sock, b"b", 6)
                host.protocols[0].ping_sent_at -= 950
                sock.sendall(b"\x81\x81\x00\x00\x00\x00c\x81\x81\x00\x00\x00\x00d")
                late = await read_until(sock, b"\x01d", 12)
            assert young == b"\x81\x01a\x81\x01b"
            assert (late[:2], late[6:]) == (b"\x89\x04", b"\x81\x01c\x81\x01d")

    run(new_loop, case)


@LOOPS
def test_what_cannot_be_written_at_once_is_said_to_be_left(new_loop: LoopFactory) -> None:
    """Whoever writes without waiting must know that it was not written, once the peer is gone. Proves: WI-25."""

    async def case() -> None:
        async with serve(None) as host, connect(f"ws://127.0.0.1:{host.port}/now") as client:
            await echo(client, "there")
            await client.close()
            async with asyncio.timeout(5):
                await host.ended.wait()

    run(new_loop, case)
