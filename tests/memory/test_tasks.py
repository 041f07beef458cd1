"""The task engine's statements: order, fences, merging, retries, recovery."""

import asyncio
from dataclasses import replace

import pytest

from agent.errors import BusyError, ConflictError, LeaseLostError
from agent.ids import SessionId, TaskId, WorkerId, run_id_of
from agent.records import Message, Run, RunNote, RunState, ToolCall, Turn, Usage
from agent.tasks import TaskState
from memory.context import Sessions
from memory.database import Database
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks
from memory.workers import Workers
from tests.support.make import ANN, BOB, SESSION, inbound

ME, OTHER = WorkerId("me"), WorkerId("other")


TURN = Turn(content=({"type": "text", "text": "x"},), tool_calls=(), stop_reason="tool_use", usage=Usage())


def done(text: str = "fine") -> Outcome:
    """A run that went well."""
    run = Run(run_id=run_id_of(TaskId("task_x")), session_id=SESSION, state=RunState.DONE, text=text, model="m")
    return Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=run, answer=text)


async def take(tasks: Tasks, text: str, **more: object) -> Claim:
    """Accept a message whose run starts at once."""
    claim = (await tasks.accept(inbound(text, **more), may_take=True)).claim  # type: ignore[arg-type]
    assert claim is not None
    return claim


@pytest.fixture
def tasks(database: Database) -> Tasks:
    """The engine as this worker."""
    return Tasks(database, ME)


@pytest.fixture
def sessions(database: Database) -> Sessions:
    """What is read of sessions."""
    return Sessions(database)


async def test_the_first_message_of_a_session_takes_its_lease_and_the_second_waits(tasks: Tasks) -> None:
    """Tasks of one session run one after another."""
    first = await tasks.accept(inbound("one"), may_take=True)
    second = await tasks.accept(inbound("two"), may_take=True)
    assert first.claim is not None
    assert second.claim is None
    assert [entry.seq for intake in (first, second) for entry in intake.entries] == [1, 2, 3, 4]
    notes = [e.state for i in (first, second) for e in i.entries if isinstance(e, RunNote)]
    assert notes == [RunState.THINKING, RunState.QUEUED]


async def test_the_same_key_with_the_same_text_is_the_same_message_and_with_another_text_a_conflict(
    tasks: Tasks,
) -> None:
    """A sender that never saw our answer sends again; that must not be a second message."""
    first = await tasks.accept(inbound("hello", key="k"), may_take=True)
    again = await tasks.accept(inbound("hello", key="k"), may_take=True)
    assert again.accepted == replace(first.accepted, is_duplicate=True)
    assert again.entries == ()
    with pytest.raises(ConflictError):
        await tasks.accept(inbound("other", key="k"), may_take=True)


async def test_two_hundred_overlapping_messages_get_two_hundred_numbers_without_a_gap(database_url: str) -> None:
    """Several processes may accept for one session at once; nothing may be lost or numbered twice."""
    database = await Database.open(database_url, size=5, statement_s=60)  # however busy the machine is
    sessions = Sessions(database)
    workers = [Tasks(database, WorkerId(f"w{n}")) for n in range(4)]
    await asyncio.gather(*(workers[n % 4].accept(inbound(f"m{n}"), may_take=n % 2 == 0) for n in range(200)))
    log = await sessions.load_log(SESSION, 0, 1000)
    assert [entry.seq for entry in log] == list(range(1, 401))
    assert {entry.text for entry in log if isinstance(entry, Message)} == {f"m{n}" for n in range(200)}
    await database.close()


async def test_finishing_hands_over_the_next_task_and_numbers_the_answer_before_the_final_note(tasks: Tasks) -> None:
    """The session goes on without looking for work."""
    claim = await take(tasks, "one")
    await tasks.accept(inbound("two", user=BOB), may_take=True)
    finish = await tasks.finish(claim, done("answer"), may_keep=True)
    assert [type(entry).__name__ for entry in finish.entries] == ["Message", "RunNote"]
    assert [entry.seq for entry in finish.entries] == [5, 6]
    assert finish.next is not None
    assert finish.next.user_id == BOB.id
    started = await tasks.start(finish.next)
    assert started is not None
    assert started.attempt == 1
    assert (await tasks.finish(finish.next, done(), may_keep=True)).next is None


