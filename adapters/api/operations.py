"""Every operation of the API, once: its route, its checks and its description are all made from this table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.responses import Response

from adapters.api import sessions, tasks
from adapters.api.bodies import CreateTask, NoQuery, SeqPage, TimePage
from adapters.api.context import Api, Call
from adapters.api.errors import ErrorCode
from adapters.api.reading import IDEMPOTENCY_KEY, LAST_EVENT_ID
from adapters.api.session_views import MessagePage, RunPage, SessionPage, SessionView
from adapters.api.tokens import Scope
from adapters.api.views import AcceptedView, AnsweredView, StoppedView, TaskView, View

Handler = Callable[[Api, Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A method of a path: who may call it, what it reads and what it answers.

    `answers` are the models of its JSON answers by status; `is_stream` says that 200 may be an event stream.
    `headers` are the request headers it reads, with what they mean; `errors` what can go wrong besides the token.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, type[View]]
    scope: Scope = Scope.TASKS
    body: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    headers: Mapping[str, str] = field(default_factory=dict)
    is_stream: bool = False
    errors: tuple[ErrorCode, ...] = ()

    @property
    def name(self) -> str:
        """What the operation is called: unique in the API."""
        return self.handler.__name__


_ALWAYS = (ErrorCode.UNAUTHORIZED, ErrorCode.FORBIDDEN, ErrorCode.INVALID, ErrorCode.UNAVAILABLE)
_OF_ONE = (*_ALWAYS, ErrorCode.NOT_FOUND)
_OF_A_BODY = (ErrorCode.MALFORMED, ErrorCode.TIMEOUT, ErrorCode.TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE)

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path=tasks.PATH,
        handler=tasks.create_task,
        summary="Give the agent a task",
        body=CreateTask,
        answers={202: AcceptedView, 200: AnsweredView},
        headers={IDEMPOTENCY_KEY: "1 to 200 printable characters. The same key with the same prompt is the same task."},
        is_stream=True,
        errors=(*_OF_ONE, *_OF_A_BODY, ErrorCode.CONFLICT, ErrorCode.BUSY),
    ),
    Operation(
        method="GET",
        path=tasks.PATH + "/{task_id}",
        handler=tasks.show_task,
        summary="See how a task stands",
        answers={200: TaskView},
        errors=_OF_ONE,
    ),
    Operation(
        method="POST",
        path=tasks.PATH + "/{task_id}/stop",
        handler=tasks.stop_task,
        summary="Stop a task; what was answered so far is kept",
        answers={200: StoppedView},
        errors=_OF_ONE,
    ),
    Operation(
        method="GET",
        path=tasks.PATH + "/{task_id}/events",
        handler=tasks.watch_task,
        summary="Watch a task until it is over",
        answers={},
        headers={LAST_EVENT_ID: "The id of the last event seen: the stream resumes after it."},
        is_stream=True,
        errors=_OF_ONE,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions",
        handler=sessions.list_sessions,
        summary="List all sessions, the one that changed last first",
        scope=Scope.OPERATOR,
        query=TimePage,
        answers={200: SessionPage},
        errors=_ALWAYS,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}",
        handler=sessions.show_session,
        summary="See a session",
        answers={200: SessionView},
        errors=_OF_ONE,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}/messages",
        handler=sessions.list_messages,
        summary="Read what was said in a session",
        query=SeqPage,
        answers={200: MessagePage},
        errors=_OF_ONE,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}/runs",
        handler=sessions.list_runs,
        summary="Read what the agent did in a session: turns, tool calls, tokens, cost",
        query=SeqPage,
        answers={200: RunPage},
        errors=_OF_ONE,
    ),
)
