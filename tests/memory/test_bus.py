"""The same promises over both buses: PostgreSQL's NOTIFY, and Redis."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from agent.ids import WorkerId, new_worker_id
from gateway.ports import Bus
from memory.bus import NotifyBus
from memory.database import Database
from memory.listener import Listener
from memory.redis_bus import RedisBus


class End:
    """One process's end of a bus."""

    def __init__(self, worker_id: WorkerId, bus: Bus) -> None:
        self.worker_id, self.bus = worker_id, bus
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        bus.subscribe(self.heard.put_nowait)


OpenEnd = Callable[[], Awaitable[End]]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server of this module's own."""
    if (program := shutil.which("redis-server") or shutil.which("valkey-server")) is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to install redis-server")
        pytest.skip("no redis-server here: the Redis bus is not tried")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home: Path = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)],
        stdout=subprocess.DEVNULL,
    )
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(params=["notify", "redis"])
async def open_end(request: pytest.FixtureRequest, database: Database, database_url: str) -> AsyncIterator[OpenEnd]:
    """Makes ends of one bus that hear by the time they are given."""
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    async with AsyncExitStack() as stack:

        async def open_one() -> End:
            worker_id, ready = new_worker_id(), asyncio.Event()
            if request.param == "redis":
                redis_bus = RedisBus(url, "instance", worker_id, ready.set)
                end = End(worker_id, redis_bus)
                await stack.enter_async_context(running(redis_bus.run()))
            else:
                bus = NotifyBus(database, worker_id)
                end = End(worker_id, bus)
                handlers = dict.fromkeys(bus.channels, bus.hear)
                listener = Listener(database_url, worker_id, handlers, lambda: None)
                await stack.enter_async_context(running(bus.run()))
                await stack.enter_async_context(running(listener.run(ready)))
            async with asyncio.timeout(10):
                await ready.wait()
            return end

        yield open_one


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Something that goes on beside the test."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def hear(end: End, count: int) -> list[str]:
    """The next frames, within five seconds."""
    async with asyncio.timeout(5):
        return [await end.heard.get() for _ in range(count)]


async def test_a_frame_for_one_process_reaches_that_process_alone_and_in_order(open_end: OpenEnd) -> None:
    """Deltas go to those who watch. Proves: RE-4."""
    one, two, three = await open_end(), await open_end(), await open_end()
    for n in range(1000):
        one.bus.send(two.worker_id, f"frame {n} 🙂")
    assert await hear(two, 1000) == [f"frame {n} 🙂" for n in range(1000)]
    assert three.heard.empty()


async def test_a_broadcast_reaches_everybody(open_end: OpenEnd) -> None:
    """Who watches what is told to all. Proves: RE-4."""
    ends = [await open_end() for _ in range(3)]
    ends[0].bus.send(None, "all")
    assert [await hear(end, 1) for end in ends] == [["all"]] * 3


async def test_a_frame_that_is_too_long_or_cannot_be_sent_is_lost_alone_and_the_bus_goes_on(
    database: Database, open_end: OpenEnd
) -> None:
    """Whoever names long sessions must not end the process. Proves: RE-4."""
    one, two = await open_end(), await open_end()
    if not isinstance(one.bus, NotifyBus):
        pytest.skip("Redis takes frames of any length")
    one.bus._waiting.append(("x" * 64, "no channel has so long a name"))
    one.bus.send(two.worker_id, "lost")
    async with asyncio.timeout(5):
        while one.bus._waiting:
            await database.fetch("SELECT 1")
    one.bus.send(two.worker_id, "€" * 2_667)
    one.bus.send(two.worker_id, "€" * 2_666)
    assert await hear(two, 1) == ["€" * 2_666]


async def test_a_frame_may_be_nearly_eight_thousand_bytes(open_end: OpenEnd) -> None:
    """The longest frame that the relay makes must pass. Proves: RE-4."""
    one, two = await open_end(), await open_end()
    one.bus.send(two.worker_id, "x" * 7_900)
    assert await hear(two, 1) == ["x" * 7_900]
