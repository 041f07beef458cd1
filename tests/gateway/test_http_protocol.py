"""Peers that draw things out: half requests, answers that nobody reads, and who must not be mistaken for them."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from gateway.http_protocol import DeadlineHttpProtocol
from gateway.websocket_protocol import ParleyWebSocketProtocol

WAIT_S = 5
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Drip: "
BODY = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
UNREAD = b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"


class Impatient(DeadlineHttpProtocol):
    """The same in a hurry."""

    head_s = 0.2
    body_s = 0.2
    write_s = 0.2
    close_s = 0.2


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("alive")


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _large(_: Request) -> Response:
    return Response(b"x" * 4_000_000)


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


APP = Starlette(
    routes=[
        Route("/healthz", _healthz, methods=["GET", "POST"]),
        Route("/read", _read, methods=["POST"]),
        Route("/large", _large),
        WebSocketRoute("/echo", _echo),
    ]
)


@asynccontextmanager
async def serve(protocol: type[DeadlineHttpProtocol]) -> AsyncIterator[int]:
    """The port of a server with that protocol."""
    config = uvicorn.Config(
        APP, http=protocol, ws=ParleyWebSocketProtocol, lifespan="off", log_config=None, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        async with asyncio.timeout(WAIT_S):
            await serving


class Peer:
    """A connection of which every byte is chosen."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def drip(self, beginning: bytes) -> bytes:
        """Send the beginning of something and then a byte now and then; what had been answered when it was cut off."""
        self.writer.write(beginning)
        answered = asyncio.create_task(self._read_all())
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                while not answered.done():
                    self.writer.write(b"x")
                    await asyncio.wait([answered], timeout=0.02)
        return await answered

    async def wait_cut(self) -> bytes:
        """What was answered before the connection was cut off."""
        async with asyncio.timeout(WAIT_S):
            return await self._read_all()

    async def ask(self) -> bytes:
        """The answer to a whole request."""
        self.writer.write(WHOLE)
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readuntil(b"alive")

    async def _read_all(self) -> bytes:
        """What came before the connection was cut off; an abort would take along what nobody has read yet."""
        read = b""
        with contextlib.suppress(ConnectionError):
            while part := await self.reader.read(65_536):
                read += part
        return read


@asynccontextmanager
async def peer(port: int) -> AsyncIterator[Peer]:
    """A connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


async def drip(port: int, beginning: bytes) -> bytes:
    """What a peer got that drips."""
    async with peer(port) as one:
        return await one.drip(beginning)


async def test_a_hundred_half_requests_are_cut_off_while_others_are_served() -> None:
    """Each holds a file descriptor; a thousand of them must not keep the next visitor out. Proves: OP-9."""
    async with serve(Impatient) as port, asyncio.TaskGroup() as group:
        slow = [group.create_task(drip(port, HEAD if n % 2 else BODY)) for n in range(100)]
        async with peer(port) as healthy:
            answers = 0
            while not all(one.done() for one in slow):
                assert (await healthy.ask()).startswith(b"HTTP/1.1 200")
                answers += 1
                await asyncio.sleep(0)
    assert answers > 1
    assert {one.result() for one in slow} == {b""}


@pytest.mark.parametrize("beginning", [WHOLE + HEAD, WHOLE + BODY, UNREAD], ids=["head", "body", "unread body"])
async def test_what_drips_behind_an_answer_is_cut_off_too(beginning: bytes) -> None:
    """An answered request must not buy its connection time without end."""
    async with serve(Impatient) as port:
        assert (await drip(port, beginning)).endswith(b"alive")


@pytest.mark.parametrize("sent", [b"", HEAD, BODY, WHOLE + HEAD, WHOLE + BODY])
async def test_a_request_that_stops_halfway_is_cut_off(sent: bytes) -> None:
    """No byte at all is as slow as one can be."""
    async with serve(Impatient) as port, peer(port) as halfway:
        halfway.writer.write(sent)
        assert (await halfway.wait_cut()).endswith(b"alive" if sent.startswith(WHOLE) else b"")


async def test_a_peer_that_does_not_read_its_answers_is_cut_off() -> None:
    """What waits to be read is memory."""
    async with serve(Impatient) as port, peer(port) as one:
        one.reader._limit = 1_000  # type: ignore[attr-defined]  # the transport stops reading beyond twice this
        one.writer.write(LARGE * 4)
        transport = one.writer.transport
        async with asyncio.timeout(WAIT_S):
            while not transport.is_closing():
                one.writer.write(b"x")
                await asyncio.sleep(0.02)
        assert one.reader.at_eof() or one.reader.exception() is not None


async def test_a_websocket_outlives_the_deadlines_of_requests() -> None:
    """It began as a request, whose deadlines end with the handshake."""
    async with serve(Impatient) as port, connect(f"ws://127.0.0.1:{port}/echo") as websocket:
        assert await drip(port, HEAD) == b"", "the deadlines have passed"
        await websocket.send(json.dumps("there"))
        async with asyncio.timeout(WAIT_S):
            assert await websocket.recv() == '"there"'


async def test_a_connection_that_asks_again_and_again_is_kept() -> None:
    """Each request has a deadline of its own; together they may take longer."""
    async with serve(Impatient) as port, peer(port) as steady:
        slow = asyncio.create_task(drip(port, HEAD))
        while not slow.done():
            await steady.ask()
            await asyncio.sleep(0.01)
        assert (await steady.ask()).startswith(b"HTTP/1.1 200")
