"""The unit of work on its way: what a channel heard, the proof that it is kept, the task, and how it stands.

Standard library only, as all that every room shares.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.asks import Verdict
from agent.ids import AgentId, MessageId, RunId, SessionId, TaskId, UserId, run_id_of
from agent.records import Attachment, Audience, JsonObject, Usage, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """What an adapter makes of a payload: everything intake needs, and nothing of the channel's own format.

    `dedupe_key` is unique within the session: the same key with the same text is the same message, for ever.
    `max_waiting` bounds how many people's turns may wait in the session (none: no bound).
    `reply_to` is the channel's own address for the answer, given to its poster unread; none where people watch the log.
    `verdict`: this message is what a person decided about a call that waits, and is refused where none does.
    """

    channel: str
    tenant: str
    session_id: SessionId
    audience: Audience
    agent_id: AgentId
    user: User | None
    author_name: str
    text: str
    dedupe_key: str
    client_id: str | None = None
    max_waiting: int | None = None
    reply_to: JsonObject | None = None
    attachments: tuple[Attachment, ...] = ()
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The proof that a message is committed. `is_duplicate` says that it already was."""

    message_id: MessageId
    seq: int
    task_id: TaskId
    run_id: RunId
    is_duplicate: bool


class TaskState(StrEnum):
    """Where a task stands. `merged`: answered by the run of an earlier one; `dead`: waits for an operator."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    MERGED = "merged"
    STOPPED = "stopped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The inbound unit of work. `position` orders the tasks of a session.

    `epoch` is the fence of the lease it runs under; `attempt` counts from 1. `user` is none for a task that nobody in
    particular gave; `prompt` is what was said, several messages under one another, other people's among them where the
    agent was not asked; `asker_words` is what of it `user` said.
    """

    task_id: TaskId
    session_id: SessionId
    position: int
    epoch: int
    attempt: int
    agent_id: AgentId
    user: User | None
    prompt: str
    asker_words: str = ""

    @property
    def run_id(self) -> RunId:
        """The id of this task's run."""
        return run_id_of(self.task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """A task as its giver sees it: `note` is one sentence for people, `text` the answer when there is one."""

    task_id: TaskId
    session_id: SessionId
    run_id: RunId
    user_id: UserId | None
    state: TaskState
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    text: str | None
    note: str | None
    usage: Usage
