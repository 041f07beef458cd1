"""Who answers in a session: the agent, or a person of the team. Every change is one statement."""

import hashlib
from collections.abc import Sequence

import asyncpg

from agent.errors import ConflictError
from agent.handoffs import Handoff, ModeNote, SessionMode
from agent.ids import AgentId, MessageId, RunId, SessionId, TaskId, new_message_id
from agent.records import Author, Message
from memory.database import Database
from memory.queries import query

_EARLIER: dict[SessionMode, list[SessionMode]] = {
    SessionMode.WAITING: [SessionMode.AGENT],
    SessionMode.HUMAN: [SessionMode.AGENT, SessionMode.WAITING],
    SessionMode.AGENT: [SessionMode.WAITING, SessionMode.HUMAN],
}


class HandoffStore:
    """The modes of sessions. Every method raises `StoreUnavailableError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def change(
        self,
        session_id: SessionId,
        mode: SessionMode,
        *,
        for_s: float | None = None,
        run_id: RunId | None = None,
        name: str | None = None,
        reason: str | None = None,
        summary: str | None = None,
        must_be_over: bool = False,
    ) -> tuple[ModeNote, bool] | None:
        """Let somebody else answer, for so many seconds. Gives the log's entry, and whether it is to be posted.

        None where that mode cannot follow the one there is, and there is nothing to do. `must_be_over`: only when the
        time of the one there is has passed.
        """
        row = await self._database.fetchrow(
            query("change_mode"),
            session_id,
            mode,
            _EARLIER[mode],
            for_s,
            run_id,
            name,
            reason,
            summary,
            must_be_over,
        )
        if row is None:
            return None
        note = ModeNote(session_id=session_id, seq=row["seq"], mode=mode, at=row["at"], run_id=run_id, name=name)
        return note, bool(row["posted"])

    async def say(
        self, session_id: SessionId, name: str, text: str, key: str, *, for_s: float
    ) -> tuple[Message, bool, bool] | None:
        """Commit what a person of the team says. None where the session is not with one.

        Gives the message, whether it is to be posted, and whether it was there already: the same key with the same
        text is the same message. Raises `ConflictError` for another text.
        """
        message_id, digest = new_message_id(), hashlib.sha256(f"{name}\x00{text}".encode()).digest()
        try:
            row = await self._database.fetchrow(
                query("say_as_operator"), session_id, for_s, message_id, name, text, key, digest
            )
        except asyncpg.UniqueViolationError:
            row = await self._database.fetchrow(query("find_accepted"), session_id, key)
            if row is None or row["digest"] != digest:
                raise ConflictError("this key was used before for another text") from None
            said = await self._database.fetchrow(query("load_log"), session_id, row["seq"] - 1, 1)
            assert said is not None, "a key stands with its message"
            return _message(session_id, row["message_id"], name, text, said), False, True
        return (_message(session_id, message_id, name, text, row), bool(row["posted"]), False) if row else None

    async def find_place(self, session_id: SessionId) -> tuple[str, bool] | None:
        """The channel of a session, and whether there is a place to post to; none where there is no such session."""
        row = await self._database.fetchrow(query("find_place"), session_id)
        return (row["channel"], row["has_place"]) if row else None

    async def list_open(self, mode: SessionMode | None, limit: int) -> Sequence[Handoff]:
        """What waits for a person or is with one, that which goes back first."""
        return [_read_handoff(row) for row in await self._database.fetch(query("list_handoffs"), mode, limit)]

    async def list_overdue(self, limit: int) -> Sequence[SessionId]:
        """Sessions that are to go back to the agent by now."""
        rows = await self._database.fetch(query("list_overdue_handoffs"), limit)
        return [SessionId(row["session_id"]) for row in rows]

    async def list_unfinished(self, session_id: SessionId) -> Sequence[TaskId]:
        """The tasks that run or wait in a session, the newest first."""
        rows = await self._database.fetch(query("list_unfinished_tasks"), session_id)
        return [TaskId(row["task_id"]) for row in rows]


def _message(session_id: SessionId, message_id: str, name: str, text: str, row: asyncpg.Record) -> Message:
    return Message(
        session_id=session_id,
        seq=row["seq"],
        message_id=MessageId(message_id),
        role="human",
        author=Author(name=name, is_operator=True),
        text=text,
        at=row["at"],
    )


def _read_handoff(row: asyncpg.Record) -> Handoff:
    return Handoff(
        **{
            **row,
            "session_id": SessionId(row["session_id"]),
            "agent_id": AgentId(row["agent_id"]),
            "mode": SessionMode(row["mode"]),
        }
    )
