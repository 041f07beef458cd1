"""Every operation of the API, once."""

from adapters.api import approvals, handoffs, sessions, tasks
from adapters.api.agent_file_operations import AGENT_FILE_OPERATIONS
from adapters.api.approvals import ApprovalsView, Decide
from adapters.api.bodies import CreateTask, HandoffQuery, SayAsOperator, SeqPage, SessionPageQuery, TakeSession
from adapters.api.errors import ErrorCode
from adapters.api.handoffs import HandoffPage, ModeView
from adapters.api.memory_operations import MEMORY_OPERATIONS
from adapters.api.operation import ALWAYS, OF_A_BODY, OF_ONE, Operation
from adapters.api.people_operations import PEOPLE_OPERATIONS
from adapters.api.reading import IDEMPOTENCY_KEY, LAST_EVENT_ID
from adapters.api.session_views import MessagePage, MessageView, RunPage, SessionPage, SessionView
from adapters.api.spend import SpendPage, SpendView, list_spend
from adapters.api.tokens import Scope
from adapters.api.views import AcceptedView, AnsweredView, StoppedView, TaskView

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path=tasks.PATH,
        handler=tasks.create_task,
        is_long=True,
        summary="Give the agent a task",
        body=CreateTask,
        answers={202: AcceptedView, 200: AnsweredView},
        headers={IDEMPOTENCY_KEY: "1 to 200 printable characters. The same key with the same prompt is the same task."},
        is_stream=True,
        errors=(*OF_ONE, *OF_A_BODY, ErrorCode.CONFLICT, ErrorCode.BUSY),
    ),
    Operation(
        method="GET",
        path=tasks.PATH + "/{task_id}",
        handler=tasks.show_task,
        summary="See how a task stands",
        answers={200: TaskView},
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path=tasks.PATH + "/{task_id}/stop",
        handler=tasks.stop_task,
        summary="Stop a task; what was answered so far is kept",
        answers={200: StoppedView},
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path=tasks.PATH + "/{task_id}/events",
        handler=tasks.watch_task,
        summary="Watch a task until it is over",
        answers={},
        headers={LAST_EVENT_ID: "The id of the last event seen: the stream resumes after it."},
        is_stream=True,
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions",
        handler=sessions.list_sessions,
        summary="List all sessions, the one that changed last first",
        scope=Scope.OPERATOR,
        query=SessionPageQuery,
        answers={200: SessionPage},
        errors=ALWAYS,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}",
        handler=sessions.show_session,
        summary="See a session",
        answers={200: SessionView},
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}/messages",
        handler=sessions.list_messages,
        summary="Read what was said in a session",
        query=SeqPage,
        answers={200: MessagePage},
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}/runs",
        handler=sessions.list_runs,
        summary="Read what the agent did in a session: turns, tool calls, tokens, cost",
        query=SeqPage,
        answers={200: RunPage},
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path="/api/v1/sessions/{session_id}/messages",
        handler=handoffs.say_as_operator,
        summary="Answer in a session as a person of the team, and take it by that",
        scope=Scope.OPERATOR,
        body=SayAsOperator,
        answers={201: MessageView, 200: MessageView},
        headers={
            IDEMPOTENCY_KEY: "1 to 200 printable characters. The same key with the same text is the same message."
        },
        errors=(*OF_ONE, *OF_A_BODY, ErrorCode.CONFLICT),
    ),
    Operation(
        method="POST",
        path="/api/v1/sessions/{session_id}/take",
        handler=handoffs.take_session,
        summary="Take a session: the agent is silent until it is handed back",
        scope=Scope.OPERATOR,
        body=TakeSession,
        answers={200: ModeView},
        errors=(*OF_ONE, *OF_A_BODY),
    ),
    Operation(
        method="POST",
        path="/api/v1/sessions/{session_id}/return",
        handler=handoffs.return_session,
        summary="Hand a session back to the agent",
        scope=Scope.OPERATOR,
        body=TakeSession,
        answers={200: ModeView},
        errors=(*OF_ONE, *OF_A_BODY),
    ),
    Operation(
        method="GET",
        path="/api/v1/sessions/{session_id}/approvals",
        handler=approvals.list_approvals,
        summary="List the calls of a session that wait for approval, or once did",
        answers={200: ApprovalsView},
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path="/api/v1/sessions/{session_id}/approvals/{approval_id}",
        handler=approvals.decide_approval,
        summary="Approve or refuse a call in the name of the person who asked",
        body=Decide,
        answers={202: AcceptedView},
        errors=(*OF_ONE, *OF_A_BODY, ErrorCode.CONFLICT),
    ),
    Operation(
        method="GET",
        path="/api/v1/handoffs",
        handler=handoffs.list_handoffs,
        summary="List the sessions that wait for a person of the team, or are with one",
        scope=Scope.OPERATOR,
        query=HandoffQuery,
        answers={200: HandoffPage},
        errors=ALWAYS,
    ),
    Operation(
        method="GET",
        path="/api/v1/spend",
        handler=list_spend,
        summary="See what the model cost on a day, by account",
        scope=Scope.OPERATOR,
        query=SpendPage,
        answers={200: SpendView},
        errors=ALWAYS,
    ),
    *MEMORY_OPERATIONS,
    *PEOPLE_OPERATIONS,
    *AGENT_FILE_OPERATIONS,
)
