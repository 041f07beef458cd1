"""Behind PgBouncer in transaction mode each transaction may meet another connection of the server."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from agent.ids import SessionId, WorkerId
from agent.tasks import TaskState
from memory.database import Database
from memory.errors import StoreSetupError
from memory.tasks import Tasks
from tests.memory.test_dead_letters import outcome
from tests.support.make import inbound
from tests.support.pgbouncer import PROGRAM, SERVER_CONNECTIONS, pooled
from tests.support.serving import Visitor, served, texts

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")


@pytest.fixture
async def pooled_url(database_url: str) -> AsyncIterator[str]:
    """A fresh database behind the pooler."""
    async with pooled(database_url) as url:
        yield url


async def meet_all(database: Database, sql: str) -> int:
    """How many of the server's connections a statement ran on: while all others are held it has to take the one."""
    met: set[int] = set()
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(AsyncExitStack()) for _ in range(SERVER_CONNECTIONS)]
        for one in held:
            await one.enter_async_context(database.scope(session_id="s"))
        for one in held:
            await one.aclose()
            row = await database.fetchrow(sql, 0)
            assert row is not None
            assert row["role"] == "parley_app"
            met.add(row["pid"])
            await one.enter_async_context(database.scope(session_id="s"))
    return len(met)


async def test_every_statement_runs_in_the_application_role_on_whatever_connection(pooled_url: str) -> None:
    """The role is what keeps people's data apart; a statement that was prepared elsewhere would fail."""
    database = await Database.open(pooled_url, size=16, statement_s=20, pgbouncer=True)
    try:
        sql = "SELECT $1::int AS n, current_user AS role, pg_backend_pid() AS pid"
        rows = await asyncio.gather(*(database.fetchrow(sql, n) for n in range(100)))
        found = [(row["n"], row["role"]) for row in rows if row is not None]
        assert found == [(n, "parley_app") for n in range(100)]
        assert await meet_all(database, sql) == SERVER_CONNECTIONS
        for table in ("messages", "runs"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await database.execute(f"INSERT INTO {table} (session_id) VALUES ('s')")
        async with database.scope(session_id="s") as connection:
            assert await connection.fetchval("SELECT count(*) FROM messages") == 0
    finally:
        await database.close()


async def test_tasks_are_accepted_and_finished_side_by_side(pooled_url: str) -> None:
    """The engine's statements, and an error in the middle of them, leave no connection in a transaction."""
    database = await Database.open(pooled_url, size=16, statement_s=20, pgbouncer=True)
    tasks = Tasks(database, WorkerId("me"))

    async def talk(n: int) -> bool:
        message = inbound("hello", session_id=SessionId(f"s{n}"))
        claim = (await tasks.accept(message, may_take=True)).claim
        assert claim is not None
        assert (await tasks.accept(message, may_take=True)).accepted.is_duplicate
        finish = await tasks.finish(claim, outcome(claim, TaskState.DONE, "hi"), may_keep=True)
        return finish.next is None

    try:
        assert all(await asyncio.gather(*(talk(n) for n in range(40))))
    finally:
        await database.close()


async def test_a_gateway_talks_through_it(pooled_url: str, database_url: str) -> None:
    """With the direct address for what needs a connection of its own. Proves: OP-10."""
    async with served(DATABASE_URL=pooled_url, DATABASE_DIRECT_URL=database_url) as gateway:
        ann = await Visitor().come(gateway.url)
        await ann.say("hello")
        await ann.wait_for("run", state="done")
        assert len(texts(ann.seen, "assistant")) == 1
        gateway.send(signal.SIGTERM)
        assert await gateway.wait_gone() == 0
        assert gateway.said("store_away") == []


async def test_without_the_direct_address_the_person_is_told_what_to_set(pooled_url: str) -> None:
    """The pooler's own words would lead nobody there."""
    with pytest.raises(StoreSetupError, match="set DATABASE_DIRECT_URL"):
        await Database.open(pooled_url, size=1)
