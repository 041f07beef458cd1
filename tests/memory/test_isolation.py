"""Row level security: where a WHERE is forgotten, another person's and another thread's rows are still not there."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest

from agent.extraction import FactChange
from agent.ids import AgentId, SessionId, WorkerId
from agent.records import Audience, Identity, Run, RunState, ToolCall, Turn, Usage, User
from agent.tasks import TaskState
from memory.attachments import Attachments
from memory.context import Sessions
from memory.database import Connection, Database
from memory.memories import Memories, Reading
from memory.task_records import Outcome
from memory.tasks import Tasks
from memory.users import Users
from tests.support.agent_runs import spoken
from tests.support.database import new_database
from tests.support.make import ANN, BOB, inbound

MINE, THEIRS = SessionId("web:demo:mine"), SessionId("web:demo:theirs")
BY_SESSION = (
    "messages",
    "run_notes",
    "runs",
    "turns",
    "tool_calls",
    "compactions",
    "attachments",
    "feedback",
    "handoffs",
)
BY_USER = ("users", "user_memories", "tombstones", "memory_optimizations", "memory_words")
OF_THE_ENGINE = ("messages", "run_notes", "runs", "turns", "tool_calls", "attachments", "sessions", "participants")
BY_EITHER = ("participants", "sessions", "identities")


async def live(database: Database, user: User, place: SessionId) -> None:
    """Something of everything, of one person in one thread."""
    await Users(database).ensure(Identity(tenant="t", channel="id", external_id=user.id), user)
    tasks = Tasks(database, WorkerId("me"))
    claim = (await tasks.accept(inbound("hi", user=user, session_id=place), may_take=True)).claim
    assert claim is not None
    call = ToolCall(call_id="c", name="x", arguments={}, result="r")
    turn = Turn(content=({"type": "tool_use"},), tool_calls=(call,), stop_reason="tool_use", usage=Usage())
    run = Run(run_id=claim.run_id, session_id=place, state=RunState.DONE, text="a", model="m", turns=(turn,))
    outcome = Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=run, answer="a")
    await tasks.finish(claim, outcome, may_keep=False)
    files = Attachments(database)
    await files.save(user.id, place, name="a.txt", media_type="text/plain", content=b"a")
    [answer] = [m for m in await Sessions(database).load_messages_before(place, 100, 9) if m.role == "assistant"]
    await files.save_feedback(user.id, place, answer.message_id, "up", None)
    memories = Memories(database)

    async def apply(seq: int, **change: object) -> None:
        fact = FactChange(slot=None, topics=(), evidence=spoken("x"), **change)  # type: ignore[arg-type]
        reading = Reading(
            session_id=place, first_seq=seq, last_seq=seq, audience=Audience.PRIVATE, agent_id=AgentId("a")
        )
        await memories.apply(user.id, [fact], reading)

    await apply(1, op="add", text="likes one", known=None)
    [known] = await memories.list_all(user.id)
    await apply(2, op="retire", text="", known=known)
    await apply(3, op="add", text=f"likes {user.id}", known=None)
    async with database.scope(session_id=place) as connection:
        await connection.execute(
            "INSERT INTO compactions VALUES ($1, 1, NULL, 'context', '{}'::jsonb, 'm', 9, 4, 0)", place
        )
        await connection.execute("INSERT INTO handoffs (session_id, seq, mode) VALUES ($1, 9, 'waiting')", place)
    async with database.scope(user_id=user.id) as connection:
        await connection.execute("INSERT INTO memory_optimizations VALUES ($1, 'o', 's', '{}', 2, 1, 9, 4)", user.id)


@pytest.fixture(scope="module")
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """Two people, each with a thread of their own."""
    async with new_database(postgres_url) as url:
        database = await Database.open(url, size=3)
        await live(database, ANN, MINE)
        await live(database, BOB, THEIRS)
        yield database
        await database.close()


async def test_every_table_with_people_or_their_words_has_a_policy_and_is_tried_here(database: Database) -> None:
    """A new table must not be forgotten. Proves: UM-10."""
    rows = await database.fetch("SELECT DISTINCT tablename FROM pg_policies")
    assert {row[0] for row in rows} == {*BY_SESSION, *BY_USER, *BY_EITHER}
    open_tables = await database.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relrowsecurity"
        " AND relnamespace = 'public'::regnamespace AND relname <> 'migrations'"
    )
    columns = await database.fetch(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name IN ('text', 'memory', 'email', 'first_name', 'result', 'content')"
    )
    assert {row[0] for row in open_tables} & {row[0] for row in columns} == set()


def in_scope(database: Database, table: str, *, of_bob: bool = False) -> AbstractAsyncContextManager[Connection]:
    """The scope that opens a table's rows of one of the two."""
    user, place = (BOB, THEIRS) if of_bob else (ANN, MINE)
    if table in BY_SESSION:
        return database.scope(session_id=place)
    return database.scope(user_id=user.id)


