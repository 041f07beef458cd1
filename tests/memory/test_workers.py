"""Who is alive, what becomes of the work of the dead, and which faults mean that the database is away."""

import asyncio

import asyncpg
import pytest

from agent.errors import StoreUnavailableError
from agent.ids import SessionId, WorkerId
from memory.database import Database, store_errors
from memory.tasks import Tasks
from memory.workers import Workers
from tests.support.make import SESSION, inbound

ME, OTHER = WorkerId("me"), WorkerId("other")
DIE = "UPDATE workers SET beat = beat - $1::float8 * interval '1 second' WHERE worker_id = 'me'"


async def start(database: Database, session_id: SessionId = SESSION) -> None:
    """A run of this worker that goes on."""
    await Workers(database, ME).beat()
    assert (await Tasks(database, ME).accept(inbound("one", session_id=session_id), may_take=True)).claim is not None


async def test_a_worker_that_beats_keeps_its_work_and_one_that_is_silent_for_long_loses_it(database: Database) -> None:
    """By the database's clock: those of the processes may differ. Proves: RE-8."""
    await start(database)
    others = Workers(database, OTHER)
    assert (await others.recover(lease_s=15, grace_s=15)).sessions == 0
    await database.execute(DIE, 14.0)
    assert (await others.recover(lease_s=15, grace_s=15)).sessions == 0
    await Workers(database, ME).beat()
    await database.execute(DIE, 14.0)
    assert (await others.recover(lease_s=15, grace_s=15)).sessions == 0
    await database.execute(DIE, 14.0)
    found = await others.recover(lease_s=15, grace_s=0)
    assert (found.workers, found.sessions) == (1, 1)
    assert len(await Tasks(database, OTHER).claim(5)) == 1


async def test_who_was_silent_itself_gives_others_that_were_the_whole_lease_from_then_on(database: Database) -> None:
    """The database stood still for all of them: whoever is first to wake must not kill the rest. Proves: RE-8."""
    await start(database)
    others = Workers(database, OTHER)
    await database.execute(DIE, 20.0)
    assert (await others.recover(lease_s=15, grace_s=0, awake_s=1)).sessions == 0
    assert (await others.recover(lease_s=15, grace_s=0, awake_s=14)).sessions == 0
    assert (await others.recover(lease_s=15, grace_s=0, awake_s=15)).sessions == 1


async def test_who_beats_after_a_silence_of_all_and_dies_then_is_judged_as_ever(database: Database) -> None:
    """A kill right after a stall should be waited for no longer than another."""
    await start(database)
    await database.execute(DIE, 4.0)
    assert (await Workers(database, OTHER).recover(lease_s=15, grace_s=0, awake_s=5)).sessions == 1


async def test_a_worker_whose_lock_is_gone_is_dead_sooner_and_one_that_holds_it_is_only_slow(
    database: Database, database_url: str
) -> None:
    """After a kill nobody should wait for the whole lease."""
    await start(database)
    connection = await asyncpg.connect(database_url)
    key = (await database.fetch("SELECT lock_key FROM workers"))[0][0]
    assert await connection.fetchval("SELECT pg_try_advisory_lock(7261, $1::int)", key)
    others = Workers(database, OTHER)
    await database.execute(DIE, 5.0)
    assert (await others.recover(lease_s=15, grace_s=0)).sessions == 0
    await connection.close()
    async with asyncio.timeout(5):
        while not (await others.recover(lease_s=15, grace_s=0)).sessions:
            pass


async def test_many_processes_that_recover_at_once_free_a_session_once(database: Database) -> None:
    """The second must not take it from the first. Proves: RE-8."""
    await start(database)
    await database.execute(DIE, 60.0)
    workers = [Workers(database, WorkerId(f"w{n}")) for n in range(5)]
    found = await asyncio.gather(*(worker.recover(lease_s=15, grace_s=0) for worker in workers))
    assert sum(one.sessions for one in found) == 1
    claimed = await asyncio.gather(*(Tasks(database, worker.worker_id).claim(5) for worker in workers))
    assert sum(len(claims) for claims in claimed) == 1


async def test_a_worker_that_leaves_in_good_order_is_not_waited_for(database: Database) -> None:
    """Its work is free at once."""
    await start(database)
    await Workers(database, ME).leave()
    [claim] = await Tasks(database, OTHER).claim(5)
    start_of = await Tasks(database, OTHER).start(claim)
    assert start_of is not None
    assert start_of.attempt == 1, "and a deploy is not the task's fault"


async def test_only_the_lease_that_was_seen_idle_is_given_back(database: Database) -> None:
    """A session may have been taken anew meanwhile, and its run must not be disturbed."""
    await start(database)
    me = Workers(database, ME)
    owned = await me.list_owned()
    await database.execute("UPDATE session_leases SET epoch = epoch + 1")
    await me.free(owned)
    assert len(await me.list_owned()) == 1
    await me.free(await me.list_owned())
    assert await me.list_owned() == set()


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.AdminShutdownError("so"),
        asyncpg.CannotConnectNowError("so"),
        asyncpg.TooManyConnectionsError("so"),
        asyncpg.DiskFullError("so"),
        asyncpg.ConnectionDoesNotExistError("so"),
        asyncpg.ObjectNotInPrerequisiteStateError("so"),
        asyncpg.InterfaceError("closed"),
        ConnectionRefusedError(),
        TimeoutError(),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_what_says_that_the_database_is_away_is_one_error(fault: Exception) -> None:
    """Whoever asks is told to try again."""
    with pytest.raises(StoreUnavailableError), store_errors():
        raise fault


async def test_a_value_that_cannot_be_sent_does_not_look_like_an_outage(database: Database) -> None:
    """It would be offered again and again, for ever."""
    with pytest.raises(asyncpg.DataError):
        await database.execute("SELECT $1::int", "no number")
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.execute("SELECT 1 FROM nowhere")
    assert await database.fetch("SELECT 1")


async def test_a_database_that_takes_no_connections_is_away_until_it_does(
    database: Database, database_url: str, postgres_url: str
) -> None:
    """As while a backup is put in its place."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    server = await asyncpg.connect(postgres_url)
    try:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        with pytest.raises(StoreUnavailableError):
            await database.fetch("SELECT 1")
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        async with asyncio.timeout(10):  # each connection that was broken off may say so once more
            while not await _answers(database):
                pass
    finally:
        await server.close()


async def _answers(database: Database) -> bool:
    try:
        return bool(await database.fetch("SELECT 1"))
    except StoreUnavailableError:
        return False


async def test_a_beat_takes_no_number_and_says_when_the_worker_had_been_declared_dead(database: Database) -> None:
    """Numbers of locks are for connections; and who was declared dead has to take its lock anew. Proves: RE-8."""
    me = Workers(database, ME)
    assert await me.beat()
    key = await database.fetch("SELECT lock_key FROM workers")
    assert [await me.beat() for _ in range(3)] == [False] * 3
    await database.execute("DELETE FROM workers")
    assert await me.beat()
    assert [row["lock_key"] for row in await database.fetch("SELECT lock_key FROM workers")] == [key[0][0] + 1]