async def test_what_one_person_says_while_a_run_is_on_is_answered_together(tasks: Tasks, sessions: Sessions) -> None:
    """A burst of messages gets one answer; another person's message between them keeps its own."""
    claim = await take(tasks, "a1")
    burst = [
        await tasks.accept(inbound(text, user=user), may_take=True)
        for text, user in (("a2", ANN), ("b1", BOB), ("a3", ANN))
    ]
    second = (await tasks.finish(claim, done("to a1"), may_keep=True)).next
    assert second is not None
    start = await tasks.start(second)
    assert start is not None
    assert start.merged == (burst[2].accepted.run_id,)
    context = await sessions.load_context(SESSION, ANN.id, second.position, history_runs=5, memories=0)
    assert [m.text for m in context.prompt] == ["a2", "a3"]
    outcome = replace(done("to a2 and a3"), merged=start.merged)
    finish = await tasks.finish(second, outcome, may_keep=True)
    assert [e.run_id for e in finish.entries if isinstance(e, RunNote)] == [second.run_id, burst[2].accepted.run_id]
    third = finish.next
    assert third is not None
    await tasks.start(third)
    context = await sessions.load_context(SESSION, BOB.id, third.position, history_runs=5, memories=0)
    assert [[m.text for m in run.prompt] for run in context.history] == [["a1"], ["a2", "a3"]]
    assert [m.text for m in context.prompt] == ["b1"]
    merged = await tasks.load_status(burst[2].accepted.task_id)
    assert merged is not None
    assert (merged.state, merged.text) == (TaskState.DONE, "to a2 and a3")


async def test_a_worker_that_lost_its_lease_can_write_nothing(
    tasks: Tasks, database: Database, sessions: Sessions
) -> None:
    """A paused process that wakes up must not answer a second time."""
    claim = await take(tasks, "one")
    recovery = await Workers(database, OTHER).recover(lease_s=15)
    assert recovery.sessions == 1, "nobody is registered, so the owner is dead"
    [stolen] = await Tasks(database, OTHER).claim(5)
    before = await sessions.load_log(SESSION, 0, 100)
    for write in (
        tasks.finish(claim, done(), may_keep=True),
        tasks.put_back(claim, after_s=1, note=None, counts=True),
        tasks.record_calls(claim, 0, TURN, "Working"),
    ):
        with pytest.raises(LeaseLostError):
            await write
    assert await tasks.start(claim) is None
    assert await sessions.load_log(SESSION, 0, 100) == before
    start = await Tasks(database, OTHER).start(stolen)
    assert start is not None
    assert start.attempt == 2


async def test_a_task_that_is_put_back_keeps_its_place_before_later_ones(tasks: Tasks) -> None:
    """A retry must not let a later question overtake."""
    claim = await take(tasks, "one")
    await tasks.accept(inbound("two", user=BOB), may_take=True)
    await tasks.put_back(claim, after_s=3600, note="later", counts=True)
    assert await tasks.claim(5) == []
    assert 3500 < (await tasks.next_ready_in() or 0) <= 3600
    await tasks.accept(inbound("three", user=BOB), may_take=True)
    assert await tasks.claim(5) == [], "a new message must not take a session whose head waits"


async def test_handing_back_on_shutdown_burns_no_attempt(tasks: Tasks) -> None:
    """A deploy is not the task's fault."""
    claim = await take(tasks, "one")
    await tasks.put_back(claim, after_s=0, note=None, counts=False)
    [again] = await tasks.claim(5)
    start = await tasks.start(again)
    assert start is not None
    assert start.attempt == 1


async def test_a_waiting_task_can_be_stopped_and_the_next_goes_on(tasks: Tasks) -> None:
    """`stop` reaches a question that has not been begun."""
    claim = await take(tasks, "one")
    two = await tasks.accept(inbound("two", user=BOB), may_take=True)
    await tasks.accept(inbound("three"), may_take=True)
    [note] = await tasks.stop_waiting(SESSION, two.accepted.task_id)
    assert (note.run_id, note.state) == (two.accepted.run_id, RunState.STOPPED)
    assert await tasks.stop_waiting(SESSION, two.accepted.task_id) == []
    following = (await tasks.finish(claim, done(), may_keep=True)).next
    assert following is not None
    assert following.user_id == ANN.id
    await tasks.start(following)
    assert (await tasks.finish(following, done(), may_keep=True)).waiting == 0


