"""Which of a session's events belong to a task, without a session."""

from dataclasses import replace

import pytest

from adapters.api.watching import TaskWatch
from agent.ids import MessageId, RunId, SessionId, TaskId, run_id_of
from agent.records import Author, LogEntry, Message, Role, RunNote, RunState, Usage
from agent.signals import Delta
from agent.tasks import TaskState, TaskStatus
from tests.adapters.api.threads import START

TASK, OTHER = TaskId("task_1"), TaskId("task_2")
MINE, THEIRS = run_id_of(TASK), run_id_of(OTHER)
SESSION = SessionId("team")


def _note(run_id: RunId, state: RunState) -> RunNote:
    return RunNote(session_id=SESSION, seq=1, run_id=run_id, state=state, at=START)


def _message(run_id: RunId | None, role: Role) -> Message:
    return Message(
        session_id=SESSION,
        seq=1,
        message_id=MessageId("msg_1"),
        role=role,
        author=Author(name="Ann"),
        text="Hi",
        at=START,
        run_id=run_id,
    )


def _delta(run_id: RunId) -> Delta:
    return Delta(run_id=run_id, offset=0, text="Hi")


STATUS = TaskStatus(
    task_id=TASK,
    session_id=SESSION,
    run_id=MINE,
    user_id=None,
    state=TaskState.QUEUED,
    attempts=0,
    created_at=START,
    finished_at=None,
    text=None,
    note=None,
    usage=Usage(),
)


@pytest.mark.parametrize(
    "entry",
    [
        _note(THEIRS, RunState.QUEUED),
        _message(THEIRS, "user"),
        _message(None, "human"),
        _note(MINE, RunState.THINKING),
        _delta(MINE),
    ],
)
def test_what_cannot_be_a_merge_asks_nothing(entry: LogEntry | Delta) -> None:
    """A stream in a lively session must not cost a query for every message of others. Proves: API-4."""
    assert not TaskWatch(TASK).has_to_ask(entry)


@pytest.mark.parametrize(
    "entry",
    [_note(THEIRS, RunState.THINKING), _note(THEIRS, RunState.DONE), _message(THEIRS, "assistant"), _delta(THEIRS)],
)
def test_another_run_is_asked_about_once(entry: LogEntry | Delta) -> None:
    """It may have taken this task up; when it has not, its many deltas are not asked about again. Proves: API-4."""
    watch = TaskWatch(TASK)

    assert watch.has_to_ask(entry)
    watch.learn(STATUS, entry)

    assert not watch.picks(entry)
    assert not watch.has_to_ask(_delta(THEIRS))
    assert not watch.has_to_ask(_message(THEIRS, "assistant"))


def test_another_run_that_begins_again_is_asked_about_again() -> None:
    """A retry takes up what came meanwhile, so the first answer may be out of date. Proves: API-4."""
    watch = TaskWatch(TASK)
    watch.learn(STATUS, _note(THEIRS, RunState.THINKING))

    assert watch.has_to_ask(_note(THEIRS, RunState.THINKING))


def test_once_the_own_run_has_begun_no_other_can_answer() -> None:
    """Nothing is asked any more, whatever else goes on. Proves: API-4."""
    watch = TaskWatch(TASK)

    assert watch.picks(_note(MINE, RunState.QUEUED))
    assert watch.has_to_ask(_note(THEIRS, RunState.THINKING))
    assert watch.picks(_note(MINE, RunState.THINKING))
    assert not watch.has_to_ask(_note(THEIRS, RunState.THINKING))


def test_the_run_that_took_the_task_up_is_followed_to_its_end() -> None:
    """Its text is the answer, its end the end; what people said is not part of it. Proves: API-4."""
    watch = TaskWatch(TASK)
    watch.learn(replace(STATUS, run_id=THEIRS), _note(THEIRS, RunState.THINKING))

    assert watch.picks(_delta(THEIRS))
    assert watch.picks(_message(THEIRS, "assistant"))
    assert not watch.picks(_message(THEIRS, "user"))
    assert not watch.has_to_ask(_note(RunId("run_3"), RunState.THINKING))
    assert not watch.is_end(_note(THEIRS, RunState.TOOL))
    assert watch.is_end(_note(THEIRS, RunState.FAILED))
    assert watch.is_end(_note(MINE, RunState.DONE))
    assert not watch.is_end(_note(RunId("run_3"), RunState.DONE))
