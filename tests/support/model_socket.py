"""Serves a scripted or demo model on a real socket, for what only a socket shows: `ANTHROPIC_BASE_URL`, hang-ups."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from gateway.demo.endpoint import Endpoint, HttpAsk, HttpReply


class _Reader(asyncio.StreamReader):
    """A reader that tells when the other side has hung up, without reading."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.ended.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.ended.set()


@asynccontextmanager
async def serve_model(endpoint: Endpoint, port: int = 0) -> AsyncIterator[str]:
    """The base URL of a server on 127.0.0.1 while the block runs. A client that hangs up ends its answer."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(reader, _Reader)
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        try:
            while (ask := await _read_ask(reader)) is not None:
                await _exchange(endpoint, ask, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the streams' own callback takes a cancelled conversation for a fault
        finally:
            conversations.discard(task)
            writer.close()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: asyncio.StreamReaderProtocol(_Reader(), converse), "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(conversations):
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


async def _read_ask(reader: asyncio.StreamReader) -> HttpAsk | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return HttpAsk(method=method, path=target.partition("?")[0], headers=headers, body=body)


async def _exchange(endpoint: Endpoint, ask: HttpAsk, reader: _Reader, writer: asyncio.StreamWriter) -> None:
    """One answer, given up as soon as the client hangs up, which the end of its input shows."""
    answer = asyncio.ensure_future(_answer(endpoint, ask, writer))
    hang_up = asyncio.ensure_future(reader.ended.wait())
    try:
        await asyncio.wait({answer, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ConnectionResetError("the client hung up")
        answer.result()
    finally:
        for task in (answer, hang_up):
            task.cancel()
        await asyncio.gather(answer, hang_up, return_exceptions=True)


async def _answer(endpoint: Endpoint, ask: HttpAsk, writer: asyncio.StreamWriter) -> None:
    reply = await endpoint(ask)
    lines = [
        f"HTTP/1.1 {reply.status} -",
        "transfer-encoding: chunked",
        *(f"{k}: {v}" for k, v in reply.headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        await _write_pieces(reply, writer)
    finally:
        if isinstance(reply.pieces, AsyncGenerator):
            await reply.pieces.aclose()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _write_pieces(reply: HttpReply, writer: asyncio.StreamWriter) -> None:
    async for piece in reply.pieces:
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