async def test_at_most_so_many_peoples_turns_wait_but_a_burst_of_one_person_is_one_turn(tasks: Tasks) -> None:
    """One running turn and three waiting per session; the rest is told to wait."""
    await take(tasks, "one")
    for n in range(6):
        await tasks.accept(inbound(f"b{n}", user=BOB, max_waiting=1), may_take=True)
    with pytest.raises(BusyError):
        await tasks.accept(inbound("again", user=ANN, max_waiting=1), may_take=True)


async def test_a_session_with_much_to_do_yields_to_those_that_wait(tasks: Tasks) -> None:
    """One busy thread must not starve the others."""
    claim = await take(tasks, "one")
    await tasks.accept(inbound("two", user=BOB), may_take=True)
    await tasks.accept(inbound("x", session_id=SessionId("web:demo:t2")), may_take=False)
    finish = await tasks.finish(claim, done(), may_keep=False)
    assert finish.next is None
    assert finish.waiting == 1
    assert [c.session_id for _ in range(2) for c in await tasks.claim(1)] == ["web:demo:t2", SESSION]


async def test_all_of_a_run_is_stored_with_its_end(tasks: Tasks, sessions: Sessions) -> None:
    """Every message, tool call, result, token count and cost. Proves: SE-5."""
    claim = await take(tasks, "what is 2+2?")
    call = ToolCall(call_id="c1", name="calculate", arguments={"expression": "2+2"}, result="4")
    turn = Turn(
        content=({"type": "tool_use", "id": "c1", "name": "calculate", "input": {"expression": "2+2"}},),
        tool_calls=(call,),
        stop_reason="tool_use",
        usage=Usage(input_tokens=10, output_tokens=5),
    )
    run = Run(
        run_id=claim.run_id,
        session_id=SESSION,
        state=RunState.DONE,
        text="4",
        model="m",
        turns=(turn,),
        usage=Usage(input_tokens=30, output_tokens=9, cache_read_tokens=3),
    )
    outcome = Outcome(state=TaskState.DONE, run_state=RunState.DONE, run=run, answer="4", extract_after_s=1)
    await tasks.finish(claim, outcome, may_keep=True)
    later = await take(tasks, "thanks")
    context = await sessions.load_context(SESSION, ANN.id, later.position, history_runs=5, memories=0)
    [past] = context.history
    assert past.answer == "4"
    assert [(t.content, t.tool_calls) for t in past.turns] == [(turn.content, (call,))]
    [(_, stored)] = await sessions.list_runs(SESSION, None, 10)
    assert stored.usage == run.usage
    assert stored.turns[0].usage == turn.usage
    none = await sessions.load_context(SESSION, ANN.id, later.position, history_runs=0, memories=0)
    assert none.history == ()


async def test_tasks_that_nobody_in_particular_gave_are_bounded_too(tasks: Tasks) -> None:
    """Each is a turn of its own, so a caller without users must not grow a queue without end."""
    await take(tasks, "one", user=None)
    for n in range(3):
        await tasks.accept(inbound(f"more {n}", user=None, max_waiting=3), may_take=True)
    with pytest.raises(BusyError):
        await tasks.accept(inbound("too many", user=None, max_waiting=3), may_take=True)
    with pytest.raises(BusyError):
        await tasks.accept(inbound("too many", user=ANN, max_waiting=3), may_take=True)


async def test_a_session_whose_claimed_task_was_stopped_is_free_for_the_next_message(
    tasks: Tasks, database: Database
) -> None:
    """Whoever was about to begin lets go of it, and must not take the next message's run along. Proves: RE-15."""
    first = await tasks.accept(inbound("one"), may_take=False)
    [stale] = await tasks.claim(5)
    assert len(await tasks.stop_waiting(SESSION, first.accepted.task_id)) == 1
    begun = (await tasks.accept(inbound("two"), may_take=True)).claim
    assert begun is not None
    await tasks.release(stale)
    assert await Tasks(database, OTHER).claim(5) == []
    assert (await tasks.finish(begun, done(), may_keep=True)).next is None
