"""What is read of sessions: a run's context in one statement, the log, lists for people and operators."""

from collections.abc import Sequence
from datetime import datetime

from agent.handoffs import SessionMode
from agent.ids import RunId, SessionId, UserId
from agent.prompt import Context
from agent.records import LogEntry, Message, Run, RunState, Session, Turn
from memory.compactions import read_billed, read_earlier
from memory.database import Database, Record
from memory.queries import query
from memory.rows import (
    read_call,
    read_decided,
    read_history,
    read_log_entry,
    read_memories,
    read_message,
    read_prompt,
    read_session,
    read_usage,
    read_user,
)


class Sessions:
    """Reads of the session group. Everything is by session id; nothing of history is filtered by user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_context(
        self, session_id: SessionId, asker_id: UserId | None, position: int, *, history_runs: int, memories: int | None
    ) -> Context:
        """What the run at `position` needs: who asks, its prompt, the runs before it, and the asker's memories.

        Runs that were summarised are not among them: `earlier` stands there, as long as they would be seen.
        Those of them that answer the prompt come first; then, newest first, `memories` of the newest and the profile.
        In a shared session, or one in which somebody else writes too, only those that others may hear. `memories` is
        none where user memories are off.
        """
        row = await self._database.fetchrow(
            query("load_context"), session_id, asker_id, position, history_runs, memories or 0
        )
        assert row is not None, "the statement always gives one row"
        remembered = None
        if asker_id is not None and memories is not None:
            remembered = read_memories(asker_id, row)
        history, turns = read_history(session_id, row, position)
        return Context(
            asker=read_user(row["user"]) if row["user"] else None,
            prompt=read_prompt(session_id, row["prompt"]),
            history=history,
            memories=remembered,
            turns=turns,
            earlier=read_earlier(session_id, row) if len(history) < history_runs else None,
            summarized_upto=row["upto"],
            billed=read_billed(row["runs"]),
            decided=read_decided(row["decided"]),
        )

    async def load_log(self, session_id: SessionId, after: int, limit: int) -> Sequence[LogEntry]:
        """Durable events with seq > `after`, in order."""
        rows = await self._database.fetch(query("load_log"), session_id, after, limit)
        return [read_log_entry(session_id, row) for row in rows]

    async def load_messages_before(self, session_id: SessionId, before: int, limit: int) -> Sequence[Message]:
        """The newest messages with seq < `before`, in order."""
        rows = await self._database.fetch(query("load_messages_before"), session_id, before, limit)
        return [read_message(session_id, row) for row in reversed(rows)]

    async def load_session(self, session_id: SessionId, user_id: UserId | None) -> Session | None:
        """A session, and whether `user_id` takes part in it."""
        row = await self._database.fetchrow(query("load_session"), session_id, user_id)
        return read_session(row) if row else None

    async def list_sessions_of_user(self, user_id: UserId, channel: str, tenant: str, limit: int) -> Sequence[Session]:
        """A person's sessions on one channel of a tenant, newest first."""
        rows = await self._database.fetch(query("list_sessions_of_user"), user_id, channel, tenant, limit)
        return [read_session(row) for row in rows]

    async def list_sessions(
        self, before: datetime | None, limit: int, mode: SessionMode | None = None
    ) -> Sequence[Session]:
        """All sessions, newest first, for operators; where `mode` is given those in which that is who answers."""
        return [read_session(row) for row in await self._database.fetch(query("list_sessions"), before, limit, mode)]

    async def join_session(self, session_id: SessionId, user_id: UserId) -> None:
        """Make a person a participant; harmless when they are one."""
        await self._database.execute(query("join_session"), session_id, user_id)

    async def mark_seen(self, session_id: SessionId, user_id: UserId, seq: int) -> None:
        """Remember how far a participant has read; never backwards."""
        await self._database.execute(query("mark_seen"), session_id, user_id, seq)

    async def list_runs(self, session_id: SessionId, before: int | None, limit: int) -> Sequence[tuple[int, Run]]:
        """Runs with their positions, newest first, with their turns."""
        rows = await self._database.fetch(query("list_runs"), session_id, before, limit)
        return [(row["position"], await self._read_run(session_id, row)) for row in rows]

    async def load_result(self, session_id: SessionId, call_id: str) -> str | None:
        """All that a tool's call in this session gave back; none where there was no such call, or it gave nothing."""
        row = await self._database.fetchrow(query("load_result"), session_id, call_id)
        return row["result"] if row else None

    async def _read_run(self, session_id: SessionId, row: Record) -> Run:
        turns = await self._database.fetch(query("load_turns"), session_id, row["position"])
        answer = await self._database.fetchrow(query("load_answer"), session_id, row["position"])
        return Run(
            run_id=RunId(row["run_id"]),
            session_id=session_id,
            state=RunState(row["state"]),
            text=(answer["text"] or "") if answer else "",
            model=row["model"],
            turns=tuple(_read_turn(turn) for turn in turns),
            stop_reason=row["stop_reason"],
            usage=read_usage(row),
            error=row["error"],
        )


def _read_turn(row: Record) -> Turn:
    calls = (read_call(call) for call in row["calls"] or ())
    return Turn(
        content=tuple(row["content"]), tool_calls=tuple(calls), stop_reason=row["stop_reason"], usage=read_usage(row)
    )
