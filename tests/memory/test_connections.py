"""Connections that are given up: while they are made, and while the database is to answer on them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, cast

import asyncpg
import pytest

from agent.errors import StoreUnavailableError
from memory.database import Database, prepare_connection
from tests.support.pgbouncer import PROGRAM, pooled


class StalledConnection:
    """It is made, and then nothing comes from the server any more."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.is_terminated = False

    def transaction(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def set_type_codec(self, *_: object, **__: object) -> None:
        self.is_asked.set()
        await asyncio.Event().wait()

    def terminate(self) -> None:
        self.is_terminated = True


@pytest.mark.parametrize("is_behind_pooler", [False, True])
async def test_a_connection_that_is_given_up_before_it_is_ready_is_closed_at_once(is_behind_pooler: bool) -> None:
    """The pool would ask the server to end it, and whoever waits would be told after that. Proves: RE-14."""
    stalled = StalledConnection()
    connection = cast("asyncpg.Connection[Any]", stalled)
    preparing = asyncio.create_task(prepare_connection(connection, is_behind_pooler=is_behind_pooler))
    async with asyncio.timeout(5):
        await stalled.is_asked.wait()
        preparing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await preparing
    assert stalled.is_terminated


WAIT = "SELECT pg_advisory_xact_lock(4711)"
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'parley' AND datname = current_database() AND wait_event_type = 'Lock'
"""


@asynccontextmanager
async def held_up(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A lock that `WAIT` waits for, and the connection that holds it."""
    holder = await asyncpg.connect(url)
    try:
        await holder.execute("SELECT pg_advisory_lock(4711)")
        yield holder
    finally:
        await holder.close()


async def until_waiting(holder: "asyncpg.Connection[Any]", count: int) -> None:
    """Until so many of our connections wait for a lock."""
    async with asyncio.timeout(20):
        while await holder.fetchval(WAITING) != count:  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(0.05)


async def give_up(database: Database, holder: "asyncpg.Connection[Any]", *, is_late: bool) -> None:
    """A statement that waits for the lock is given up: by its time, or by whoever asked. Then the server does it."""
    asked = asyncio.create_task(database.fetchrow(WAIT))
    if is_late:
        with pytest.raises(StoreUnavailableError):
            await asked
    else:
        await until_waiting(holder, 1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    await until_waiting(holder, 0)


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_nobody_waits_for_any_more_leaves_the_server_too(database_url: str, is_late: bool) -> None:
    """Behind a long lock each try would leave a connection, until the server takes none from anybody. Proves: RE-14."""
    database = await Database.open(database_url, size=2, statement_s=0.3 if is_late else 60)
    async with held_up(database_url) as holder:
        await give_up(database, holder, is_late=is_late)
    await database.close()


@pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")
async def test_what_nobody_waits_for_any_more_leaves_the_server_behind_a_pooler(database_url: str) -> None:
    """There the connections are shared by all gateways. Proves: RE-14."""
    async with pooled(database_url) as url, held_up(database_url) as holder:
        database = await Database.open(url, size=2, statement_s=60, pgbouncer=True)
        await give_up(database, holder, is_late=False)
        await database.close()


async def test_a_server_gives_up_a_statement_when_its_time_is_over_though_the_wire_says_nothing(
    database_url: str,
) -> None:
    """A wire that is half open never tells the server that its client has gone. Proves: RE-14."""
    database = await Database.open(database_url, size=1, statement_s=2.5)
    try:
        row = await database.fetchrow("SHOW statement_timeout")
        assert row is not None
        assert row[0] == "2500ms"
    finally:
        await database.close()
