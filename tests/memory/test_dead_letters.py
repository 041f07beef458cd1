"""Dead letters in the engine: found, opened, and put back at their place."""

from dataclasses import replace

import pytest

from agent.ids import SessionId, TaskId, WorkerId
from agent.records import Message, Run, RunNote, RunState, ToolCall, Turn, Usage
from agent.tasks import TaskState
from memory.context import Sessions
from memory.database import Database
from memory.dead_letters import DeadLetters, Replay
from memory.task_records import Claim, Outcome
from memory.tasks import Tasks
from tests.support.make import ANN, BOB, SESSION, inbound

TURN = Turn(
    content=({"type": "tool_use", "id": "c1", "name": "order", "input": {}},),
    tool_calls=(ToolCall(call_id="c1", name="order", arguments={}, result="ordered"),),
    stop_reason="tool_use",
    usage=Usage(),
)


def outcome(claim: Claim, state: TaskState, text: str, *turns: Turn, error: str | None = None) -> Outcome:
    """How a run ended."""
    is_dead = state is TaskState.DEAD
    run_state = RunState.FAILED if is_dead else RunState.DONE
    run = Run(run_id=claim.run_id, session_id=SESSION, state=run_state, text=text, model="m", turns=turns, error=error)
    return Outcome(
        state=state,
        run_state=run_state,
        run=run,
        answer=text,
        answer_role="system" if is_dead else "assistant",
        note=text if is_dead else None,
    )


async def accept(tasks: Tasks, text: str, **more: object) -> Claim:
    """A message whose run starts at once."""
    claim = (await tasks.accept(inbound(text, **more), may_take=True)).claim  # type: ignore[arg-type]
    assert claim is not None
    return claim


async def bury(tasks: Tasks, text: str, *turns: Turn, **more: object) -> TaskId:
    """A message that was given up."""
    claim = await accept(tasks, text, **more)
    await tasks.finish(claim, outcome(claim, TaskState.DEAD, "I gave up.", *turns, error="it broke"), may_keep=False)
    return claim.task_id


@pytest.fixture
def tasks(database: Database) -> Tasks:
    """The engine as a worker."""
    return Tasks(database, WorkerId("me"))


@pytest.fixture
def letters(database: Database) -> DeadLetters:
    """The dead letters."""
    return DeadLetters(database)


@pytest.fixture
def sessions(database: Database) -> Sessions:
    """What is read of sessions."""
    return Sessions(database)


async def test_they_are_listed_newest_first_without_what_was_said(tasks: Tasks, letters: DeadLetters) -> None:
    """An operator sees that something is wrong before reading anybody's words."""
    old = await bury(tasks, "one")
    new = await bury(tasks, "two", user=BOB, session_id=SessionId("s2"))
    found = await letters.list_newest()
    assert [(one.task_id, one.user_id, one.session_id, one.attempts) for one in found] == [
        (new, BOB.id, "s2", 1),
        (old, ANN.id, SESSION, 1),
    ]
    assert {one.note for one in found} == {"I gave up."}
    assert [one.task_id for one in await letters.list_newest(1)] == [new]


async def test_an_opened_one_has_the_words_and_the_error(tasks: Tasks, letters: DeadLetters) -> None:
    """What an operator needs to decide whether to try again. One that is not dead is not opened."""
    task_id = await bury(tasks, "help me")
    opened = await letters.load(task_id)
    assert opened is not None
    assert [(one.author, one.text) for one in opened.messages] == [("Ann", "help me")]
    assert (opened.error, opened.model) == ("it broke", "m")
    await letters.replay(task_id)
    assert await letters.load(task_id) is None
    assert await letters.load(TaskId("task_none")) is None


async def test_a_replayed_one_is_answered_and_its_run_is_stored(
    tasks: Tasks, letters: DeadLetters, sessions: Sessions
) -> None:
    """The failed run makes room for the new one; people still see what they were told. Proves: RE-10."""
    task_id = await bury(tasks, "help me")
    assert await letters.replay(task_id) is Replay.QUEUED
    [claim] = await tasks.claim(5)
    start = await tasks.start(claim)
    assert start is not None
    assert (claim.task_id, start.attempt) == (task_id, 1)
    await tasks.finish(claim, outcome(claim, TaskState.DONE, "here you are"), may_keep=False)
    status = await tasks.load_status(task_id)
    assert status is not None
    assert (status.state, status.text, status.note) == (TaskState.DONE, "here you are", None)
    log = await sessions.load_log(SESSION, 0, 100)
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
    assert [e.text for e in log if isinstance(e, Message)] == ["help me", "I gave up.", "here you are"]
    assert [e.state for e in log if isinstance(e, RunNote)] == ["thinking", "failed", "queued", "thinking", "done"]
    following = await accept(tasks, "thanks")
    context = await sessions.load_context(SESSION, ANN.id, following.position, history_runs=5, memories=0)
    assert [(run.prompt[0].text, run.answer) for run in context.history] == [("help me", "here you are")]


