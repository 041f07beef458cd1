"""A session's events for one reader: each once, in order, without a gap, whatever happens in between."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator

import pytest

from adapters.ports import SlowConsumerError
from agent.ids import RunId, SessionId, WorkerId
from agent.records import LogEntry, Message, RunNote, RunState
from agent.signals import Delta
from agent.tasks import TaskState
from gateway.follow import follow
from gateway.hub import Hub
from memory.context import Sessions
from memory.database import Database
from memory.task_records import Outcome
from memory.tasks import Tasks
from tests.support.database import new_database
from tests.support.make import inbound


@pytest.fixture(scope="module")
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """One database for all of these: each test has a session of its own."""
    async with new_database(postgres_url) as url:
        database = await Database.open(url, size=5)
        yield database
        await database.close()


@pytest.fixture
def sessions(database: Database) -> Sessions:
    """What is read of sessions."""
    return Sessions(database)


@pytest.fixture
def tasks(database: Database) -> Tasks:
    """The engine."""
    return Tasks(database, WorkerId("me"))


async def talk(tasks: Tasks, place: SessionId, count: int) -> list[LogEntry]:
    """Messages with their notes and answers, committed and not yet published."""
    entries: list[LogEntry] = []
    for n in range(count):
        intake = await tasks.accept(inbound(f"m{n}", session_id=place, key=secrets.token_hex(8)), may_take=True)
        assert intake.claim is not None
        outcome = Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=None, answer=f"a{n}")
        entries += intake.entries
        entries += (await tasks.finish(intake.claim, outcome, may_keep=False)).entries
    return entries


async def take(events: AsyncIterator[LogEntry | Delta], count: int) -> list[LogEntry | Delta]:
    """The next so many events."""
    async with asyncio.timeout(10):
        return [await anext(events) for _ in range(count)]


async def collect(events: AsyncIterator[LogEntry | Delta], seen: list[LogEntry | Delta]) -> None:
    """Events until there are no more."""
    async with asyncio.timeout(10):
        async for event in events:
            seen.append(event)  # noqa: PERF401  what comes before a fault counts


@pytest.mark.parametrize("seed", range(12))
async def test_entries_that_are_told_in_any_order_twice_or_never_come_once_and_in_order(
    tasks: Tasks, sessions: Sessions, seed: int
) -> None:
    """Several processes and tasks commit and tell side by side. Proves: SE-2."""
    rnd, place, hub = random.Random(seed), SessionId(f"web:demo:{seed}"), Hub()
    entries = await talk(tasks, place, 6)
    after = rnd.randrange(0, 10)
    told = [entry for entry in entries if rnd.random() < 0.8] + rnd.sample(entries, 5)
    rnd.shuffle(told)
    told.append(entries[-1])
    async with follow(hub, sessions, place, after) as events:
        reading = asyncio.create_task(take(events, len(entries) - after))
        for entry in told:
            hub.publish(place, [entry])
            if rnd.random() < 0.3:
                await sessions.load_session(place, None)
        assert await reading == entries[after:]


async def test_what_is_committed_while_the_log_is_read_is_not_missed(tasks: Tasks, sessions: Sessions) -> None:
    """The watch begins before the log is read."""
    place, hub = SessionId("web:demo:gap"), Hub()
    before = await talk(tasks, place, 2)
    async with follow(hub, sessions, place, 0) as events:
        first = await take(events, 3)
        later = await talk(tasks, place, 2)
        hub.publish(place, later)
        assert first + await take(events, len(before) + len(later) - 3) == before + later


async def test_who_joins_in_mid_run_gets_the_log_then_all_of_the_text_so_far(tasks: Tasks, sessions: Sessions) -> None:
    """A reload shows what others see."""
    place, hub, run_id = SessionId("web:demo:join"), Hub(), RunId("run_x")
    log = await talk(tasks, place, 1)
    hub.begin_run(place, run_id)
    hub.add_text(place, "So far")
    hub.flush(place)
    async with follow(hub, sessions, place, 0) as events:
        assert await take(events, len(log) + 1) == [*log, Delta(run_id=run_id, offset=0, text="So far")]
        hub.add_text(place, " so good")
        hub.flush(place)
        assert await take(events, 1) == [Delta(run_id=run_id, offset=6, text=" so good")]


async def test_no_piece_of_an_answer_comes_after_the_answer(tasks: Tasks, sessions: Sessions) -> None:
    """It would start the bubble anew, and never end."""
    place, hub = SessionId("web:demo:late"), Hub()
    intake = await tasks.accept(inbound("hi", session_id=place), may_take=True)
    assert intake.claim is not None
    run_id = intake.accepted.run_id
    async with follow(hub, sessions, place, 0) as events:
        await take(events, 2)
        outcome = Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=None, answer="Answer")
        finish = await tasks.finish(intake.claim, outcome, may_keep=False)
        hub.publish(place, finish.entries)
        hub.begin_run(place, run_id)
        hub.add_text(place, "Answer")
        hub.end_run(place)
        assert [type(event) for event in await take(events, 2)] == [Message, RunNote]
        more = await talk(tasks, place, 1)
        hub.publish(place, more)
        assert await take(events, 1) == more[:1]


async def test_a_run_that_is_tried_again_streams_again(tasks: Tasks, sessions: Sessions) -> None:
    """Its first attempt failed; its second is news."""
    place, hub = SessionId("web:demo:again"), Hub()
    intake = await tasks.accept(inbound("hi", session_id=place), may_take=True)
    assert intake.claim is not None
    async with follow(hub, sessions, place, 0) as events:
        await take(events, 2)
        hub.publish(place, [await tasks.put_back(intake.claim, after_s=0, note="later", counts=True)])
        hub.begin_run(place, intake.accepted.run_id)
        hub.add_text(place, "Second try")
        hub.end_run(place)
        note, delta = await take(events, 2)
        assert isinstance(note, RunNote)
        assert delta == Delta(run_id=intake.accepted.run_id, offset=0, text="Second try")


async def test_a_reader_that_falls_behind_is_told_and_resumes_from_its_cursor(tasks: Tasks, sessions: Sessions) -> None:
    """Nothing is lost to a slow tab, and no memory to it either."""
    place, hub = SessionId("web:demo:slow"), Hub()
    entries = await talk(tasks, place, 20)
    seen: list[LogEntry | Delta] = []
    async with follow(hub, sessions, place, 0) as events:
        seen += await take(events, 1)
        for entry in (*entries, *entries):
            hub.publish(place, [entry])
        with pytest.raises(SlowConsumerError):
            await collect(events, seen)
    assert seen == entries[: len(seen)]
    cursor = seen[-1]
    assert not isinstance(cursor, Delta)
    assert hub._mailboxes == {}
    async with follow(hub, sessions, place, cursor.seq) as events:
        hub.publish(place, [entries[-1]])
        assert await take(events, len(entries) - cursor.seq) == entries[cursor.seq :]
