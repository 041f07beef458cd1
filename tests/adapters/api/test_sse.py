"""The parts a stream is made of, by themselves."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from adapters.api.sse import EventStream, render_frame, with_heartbeats


def test_a_frame_is_an_event_with_an_id_only_where_it_can_be_resumed_from() -> None:
    """A reader keeps the last id it saw; a delta's would point at nothing. Proves: API-5."""
    assert render_frame("run", '{"a":1}', 7) == 'event: run\nid: 7\ndata: {"a":1}\n\n'
    assert render_frame("delta", "{}") == "event: delta\ndata: {}\n\n"


async def test_heartbeats_come_while_nothing_else_does() -> None:
    """And the item that was waited for all the while is not lost. Proves: API-4."""
    may_go_on = asyncio.Event()

    async def items() -> AsyncGenerator[int]:
        yield 1
        await may_go_on.wait()
        yield 2

    seen: list[int | None] = []
    async with asyncio.timeout(5):
        async for item in with_heartbeats(items(), 0):
            seen.append(item)
            if seen.count(None) == 3:
                may_go_on.set()

    assert [item for item in seen if item] == [1, 2]
    assert seen.count(None) >= 3


async def _receive_nothing() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def test_a_reader_who_does_not_read_is_dropped() -> None:
    """A connection that takes nothing more would hold its place in the session's events for ever. Proves: API-15."""
    is_closed = asyncio.Event()
    sent: list[str] = []

    async def frames() -> AsyncGenerator[str]:
        try:
            while True:
                yield ": x\n\n"
        finally:
            is_closed.set()

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if len(sent) == 3:
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await EventStream(frames(), send_timeout_s=0)({"type": "http"}, _receive_nothing, send)

    assert is_closed.is_set()
    assert sent == ["http.response.start", "http.response.body", "http.response.body"]


async def test_a_fault_of_ours_in_a_stream_is_not_swallowed() -> None:
    """It belongs in the log of whoever runs the gateway. Proves: API-4."""

    async def frames() -> AsyncGenerator[str]:
        yield ": x\n\n"
        raise KeyError("bug")

    async def send(message: Message) -> None:
        return None

    with pytest.raises(KeyError, match="bug"):
        await EventStream(frames(), send_timeout_s=60)({"type": "http"}, _receive_nothing, send)


async def test_a_stream_that_is_cancelled_closes_its_frames() -> None:
    """When the server goes, it takes nothing of the session with it. Proves: API-4."""
    is_open, is_closed = asyncio.Event(), asyncio.Event()

    async def frames() -> AsyncGenerator[str]:
        try:
            is_open.set()
            await asyncio.Event().wait()
            yield ""
        finally:
            is_closed.set()

    async def send(message: Message) -> None:
        return None

    answering = asyncio.ensure_future(
        EventStream(frames(), send_timeout_s=60)({"type": "http"}, _receive_nothing, send)
    )
    async with asyncio.timeout(5):
        await is_open.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering

    assert is_closed.is_set()
