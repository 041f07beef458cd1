"""The statements set their own scope whatever plan the server chooses for them."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from agent.ids import WorkerId
from agent.records import Audience, Identity, ToolCall, Turn, Usage
from memory.attachments import Attachments, Room
from memory.compactions import Compactions
from memory.context import Sessions
from memory.database import Database
from memory.retention import Expiry
from memory.search import Search
from memory.tasks import Tasks
from memory.users import Users
from memory.watchers import Watchers
from tests.memory.compacting import compaction_of
from tests.memory.test_tasks import done, take
from tests.support.make import ANN, BOB, SESSION, inbound

PLANS = (
    "enable_seqscan = off",
    "enable_indexscan = off",
    "enable_nestloop = off",
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "plan_cache_mode = force_generic_plan",
)

ADD_MEMORY = """
INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility)
VALUES ('ann', 'mem_' || md5($1), 'likes ' || $1, sha256(convert_to($1, 'UTF8')), 'private')
"""


@pytest.mark.parametrize("plan", PLANS)
async def test_a_whole_life_of_a_session_works_under_any_plan(database_url: str, plan: str) -> None:
    """A plan that looks at a row before the scope is set would fail on the day the statistics change. Proves: UM-10."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"ALTER DATABASE {urlsplit(database_url).path[1:]} SET {plan}")
    await connection.close()
    database = await Database.open(database_url, size=2)
    try:
        for is_analyzed in (False, True):
            await live(database, f"{SESSION}{is_analyzed}")
            async with database.connection() as pooled:
                await pooled.execute("RESET ROLE")
                await pooled.execute("ANALYZE")
                await pooled.execute("SET ROLE parley_app")
    finally:
        await database.close()


async def live(database: Database, session: str) -> None:
    """Every statement of the reply path, and those that people call."""
    tasks, sessions, users = Tasks(database, WorkerId("me")), Sessions(database), Users(database)
    session_id = type(SESSION)(session)
    await users.ensure(Identity(tenant="t", channel="c", external_id=session), ANN)
    first = await take(tasks, "one", session_id=session_id)
    for text, user in (("two", BOB), ("three", BOB), ("four", ANN)):
        await tasks.accept(inbound(text, user=user, session_id=session_id), may_take=True)
    call = ToolCall(call_id="c", name="t", arguments={}, is_done=False)
    turn = Turn(content=({"type": "text", "text": "x"},), tool_calls=(call,), stop_reason="tool_use", usage=Usage())
    await tasks.record_calls(first, 0, turn, "Working")
    await tasks.record_results(first, 0, turn)
    await sessions.load_context(session_id, ANN.id, first.position, history_runs=5, memories=5)
    second = (await tasks.finish(first, done(), may_keep=True)).next
    assert second is not None
    start = await tasks.start(second)
    assert start is not None
    assert len(start.merged) == 1
    context = await sessions.load_context(session_id, BOB.id, second.position, history_runs=5, memories=5)
    assert [m.text for m in context.prompt] == ["two", "three"]
    await tasks.put_back(second, after_s=0, note="later", counts=True)
    [again] = await tasks.claim(5)
    assert await tasks.start(again) is not None
    waiting = await tasks.accept(inbound("five", user=BOB, session_id=session_id), may_take=True)
    assert await tasks.stop_waiting(session_id, waiting.accepted.task_id) is not None
    third = (await tasks.finish(again, done(), may_keep=True)).next
    assert third is not None
    await tasks.start(third)
    await tasks.finish(third, done(), may_keep=True)
    await sessions.mark_seen(session_id, ANN.id, 3)
    await sessions.join_session(session_id, ANN.id)
    found = await sessions.load_session(session_id, ANN.id)
    assert found is not None
    assert found.is_member
    assert await sessions.load_messages_before(session_id, 5, 5)
    assert [e.seq for e in await sessions.load_log(session_id, 0, 100)] == list(range(1, found.head + 1))
    assert session_id in {s.session_id for s in await sessions.list_sessions_of_user(ANN.id, "widget", "demo", 10)}
    assert await sessions.list_runs(session_id, None, 10)
    assert await sessions.load_result(session_id, "nothing") is None
    past = await sessions.load_context(session_id, None, 2**62, history_runs=9, memories=None)
    assert await Compactions(database).save(session_id, compaction_of(past.history[:1]), None)
    seen = await sessions.load_context(session_id, None, 2**62, history_runs=9, memories=None)
    assert seen.earlier is not None
    assert seen.earlier.opening is not None
    assert seen.history == past.history[1:]
    search = Search(database)
    assert len(await search.find_turns(ANN.id, "four", 1)) == 1
    assert len(await search.find_in_session(session_id, None, "two three", 2)) == 2
    async with database.scope(user_id=ANN.id) as connection:
        await connection.execute(ADD_MEMORY, session)
    [(memory, _), *_] = await search.find_memories(ANN.id, session, 5, Audience.PRIVATE)
    context = await sessions.load_context(session_id, ANN.id, first.position, history_runs=5, memories=5)
    assert context.memories is not None
    assert memory.memory_id not in {one.memory_id for one in context.memories}, "others read this thread"
    async with database.scope(user_id=ANN.id) as connection:
        await connection.execute("UPDATE user_memories SET visibility = 'thread'")
    context = await sessions.load_context(session_id, ANN.id, first.position, history_runs=5, memories=5)
    assert context.memories is not None
    assert memory.memory_id in {one.memory_id for one in context.memories}
    assert session_id in await Watchers(database, WorkerId("me")).load_heads([session_id])
    files = Attachments(database, Room(unsent_count=99))
    for n in range(4):
        await files.save(ANN.id, session_id, name=f"{n}.txt", media_type="text/plain", content=b"x")
    assert await files.delete_unsent(-1.0) >= 4
    await files.save(ANN.id, session_id, name="left.txt", media_type="text/plain", content=b"x")
    async with database.scope(session_id=session_id) as scoped:
        await scoped.execute("UPDATE attachments SET seq = 1")
    assert await Expiry(database).expire_files(-1.0, 10) >= 1
    await files.save(ANN.id, session_id, name="left.txt", media_type="text/plain", content=b"x")
