"""The one direct connection of a process: what it hears, and what it holds."""

import asyncio

import pytest

from agent.ids import WorkerId
from memory.listener import Listener
from tests.support.gateway import run_sql
from tests.support.pg_proxy import open_proxy

CHANNEL = "parley_test"
IS_HELD = """
SELECT EXISTS (
    SELECT FROM pg_locks k JOIN workers w ON k.objid = (w.lock_key % 2147483648)::oid
    WHERE k.locktype = 'advisory' AND k.classid = 7261 AND k.granted
      AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
END_FORMER = """
SELECT pg_terminate_backend(pid, 5000) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'parley listener' AND datname = current_database() ORDER BY backend_start LIMIT 1
) former
"""
"""The server notices at last that nobody is there any more."""


class Ear:
    """A listener that goes on beside the test."""

    def __init__(self, url: str) -> None:
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.connected: asyncio.Queue[None] = asyncio.Queue()
        handlers = {CHANNEL: self.heard.put_nowait}
        self.listener = Listener(url, WorkerId("me"), handlers, lambda: self.connected.put_nowait(None))

    async def __aenter__(self) -> "Ear":
        self._task = asyncio.create_task(self.listener.run(asyncio.Event()))
        await self.wait_connected()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def wait_connected(self) -> None:
        """Until it has connected once more."""
        async with asyncio.timeout(5):
            await self.connected.get()

    async def check(self, url: str) -> None:
        """It hears, and holds the lock by which others know that the worker lives."""
        await run_sql(url, f"SELECT pg_notify('{CHANNEL}', 'hello')")
        async with asyncio.timeout(5):
            assert await self.heard.get() == "hello"
        assert (await run_sql(url, IS_HELD))[0][0]


async def test_a_connection_that_says_nothing_is_given_up_for_a_new_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover or a firewall's timeout nobody closes it, and the process would be deaf for hours.

    The server may hold the former connection's lock for as long. Proves: RE-4, RE-8.
    """
    monkeypatch.setattr("memory.listener.CHECK_S", 0.05)
    monkeypatch.setattr("memory.listener.ANSWER_S", 0.5)
    async with open_proxy(database_url) as wire, Ear(wire.url) as ear:
        await ear.check(database_url)
        wire.drop()
        await ear.wait_connected()
        await run_sql(database_url, END_FORMER)
        await ear.check(database_url)


async def test_a_worker_that_was_declared_dead_holds_the_lock_by_which_it_is_known_then(database_url: str) -> None:
    """Else three seconds of silence would count as its death from then on. Proves: RE-8."""
    async with Ear(database_url) as ear:
        await run_sql(database_url, "DELETE FROM workers")
        await run_sql(database_url, "INSERT INTO workers (worker_id) VALUES ('me')")
        ear.listener.look()
        await ear.wait_connected()
        await ear.check(database_url)


async def test_a_connection_that_is_as_it_should_be_is_left_alone(database_url: str) -> None:
    """A new one means that all who watch are looked up again."""
    async with Ear(database_url) as ear:
        for _ in range(3):
            ear.listener.look()
            await ear.check(database_url)
        assert ear.connected.empty()


async def test_a_key_beyond_the_range_of_locks_is_a_lock_all_the_same(database_url: str) -> None:
    """Each connection takes the next key, for as long as the database lives. Proves: RE-8."""
    await run_sql(database_url, "ALTER TABLE workers ALTER lock_key RESTART WITH 3000000000")
    async with Ear(database_url) as ear:
        await ear.check(database_url)
