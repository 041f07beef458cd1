"""Identifiers. All are opaque strings; a prefix says what they name, so that a log line can be read."""

import secrets
from typing import NewType

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
TaskId = NewType("TaskId", str)
RunId = NewType("RunId", str)
MessageId = NewType("MessageId", str)
MemoryId = NewType("MemoryId", str)
ApprovalId = NewType("ApprovalId", str)
AttachmentId = NewType("AttachmentId", str)
AgentId = NewType("AgentId", str)
WorkerId = NewType("WorkerId", str)


def _random(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


def new_user_id() -> UserId:
    """128 random bits: nobody can guess another person's id."""
    return UserId(_random("usr"))


def new_task_id() -> TaskId:
    """A fresh task id."""
    return TaskId(_random("task"))


def new_message_id() -> MessageId:
    """A fresh message id."""
    return MessageId(_random("msg"))


def new_memory_id() -> MemoryId:
    """A fresh memory id."""
    return MemoryId(_random("mem"))


def new_attachment_id() -> AttachmentId:
    """A fresh attachment id."""
    return AttachmentId(_random("file"))


def new_approval_id() -> ApprovalId:
    """A fresh approval id."""
    return ApprovalId(_random("appr"))


def new_worker_id() -> WorkerId:
    """A fresh id for one life of one process."""
    return WorkerId(_random("worker"))


def channel_of(session_id: SessionId) -> str:
    """Where people talk in a session: the session ids of websites and of Slack say so, all others are callers'."""
    return {"web": "widget", "slack": "slack"}.get(session_id.partition(":")[0], "api")


def run_id_of(task_id: TaskId) -> RunId:
    """The run of a task. A task has exactly one run, however often it is tried, so the id never changes."""
    return RunId("run_" + task_id.removeprefix("task_"))
