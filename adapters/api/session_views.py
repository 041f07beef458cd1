"""What the API shows of a session: itself, what was said in it, and what was done about it."""

from datetime import datetime

from pydantic import JsonValue

from adapters.api.views import UsageView, View
from agent.handoffs import SessionMode
from agent.records import Audience, Role, RunState


class SessionView(View):
    """One thread. `head` is the number of its newest durable event, `mode` who answers in it."""

    session_id: str
    channel: str
    tenant: str
    agent_id: str
    audience: Audience
    mode: SessionMode
    head: int
    title: str | None
    summary: str | None
    topics: tuple[str, ...]
    created_at: datetime
    updated_at: datetime


class SessionPage(View):
    """Sessions, the one that changed last first. `next` is the `before` of the next page; none on the last."""

    sessions: tuple[SessionView, ...]
    next: datetime | None


class AuthorView(View):
    """Who wrote a message: the user id (none for the agent) and the name shown."""

    id: str | None
    name: str


class AskView(View):
    """A call that waits for the approval of the person `user_id`."""

    approval_id: str
    title: str
    user_id: str


class MessageView(View):
    """One thing that was said. `seq` counts the session's durable events; `asks` are the calls it asks approval for."""

    seq: int
    message_id: str
    role: Role
    author: AuthorView
    text: str
    at: datetime
    run_id: str | None
    client_id: str | None
    asks: tuple[AskView, ...] = ()


class MessagePage(View):
    """Messages in the order they were said. `next` is the `before` of the next older page; none on the last."""

    messages: tuple[MessageView, ...]
    next: int | None


class ToolCallView(View):
    """One call of a tool, and what came of it."""

    call_id: str
    name: str
    arguments: dict[str, JsonValue]
    result: str
    is_error: bool


class TurnView(View):
    """One model call that asked for tools: the blocks the model wrote, and the calls."""

    content: tuple[dict[str, JsonValue], ...]
    tool_calls: tuple[ToolCallView, ...]
    stop_reason: str
    usage: UsageView


class RunView(View):
    """From a person's message to the final answer. `error` is there for operators only."""

    run_id: str
    state: RunState
    text: str
    model: str
    turns: tuple[TurnView, ...]
    stop_reason: str
    usage: UsageView
    error: str | None


class PositionedRunView(RunView):
    """A run with its place in the session's order of tasks."""

    position: int


class RunPage(View):
    """Runs, the newest first. `next` is the `before` of the next older page; none on the last."""

    runs: tuple[PositionedRunView, ...]
    next: int | None
