"""Calls of tools that wait for the approval of the person who asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.approvals import Approval
from agent.asks import ApprovalState
from agent.ids import AgentId, ApprovalId, SessionId, TaskId, UserId, run_id_of
from agent.records import Audience, JsonObject
from memory.database import Database, Record
from memory.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a call belongs, and where its answer goes."""

    channel: str
    tenant: str
    audience: Audience
    agent_id: AgentId
    reply_to: JsonObject | None


class Approvals:
    """What waits, and what became of it. It is decided by a message: `memory.tasks.Tasks.accept`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, session_id: SessionId, approval_id: ApprovalId) -> tuple[Approval, Place] | None:
        """A call and where it belongs; none where there is no such call in that session."""
        row = await self._database.fetchrow(query("load_approval"), session_id, approval_id)
        return (_read_approval(row), _read_place(row)) if row else None

    async def list_newest(self, session_id: SessionId) -> Sequence[Approval]:
        """The last hundred calls of a session that needed approval, newest first."""
        return [_read_approval(row) for row in await self._database.fetch(query("load_approval"), session_id, None)]

    async def list_due(self, limit: int) -> Sequence[tuple[SessionId, ApprovalId]]:
        """Calls that have waited too long, the longest first."""
        rows = await self._database.fetch(query("list_due_approvals"), limit)
        return [(SessionId(row["session_id"]), ApprovalId(row["approval_id"])) for row in rows]

    async def stop(self, session_id: SessionId, task_id: TaskId) -> int:
        """End what a task's run waits for; how many calls that were."""
        return len(await self._database.fetch(query("stop_approvals"), session_id, task_id))


def _read_approval(row: Record) -> Approval:
    return Approval(
        approval_id=ApprovalId(row["approval_id"]),
        session_id=SessionId(row["session_id"]),
        run_id=run_id_of(TaskId(row["task_id"])),
        user_id=UserId(row["user_id"]),
        user_name=row["asker"] or "",
        tool=row["name"] or "",
        title=row["title"],
        arguments=row["arguments"] or {},
        state=ApprovalState(row["state"]),
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
        decided_at=row["decided_at"],
    )


def _read_place(row: Record) -> Place:
    return Place(
        channel=row["channel"],
        tenant=row["tenant"],
        audience=Audience(row["audience"]),
        agent_id=AgentId(row["agent_id"]),
        reply_to=row["reply_to"],
    )
