"""What the API answers with: one model per thing, from which the answers and their description are both made."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, JsonValue, PlainSerializer

from agent.tasks import TaskState, TaskStatus

_TASK_ID = "task_6f9619ff8b86d011b42d00c04fc964ff"
_RUN_ID = "run_6f9619ff8b86d011b42d00c04fc964ff"
_USAGE: dict[str, JsonValue] = {
    "input_tokens": 812,
    "output_tokens": 64,
    "cache_read_tokens": 0,
    "cache_write_tokens": 0,
    "cost_usd": "0.0034",
}


_ACCEPTED: dict[str, JsonValue] = {
    "task_id": _TASK_ID,
    "run_id": _RUN_ID,
    "session_id": "api:9c1f0e5d7a3b4c2d8e6f1a0b9c8d7e6f",
    "message_id": "msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "user_id": "customer-42",
    "state": "queued",
    "is_duplicate": False,
}
_TASK: dict[str, JsonValue] = {
    "task_id": _TASK_ID,
    "session_id": "web:demo:ticket-7",
    "run_id": _RUN_ID,
    "user_id": "customer-42",
    "attempts": 1,
    "created_at": "2026-11-20T09:30:00.123456Z",
    "finished_at": "2026-11-20T09:30:02.654321Z",
}
_ANSWER: dict[str, JsonValue] = {
    "state": "done",
    "text": "Invoice 17 was sent on Monday.",
    "note": None,
    "usage": _USAGE,
}


class View(BaseModel):
    """An answer's part; it reads itself off a record of the core."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class ErrorDetail(View):
    """What went wrong. `code` is for programs, `message` for people, `field` names the wrong field if there is one."""

    code: str
    message: str
    field: str | None = None


class ErrorView(View):
    """Every error of the API."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"error": {"code": "invalid", "message": "prompt: expected a valid string", "field": "prompt"}}
            ]
        }
    )

    error: ErrorDetail


class UsageView(View):
    """Tokens that were billed, and their price in US dollars as a decimal string."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USAGE]})

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Annotated[Decimal, PlainSerializer(lambda cost: f"{cost:f}", return_type=str)]


class AcceptedView(View):
    """A task that is committed. `is_duplicate` says that it already was, by an earlier request with the same key."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCEPTED]})

    task_id: str
    run_id: str
    session_id: str
    message_id: str
    user_id: str | None
    state: TaskState
    is_duplicate: bool


class AnsweredView(AcceptedView):
    """A task that was waited for and is over. `text` is the answer, `note` one sentence on why there is none."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACCEPTED | _ANSWER]})

    text: str | None
    note: str | None
    usage: UsageView


class TaskView(View):
    """A task as it stands. `text` is the answer when there is one, `note` one sentence for people."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TASK | _ANSWER]})

    task_id: str
    session_id: str
    run_id: str
    user_id: str | None
    state: TaskState
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    text: str | None
    note: str | None
    usage: UsageView


class StoppedView(View):
    """What came of a stop. `is_stopped` is false when there was nothing left to stop."""

    task_id: str
    run_id: str
    is_stopped: bool


def is_over(status: TaskStatus) -> bool:
    """Whether nothing more will come of a task by itself."""
    if status.state is TaskState.MERGED:
        return status.text is not None
    return status.state in {TaskState.DONE, TaskState.STOPPED, TaskState.DEAD}


def view_task(status: TaskStatus) -> TaskView:
    """A task for its caller. One that was merged into an earlier run is not finished before that run is."""
    view = TaskView.model_validate(status)
    return view if is_over(status) else view.model_copy(update={"finished_at": None})