@pytest.mark.parametrize("table", [*BY_SESSION, *BY_USER, *BY_EITHER])
async def test_a_statement_without_a_where_reaches_only_what_is_in_scope(database: Database, table: str) -> None:
    """Reading, changing, deleting and writing. Proves: UM-10."""
    column = "session_id" if table in (*BY_SESSION, "sessions") else "user_id"
    own, foreign = (MINE, THEIRS) if column == "session_id" else (ANN.id, BOB.id)
    async with in_scope(database, table) as connection:
        seen = {row[0] for row in await connection.fetch(f"SELECT {column} FROM {table}")}
        assert seen == {own}
        assert await connection.fetch(f"SELECT 1 FROM {table} WHERE {column} = $1", foreign) == []
    for verb in ("DELETE FROM {}", f"UPDATE {{}} SET {column} = {column}"):
        statement = f"{verb.format(table)} WHERE {column} = $1"
        async with in_scope(database, table) as connection:
            assert (await connection.execute(statement, foreign)).endswith(" 0")
    async with in_scope(database, table) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE {table} SET {column} = $1", foreign)
    async with in_scope(database, table, of_bob=True) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") > 0, "and nothing of the other's is gone"


@pytest.mark.parametrize("table", [*BY_SESSION, *BY_USER, *BY_EITHER])
async def test_a_statement_without_a_scope_is_an_error(database: Database, table: str) -> None:
    """A forgotten scope must not look like a person without data. Proves: UM-10."""
    for statement in (f"SELECT count(*) FROM {table}", f"DELETE FROM {table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="in scope"):
            await database.fetch(statement)


async def test_a_scope_ends_with_its_transaction(database: Database) -> None:
    """The next one on the connection must not inherit it. Proves: UM-10."""
    for _ in range(5):
        async with database.scope(user_id=ANN.id, session_id=MINE) as connection:
            await connection.fetch("SELECT 1 FROM messages")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.fetch("SELECT 1 FROM messages")


async def test_the_memories_of_a_person_are_found_by_that_person_only(database: Database) -> None:
    """Through the methods, too. Proves: UM-10."""
    memories = Memories(database)
    for user in (ANN, BOB):
        assert {m.memory for m in await memories.list_all(user.id)} == {f"likes {user.id}"}
        assert {m.memory for m in await memories.find_related(user.id, "likes ann bob", 9, Audience.PRIVATE)} == {
            f"likes {user.id}"
        }


@pytest.mark.parametrize("table", OF_THE_ENGINE)
async def test_a_statement_about_several_sessions_sees_those_that_it_names(database: Database, table: str) -> None:
    """The task engine commits for many at once; the wall stands around them as around one. Proves: UM-10."""
    for named in ([MINE], [MINE, THEIRS], ["{a,b}", '"', "\\,"]):
        async with database.scope() as connection:
            await connection.fetch("SELECT set_config('parley.session_ids', $1::text[]::text, true)", named)
            rows = await connection.fetch(f"SELECT DISTINCT session_id FROM {table}")
            assert {row[0] for row in rows} == {MINE, THEIRS} & set(named)
    async with database.scope() as connection:
        await connection.fetch("SELECT set_config('parley.session_ids', $1::text[]::text, true)", [MINE])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE {table} SET session_id = $1", THEIRS)
