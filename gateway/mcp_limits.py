"""How messages of tool servers come in without any that is larger than somebody wants to hold in memory.

The library reads a message whole before anybody may measure it. So what programs say is cut into lines here, and what
servers on the network answer is counted on its way; the call whose result is too large ends with an error.
"""

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import anyio
import httpx2
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage

from gateway.mcp_servers import Program

TOO_LARGE = "a message that is larger than its limit"
CHUNK_BYTES = 65_536
HEAD_BYTES = 1_000
END_S = 2.0
"""How long a program may take to end by itself, and then to end when it is told to."""
_ID = re.compile(rb'"id"\s*:\s*(\d{1,18}|"[^"\\]{1,100}")')
Heard = SessionMessage | Exception


class TooLargeError(httpx2.StreamError):
    """A message that is larger than its limit."""


@asynccontextmanager
async def open_program(
    program: Program, most_bytes: int
) -> AsyncGenerator[tuple[MemoryObjectReceiveStream[Heard], MemoryObjectSendStream[SessionMessage]], None]:
    """A transport to a program that speaks on its standard input and output. Raises `OSError`."""
    process = await asyncio.create_subprocess_exec(
        program.command,
        *program.arguments,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=get_default_environment() | dict(program.environ),
        start_new_session=True,
    )
    heard, incoming = anyio.create_memory_object_stream[Heard](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = [asyncio.create_task(_listen(process, heard, most_bytes)), asyncio.create_task(_speak(process, said))]
    try:
        yield incoming, outgoing
    finally:
        incoming.close()
        outgoing.close()
        ending = asyncio.create_task(_end(process, tasks))
        await asyncio.shield(ending)


async def _listen(process: Process, heard: MemoryObjectSendStream[Heard], most_bytes: int) -> None:
    """Give on what it says, a line at a time; when nobody hears it any more, read on, so that it can end."""
    assert process.stdout is not None
    async with heard:
        async for line, is_whole in read_lines(process.stdout, most_bytes):
            message = _parse(line) if is_whole else _refuse(line)
            if message is None:
                break
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await heard.send(message)
    while await process.stdout.read(CHUNK_BYTES):
        pass


async def read_lines(stream: asyncio.StreamReader, most_bytes: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Each line, and whether it is whole; of one over the limit the beginning."""
    line, is_whole = bytearray(), True
    while chunk := await stream.read(CHUNK_BYTES):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            is_whole = _add(line, end, most_bytes) and is_whole
            yield bytes(line), is_whole
            line, is_whole = bytearray(), True
        is_whole = _add(line, rest, most_bytes) and is_whole


def _add(line: bytearray, part: bytes, most_bytes: int) -> bool:
    is_whole = len(line) + len(part) <= most_bytes
    line += part[: most_bytes - len(line)]
    return is_whole


def _parse(line: bytes) -> Heard:
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line.decode(errors="replace"), by_name=False))
    except ValueError as error:
        return error


def _refuse(head: bytes) -> SessionMessage | None:
    """An error in the place of a result; none where the line does not begin with whose result it is."""
    found = _ID.search(head[:HEAD_BYTES])
    if found is None:
        return None
    error = types.ErrorData(code=types.PARSE_ERROR, message=TOO_LARGE)
    return SessionMessage(types.JSONRPCError(jsonrpc="2.0", id=json.loads(found[1]), error=error))


async def _speak(process: Process, said: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    async with said:
        async for one in said:
            process.stdin.write(one.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
            with suppress(ConnectionError):
                await process.stdin.drain()


async def _end(process: Process, tasks: "list[asyncio.Task[None]]") -> None:
    """As the protocol says: no more input, then a signal, then the end; and whatever it started with it."""
    assert process.stdin is not None
    process.stdin.close()
    for sign in (None, signal.SIGTERM, signal.SIGKILL):
        if sign is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
                break
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def bound_responses(most_bytes: int) -> Callable[[httpx2.Response], Awaitable[None]]:
    """A hook that counts what comes. Streams of events are left to the library, which measures each event."""

    async def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TooLargeError("an answer that is compressed, though none was asked for")
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _Counted(cast("httpx2.AsyncByteStream", response.stream), most_bytes)

    return bound


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, most_bytes: int) -> None:
        self._stream = stream
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > self._most_bytes:
                raise TooLargeError(TOO_LARGE)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
