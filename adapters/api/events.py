"""The stream of one task: everything that becomes of it, from the log of its session.

    accepted → (run | handoff)* → (delta* message?) → run (a final state) → done

A durable event has its number as id. A stream that ends without `done` or `error` is to be resumed from the last id,
and then every durable event comes once.
"""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from adapters.api.context import Api, no_such
from adapters.api.errors import ApiError, InvalidError, error_of
from adapters.api.event_views import DeltaEvent, HandoffEvent, RunEvent
from adapters.api.reading import LAST_EVENT_ID
from adapters.api.session_views import MessageView
from adapters.api.sse import render_frame
from adapters.api.views import is_over, view_task
from adapters.api.watching import TaskWatch
from adapters.ports import SlowConsumerError
from agent.errors import ParleyError
from agent.handoffs import ModeNote
from agent.ids import SessionId, TaskId
from agent.records import LogEntry, Message, RunNote, RunState
from agent.signals import Delta
from agent.tasks import TaskState, TaskStatus

_RUN_STATES = {
    TaskState.QUEUED: RunState.QUEUED,
    TaskState.RUNNING: RunState.THINKING,
    TaskState.MERGED: RunState.QUEUED,
    TaskState.DONE: RunState.DONE,
    TaskState.STOPPED: RunState.STOPPED,
    TaskState.DEAD: RunState.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a stream begins: after which durable event, and with which frames of its own.

    `last` is where the log ended when the task was over already: no event of the task comes after it.
    """

    task_id: TaskId
    session_id: SessionId
    after: int
    frames: tuple[str, ...] = ()
    status: TaskStatus | None = None
    last: int | None = None


async def find_start(api: Api, status: TaskStatus, after: int | None, *frames: str) -> Start:
    """Where the stream of a known task begins: after the event `after`, or with how the task stands now.

    Raises `InvalidError` for an event that is yet to come: who waited behind it would miss the end.
    """
    head = await _load_head(api, status.session_id)
    if after is None:
        # Asked again now that the head is known: a task that is not over ends after it.
        after, status = head, await load_status(api, status.task_id)
        now = RunEvent(run_id=status.run_id, state=_RUN_STATES[status.state])
        frames = (*frames, render_frame("run", now.model_dump_json(), head))
    elif after > head:
        raise InvalidError(LAST_EVENT_ID, f"expected a number up to {head}, the newest event of the session")
    return Start(
        task_id=status.task_id,
        session_id=status.session_id,
        after=after,
        frames=frames,
        status=status,
        last=head if is_over(status) else None,
    )


async def stream_task(api: Api, start: Start) -> AsyncGenerator[str]:
    """The frames of a task's stream."""
    for frame in start.frames:
        yield frame
    try:
        if start.last is None or start.after < start.last:
            async with contextlib.aclosing(_stream_log(api, start)) as frames:
                async for frame in frames:
                    yield frame
        yield render_frame("done", view_task(await load_status(api, start.task_id)).model_dump_json())
    except (SlowConsumerError, _CutOffError):
        return
    except ParleyError as error:
        yield _render_error(error_of(error))
    except ApiError as error:
        yield _render_error(error)


async def load_status(api: Api, task_id: TaskId) -> TaskStatus:
    """A task as it stands. Raises `ApiError` when there is none."""
    status = await api.gateway.load_task(task_id)
    if status is None:
        raise no_such("task")
    return status


class _CutOffError(Exception):
    """The log ended before the task did: this process is about to go."""


async def _stream_log(api: Api, start: Start) -> AsyncGenerator[str]:
    watch = TaskWatch(start.task_id)
    if start.status is not None:
        watch.learn(start.status)
    async with api.gateway.follow(start.session_id, start.after) as log:
        async for entry in log:
            if watch.has_to_ask(entry):
                watch.learn(await load_status(api, start.task_id), entry)
            if watch.picks(entry):
                yield _render_entry(entry)
            if watch.is_end(entry) or _is_last(entry, start.last):
                return
    raise _CutOffError


def _is_last(entry: LogEntry | Delta, last: int | None) -> bool:
    return last is not None and not isinstance(entry, Delta) and entry.seq >= last


def _render_entry(entry: LogEntry | Delta) -> str:
    match entry:
        case Message():
            return render_frame("message", MessageView.model_validate(entry).model_dump_json(), entry.seq)
        case ModeNote():
            return render_frame("handoff", HandoffEvent.model_validate(entry).model_dump_json(), entry.seq)
        case RunNote():
            return render_frame("run", RunEvent.model_validate(entry).model_dump_json(), entry.seq)
        case Delta():
            return render_frame("delta", DeltaEvent.model_validate(entry).model_dump_json())


def _render_error(error: ApiError) -> str:
    return render_frame("error", error.view().model_dump_json(exclude_none=True))


async def _load_head(api: Api, session_id: SessionId) -> int:
    session = await api.gateway.load_session(session_id, None)
    return session.head if session else 0
