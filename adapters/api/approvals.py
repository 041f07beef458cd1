"""Calls of tools that need the approval of the person who asked: which there are, and what that person decides."""

from datetime import datetime

from pydantic import Field, JsonValue
from starlette.responses import Response

from adapters.api.bodies import NoQuery, Sent, UserDetails
from adapters.api.context import Api, Call, no_such
from adapters.api.errors import ApiError, ErrorCode
from adapters.api.intake import identity_of, user_of
from adapters.api.names import is_name
from adapters.api.reading import read_body, read_query
from adapters.api.tasks import PATH, render
from adapters.api.views import AcceptedView, View
from agent.asks import ApprovalState, Decision
from agent.errors import ApprovalNotYoursError
from agent.ids import ApprovalId
from agent.tasks import TaskState


class ApprovalView(View):
    """A call that needs or needed the approval of the person `user_id`; `run_id` is the run that made it."""

    approval_id: str
    run_id: str
    user_id: str
    user_name: str
    tool: str
    title: str
    arguments: dict[str, JsonValue]
    state: ApprovalState
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None


class ApprovalsView(View):
    """The newest hundred calls of a session that needed approval, the newest first."""

    approvals: tuple[ApprovalView, ...]


class Decide(Sent):
    """What the person who asked decides."""

    decision: Decision
    user_details: UserDetails = Field(description="The person: as the task was given, by the same id or address.")


async def list_approvals(api: Api, call: Call) -> Response:
    """The calls of a session that wait for approval, or once did."""
    read_query(call.request, NoQuery)
    if await api.gateway.load_session(call.session_id, None) is None:
        raise no_such("session")
    found = await api.gateway.list_approvals(call.session_id)
    return render(ApprovalsView(approvals=tuple(map(ApprovalView.model_validate, found))))


async def decide_approval(api: Api, call: Call) -> Response:
    """Approve or refuse a call in the name of the person who asked. The answer is the task that goes on with it."""
    body = await read_body(call.request, Decide)
    session_id, approval_id = call.session_id, call.request.path_params["approval_id"]
    if not is_name(approval_id):
        raise no_such("approval")
    user = await api.gateway.find_user(identity_of(user_of(body.user_details)))
    if user is None:
        raise ApiError(ErrorCode.FORBIDDEN, ApprovalNotYoursError().sentence, field="user_details")
    accepted = await api.gateway.decide(user, session_id, ApprovalId(approval_id), body.decision)
    view = AcceptedView(
        task_id=accepted.task_id,
        run_id=accepted.run_id,
        session_id=session_id,
        message_id=accepted.message_id,
        user_id=user.id,
        state=TaskState.QUEUED,
        is_duplicate=accepted.is_duplicate,
    )
    return render(view, 202, {"location": f"{PATH}/{accepted.task_id}"})