async def test_it_goes_before_what_waits_and_not_into_what_runs(tasks: Tasks, letters: DeadLetters) -> None:
    """Its place in the thread is the old one, and one run at a time is still the rule."""
    task_id = await bury(tasks, "one", user=ANN)
    running = await accept(tasks, "two", user=BOB)
    await tasks.accept(inbound("three", user=BOB), may_take=True)
    assert await letters.replay(task_id) is Replay.QUEUED
    assert await tasks.claim(5) == []
    following = (await tasks.finish(running, outcome(running, TaskState.DONE, "to two"), may_keep=True)).next
    assert following is not None
    assert following.task_id == task_id
    await tasks.start(following)
    last = await tasks.finish(following, outcome(following, TaskState.DONE, "to one"), may_keep=True)
    assert last.next is not None
    await tasks.start(last.next)
    assert (await tasks.finish(last.next, outcome(last.next, TaskState.DONE, "to three"), may_keep=True)).next is None


async def test_it_does_not_wait_for_a_retry_of_a_later_message(tasks: Tasks, letters: DeadLetters) -> None:
    """The model's pause is for the message that met it. Behind an earlier one that waits, it waits too."""
    first, second = await bury(tasks, "one", user=ANN), await bury(tasks, "two", user=BOB)
    later = await accept(tasks, "three", user=None)
    await tasks.put_back(later, after_s=3600, note=None, counts=True)
    assert await tasks.claim(5) == []
    await letters.replay(first)
    [claim] = await tasks.claim(5)
    assert claim.task_id == first
    await tasks.start(claim)
    await tasks.put_back(claim, after_s=3600, note=None, counts=True)
    await letters.replay(second)
    assert await tasks.claim(5) == [], "the session waits for its head"


async def test_replaying_twice_is_replaying_once(tasks: Tasks, letters: DeadLetters) -> None:
    """Two operators, or one who is not sure."""
    task_id = await bury(tasks, "one")
    assert [await letters.replay(task_id) for _ in range(3)] == [Replay.QUEUED, Replay.NOT_DEAD, Replay.NOT_DEAD]
    [claim] = await tasks.claim(5)
    assert await letters.replay(task_id) is Replay.NOT_DEAD, "it is about to run"
    await tasks.start(claim)
    finish = await tasks.finish(claim, outcome(claim, TaskState.DONE, "fine"), may_keep=True)
    assert (finish.next, finish.waiting) == (None, 0)
    assert await letters.replay(TaskId("task_none")) is Replay.UNKNOWN


async def test_what_tools_did_is_kept_and_handed_to_the_next_attempt(
    tasks: Tasks, letters: DeadLetters, sessions: Sessions
) -> None:
    """An order that was placed must not be placed again because the answer failed."""
    claim = await accept(tasks, "order it")
    pending = replace(TURN, tool_calls=(replace(TURN.tool_calls[0], result="", is_done=False),))
    await tasks.record_calls(claim, 0, pending, "Ordering")
    await tasks.record_results(claim, 0, TURN)
    await tasks.finish(claim, outcome(claim, TaskState.DEAD, "I gave up.", TURN), may_keep=False)
    await letters.replay(claim.task_id)
    [again] = await tasks.claim(5)
    await tasks.start(again)
    context = await sessions.load_context(SESSION, ANN.id, again.position, history_runs=5, memories=0)
    assert [call.result for turn in context.turns for call in turn.tool_calls] == ["ordered"]
    await tasks.finish(again, outcome(again, TaskState.DONE, "done", *context.turns), may_keep=False)


async def test_messages_that_were_merged_into_it_come_along(tasks: Tasks, letters: DeadLetters) -> None:
    """They were given up together."""
    first = await accept(tasks, "zero", user=BOB)
    head = await tasks.accept(inbound("one", user=ANN), may_take=True)
    merged = await tasks.accept(inbound("and two", user=ANN), may_take=True)
    claim = (await tasks.finish(first, outcome(first, TaskState.DONE, "to zero"), may_keep=True)).next
    assert claim is not None
    start = await tasks.start(claim)
    assert start is not None
    given_up = replace(outcome(claim, TaskState.DEAD, "I gave up."), merged=start.merged)
    await tasks.finish(claim, given_up, may_keep=False)
    opened = await letters.load(head.accepted.task_id)
    assert opened is not None
    assert [one.text for one in opened.messages] == ["one", "and two"]
    await letters.replay(head.accepted.task_id)
    [again] = await tasks.claim(5)
    restart = await tasks.start(again)
    assert restart is not None
    assert restart.merged == (merged.accepted.run_id,)
