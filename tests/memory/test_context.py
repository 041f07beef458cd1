"""What is read for a run and for people: any text can be asked for, pages follow one another, nobody goes backwards."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.ids import UserId, WorkerId
from agent.prompt import fit_memories
from agent.records import Audience, Message, RunState
from agent.speech import render_memory_block
from agent.tasks import TaskState
from agent.text import estimate_tokens, storable
from memory.context import Sessions
from memory.database import Database
from memory.memories import Memories
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks
from tests.support.gateway import run_sql
from tests.support.make import ANN, BOB, SESSION, inbound

WORDS = st.text(alphabet=st.sampled_from("ab '\\\":*!&|()<>-@./%_~\n\t\u2019é日😀E1"), max_size=40)


async def run(tasks: Tasks, text: str, **more: object) -> Claim:
    """A message and its answer."""
    claim = (await tasks.accept(inbound(text, **more), may_take=True)).claim  # type: ignore[arg-type]
    assert claim is not None
    outcome = Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=None, answer=f"re: {text}")
    await tasks.finish(claim, outcome, may_keep=False)
    return claim


@given(text=WORDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_words_can_be_looked_for(database: Database, text: str) -> None:
    """A quote or a colon in a message must not break the search for what goes with it."""
    assert await Memories(database).find_related(ANN.id, storable(text), 5, Audience.SHARED) == []


async def test_a_run_whose_words_are_full_of_signs_can_be_read(database: Database) -> None:
    """Every message can be answered. Proves: UM-13."""
    tasks = Tasks(database, WorkerId("me"))
    claim = await run(tasks, "it's: 'a' & (b | !c) <-> \\d:* http://x.y/z'?q=\"1\" %_ \u0301")
    context = await Sessions(database).load_context(SESSION, ANN.id, claim.position, history_runs=5, memories=30)
    assert context.memories == ()
    assert len(context.prompt) == 1


MANY = """
INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility, slot, updated_at)
SELECT 'ann', 'mem_' || n, 'likes dish number ' || n || ' of ' || 40000 + n, sha256(n::text::bytea),
       CASE WHEN n = 1500 THEN 'thread' ELSE 'private' END, CASE WHEN n <= 9 THEN 'slot' || n END,
       now() - n * interval '1 hour'
FROM generate_series(1, 3000) n
"""


@pytest.mark.parametrize(("audience", "first"), [(Audience.PRIVATE, 1234), (Audience.SHARED, 1500)])
async def test_of_thousands_of_memories_the_one_that_answers_comes_first_and_few_are_read(
    database: Database, database_url: str, audience: Audience, first: int
) -> None:
    """Whatever is remembered, a turn reads and pays for a bounded part of it. Proves: UM-11, UM-13."""
    await run_sql(database_url, MANY)
    tasks, sessions = Tasks(database, WorkerId("me")), Sessions(database)
    question = replace(inbound("which dish was 41234, or 41500?"), audience=audience)
    claim = (await tasks.accept(question, may_take=True)).claim
    assert claim is not None
    context = await sessions.load_context(SESSION, ANN.id, claim.position, history_runs=5, memories=20)
    assert context.memories is not None
    assert context.memories[0].memory_id in {f"mem_{first}", "mem_1500"}
    if audience is Audience.SHARED:
        assert [memory.memory_id for memory in context.memories] == ["mem_1500"]
        return
    assert {"mem_1234", "mem_1500"} == {memory.memory_id for memory in context.memories[:2]}
    assert {f"mem_{n}" for n in range(1, 21)} <= {memory.memory_id for memory in context.memories}
    assert len(context.memories) <= 120
    kept = fit_memories(context.memories)
    assert [memory.slot for memory in kept[:9]] == [f"slot{n}" for n in range(1, 10)]
    assert kept[9].memory_id in {"mem_1234", "mem_1500"}
    assert estimate_tokens(render_memory_block("x" * 80, kept)) <= 800


async def test_messages_come_in_pages_before_a_number_and_the_log_after_one(database: Database) -> None:
    """Scrolling up and catching up must not skip or repeat."""
    tasks, sessions = Tasks(database, WorkerId("me")), Sessions(database)
    for n in range(5):
        await run(tasks, f"m{n}")
    pages: list[Message] = []
    before = 10**9
    while page := await sessions.load_messages_before(SESSION, before, 3):
        pages = [*page, *pages]
        before = page[0].seq
    log = await sessions.load_log(SESSION, 0, 100)
    assert pages == [entry for entry in log if isinstance(entry, Message)]
    assert await sessions.load_log(SESSION, 7, 3) == log[7:10]


async def test_a_session_is_listed_for_its_people_and_for_nobody_else(database: Database) -> None:
    """Proves: SE-2."""
    tasks, sessions = Tasks(database, WorkerId("me")), Sessions(database)
    await run(tasks, "one", user=ANN)
    for user_id, count in ((ANN.id, 1), (BOB.id, 0), (UserId("usr_nobody"), 0)):
        assert len(await sessions.list_sessions_of_user(user_id, "widget", "demo", 10)) == count
    await sessions.join_session(SESSION, BOB.id)
    await sessions.join_session(SESSION, BOB.id)
    [session] = await sessions.list_sessions_of_user(BOB.id, "widget", "demo", 10)
    assert (session.is_member, session.head) == (True, 4)
    assert await sessions.list_sessions_of_user(BOB.id, "slack", "demo", 10) == []
    seen = await sessions.load_session(SESSION, UserId("usr_nobody"))
    assert seen is not None
    assert not seen.is_member


@pytest.mark.parametrize(("marks", "seen"), [([3, 5, 4], 5), ([2, 2], 2), ([], 0)])
async def test_how_far_one_has_read_never_goes_back(database: Database, marks: list[int], seen: int) -> None:
    """Two tabs of one person read at different speeds."""
    await run(Tasks(database, WorkerId("me")), "one", user=ANN)
    sessions = Sessions(database)
    for mark in marks:
        await sessions.mark_seen(SESSION, ANN.id, mark)
    async with database.scope(session_id=SESSION) as connection:
        assert await connection.fetchval("SELECT seen_seq FROM participants") == seen
