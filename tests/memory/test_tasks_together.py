"""Messages and ends of runs that go to the database together: each session's outcome is its own."""

import asyncio

import asyncpg

from agent.errors import BusyError, ConflictError, LeaseLostError, UserGoneError
from agent.ids import SessionId, WorkerId
from agent.records import Message
from agent.tasks import Inbound
from memory.context import Sessions
from memory.database import Database
from memory.task_records import Finish, Intake
from memory.tasks import Tasks
from memory.workers import Workers
from tests.memory.test_tasks import done, take
from tests.support.gateway import run_sql
from tests.support.make import ANN, BOB, inbound

PLACES = [SessionId(f"web:demo:p{n}") for n in range(6)]
ERASE = "INSERT INTO former_users (hash) VALUES (parley_user_hash('bob'))"


async def test_messages_of_many_sessions_are_each_committed_and_answered_as_alone(database: Database) -> None:
    """To share a commit is a matter of speed and of nothing else. Proves: RE-5."""
    tasks, sessions = Tasks(database, WorkerId("me")), Sessions(database)
    intakes = await asyncio.gather(
        *(tasks.accept(inbound(f"to {place}", session_id=place), may_take=True) for place in PLACES)
    )
    claims = [intake.claim for intake in intakes if intake.claim is not None]
    assert [claim.session_id for claim in claims] == PLACES
    await tasks.accept(inbound("more", user=BOB, session_id=PLACES[0]), may_take=True)
    ends = await asyncio.gather(*(tasks.finish(c, done(f"from {c.session_id}"), may_keep=True) for c in claims))
    assert [end.next is not None for end in ends] == [True] + 5 * [False]
    for place in PLACES:
        log = await sessions.load_log(place, 0, 100)
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
        texts = [entry.text for entry in log if isinstance(entry, Message)]
        assert (texts[0], texts[-1]) == (f"to {place}", f"from {place}")


async def test_a_message_that_is_refused_takes_no_other_with_it(database: Database, database_url: str) -> None:
    """A repeated, a contradicting, an erased person's and one too many: each sender hears their own. Proves: RE-5."""
    tasks = Tasks(database, WorkerId("me"))
    await take(tasks, "first", session_id=PLACES[0])
    await take(tasks, "first", session_id=PLACES[1])
    await take(tasks, "first", session_id=PLACES[2])
    await tasks.accept(inbound("second", user=None, session_id=PLACES[2]), may_take=True)
    await run_sql(database_url, ERASE)
    given = [
        inbound("first", session_id=PLACES[0]),
        inbound("other", key="first", session_id=PLACES[1]),
        inbound("third", session_id=PLACES[2], max_waiting=1),
        inbound("hello", user=BOB, session_id=PLACES[3]),
        inbound("hello", session_id=PLACES[4]),
    ]
    repeated, contradicting, busy, erased, fresh = await accept_all(tasks, given)
    assert isinstance(repeated, Intake)
    assert repeated.accepted.is_duplicate
    assert isinstance(contradicting, ConflictError)
    assert isinstance(busy, BusyError)
    assert isinstance(erased, UserGoneError)
    assert isinstance(fresh, Intake)
    assert fresh.claim is not None


async def accept_all(tasks: Tasks, given: list[Inbound]) -> list[Intake | BaseException]:
    """Everything at once, as it came of it."""
    return await asyncio.gather(*(tasks.accept(one, may_take=True) for one in given), return_exceptions=True)


async def test_a_key_that_another_process_commits_meanwhile_is_the_same_message(database_url: str) -> None:
    """A sender's two deliveries may reach two processes at the same moment. Proves: RE-5."""
    database = await Database.open(database_url, size=5, statement_s=60)
    workers = [Tasks(database, WorkerId(name)) for name in ("me", "other")]
    given = [inbound("once", session_id=place) for place in PLACES]
    both = await asyncio.gather(*(accept_all(worker, given) for worker in workers))
    for mine, others in zip(*both, strict=True):
        assert isinstance(mine, Intake)
        assert isinstance(others, Intake)
        assert mine.accepted.message_id == others.accepted.message_id
        assert [mine.accepted.is_duplicate, others.accepted.is_duplicate].count(True) == 1
    await database.close()


async def test_a_session_that_is_locked_holds_up_no_other(database_url: str) -> None:
    """As while a person is erased from it, or by a process that stalls."""
    database = await Database.open(database_url, size=8, statement_s=60)
    tasks = Tasks(database, WorkerId("me"))
    await take(tasks, "first", session_id=PLACES[0])
    owner = await asyncpg.connect(database_url)
    async with asyncio.timeout(30):
        async with owner.transaction():
            await owner.execute("SELECT 1 FROM session_leases WHERE session_id = $1 FOR UPDATE", PLACES[0])
            given = [inbound("hello", user=BOB, session_id=place) for place in PLACES]
            waiting, *others = [asyncio.create_task(tasks.accept(one, may_take=True)) for one in given]
            assert len(await asyncio.gather(*others)) == 5
            assert not waiting.done()
        assert (await waiting).claim is None
    await owner.close()
    await database.close()


async def test_a_run_whose_lease_is_lost_takes_no_others_end_with_it(database: Database) -> None:
    """The fence is each session's own. Proves: RE-8."""
    tasks, other = Tasks(database, WorkerId("me")), WorkerId("other")
    lost = await take(tasks, "one", session_id=PLACES[0])
    await Workers(database, other).recover(lease_s=15)
    await Workers(database, WorkerId("me")).beat()
    kept = [await take(tasks, "one", session_id=place, user=ANN) for place in PLACES[1:]]
    ends = await asyncio.gather(
        *(tasks.finish(claim, done(), may_keep=True) for claim in (lost, *kept)), return_exceptions=True
    )
    assert isinstance(ends[0], LeaseLostError)
    assert all(isinstance(end, Finish) for end in ends[1:])
    assert await Sessions(database).load_log(PLACES[0], 2, 10) == []
