"""An embedded database is kept running, by a server in the test's hand."""

import asyncio

import pytest

from gateway.backoff import Backoff
from gateway.store import keep_running, kept_running
from memory.embedded.errors import EmbeddedPostgresError


class FakeServer:
    """Ends when it is told to; the first `failures` restarts fail."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.restarts = 0
        self.is_up = asyncio.Event()
        self.ended = asyncio.Event()
        self.is_up.set()

    def die(self) -> None:
        self.is_up.clear()
        self.ended.set()

    async def wait_ended(self) -> int:
        await self.ended.wait()
        return 2

    async def restart_async(self) -> None:
        self.restarts += 1
        if self.restarts <= self.failures:
            raise EmbeddedPostgresError("no room on the disk.\n  FATAL: its log")
        self.ended.clear()
        self.is_up.set()


async def test_a_server_that_ends_is_started_again_each_time_and_after_failures_too() -> None:
    """The gateway goes on by itself once the cause has passed."""
    server = FakeServer(failures=3)
    keeper = asyncio.create_task(keep_running(server, Backoff(first_s=0.0, longest_s=0.0)))
    async with asyncio.timeout(5):
        for restarts in (4, 5):
            server.die()
            await server.is_up.wait()
            assert server.restarts == restarts
    keeper.cancel()


async def test_when_the_gateway_ends_the_server_is_left_to_whoever_stops_it() -> None:
    """A server that is stopped on purpose must not come back."""
    server = FakeServer()
    async with kept_running(server):
        await asyncio.sleep(0)
    server.die()
    await asyncio.sleep(0)
    assert server.restarts == 0


async def test_a_server_of_somebody_else_is_not_looked_after() -> None:
    """With DATABASE_URL there is nothing to restart."""
    async with kept_running(None):
        pass


async def test_what_goes_wrong_inside_is_not_hidden() -> None:
    """The keeper is beside the gateway, not round it."""
    with pytest.raises(ValueError, match="inside"):
        async with kept_running(FakeServer()):
            raise ValueError("inside")
