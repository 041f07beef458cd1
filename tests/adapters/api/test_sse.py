"""The parts a stream is made of, by themselves."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from adapters.api.sse import EventStream, render_frame


def test_a_frame_is_an_event_with_an_id_only_where_it_can_be_resumed_from() -> None:
    """A reader keeps the last id it saw; a delta's would point at nothing. Proves: API-5."""
    assert render_frame("run", '{"a":1}', 7) == 'event: run\nid: 7\ndata: {"a":1}\n\n'
    assert render_frame("delta", "{}") == "event: delta\ndata: {}\n\n"


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
        await EventStream(frames(), heartbeat_s=60, send_timeout_s=0)({"type": "http"}, _receive_nothing, send)

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
        await EventStream(frames(), heartbeat_s=60, send_timeout_s=60)({"type": "http"}, _receive_nothing, send)


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
        EventStream(frames(), heartbeat_s=60, send_timeout_s=60)({"type": "http"}, _receive_nothing, send)
    )
    async with asyncio.timeout(5):
        await is_open.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering

    assert is_closed.is_set()


async def test_frames_are_made_and_closed_in_one_task() -> None:
    """What they hold open, a time-out or a group of tasks, may not change hands. Proves: API-4."""
    tasks: list[asyncio.Task[object] | None] = []
    is_left = asyncio.Event()

    async def frames() -> AsyncGenerator[str]:
        tasks.append(asyncio.current_task())
        try:
            yield ": x\n\n"
            await asyncio.Event().wait()
        finally:
            tasks.append(asyncio.current_task())

    async def receive() -> Message:
        await is_left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            is_left.set()

    async with asyncio.timeout(5):
        await EventStream(frames(), heartbeat_s=60, send_timeout_s=60)({"type": "http"}, receive, send)

    assert len(tasks) == 2
    assert tasks[0] is tasks[1]


async def test_the_last_frames_are_sent_before_the_answer_ends() -> None:
    """The end of the making is not the end of the sending. Proves: API-4."""
    sent: list[bytes] = []

    async def frames() -> AsyncGenerator[str]:
        for n in range(5):
            yield f": {n}\n\n"

    async def send(message: Message) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        sent.append(message.get("body", b"head"))

    async with asyncio.timeout(5):
        await EventStream(frames(), heartbeat_s=60, send_timeout_s=60)({"type": "http"}, _receive_nothing, send)

    assert sent == [b"head", *(f": {n}\n\n".encode() for n in range(5)), b""]
