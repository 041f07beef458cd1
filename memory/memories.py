"""What is remembered about people: one live row per fact and per slot, history kept, and no way to another person's."""

import hashlib
from collections.abc import Sequence

from agent.extraction import FactChange
from agent.ids import AgentId, MemoryId, SessionId, UserId, new_memory_id
from agent.records import Audience, Message, UserMemory
from memory.database import Connection, Database, Record
from memory.queries import query
from memory.rows import read_message


def fact_hash(text: str) -> bytes:
    """Equal for texts that say the same but for case, spaces and a closing full stop."""
    return hashlib.sha256(" ".join(text.casefold().split()).rstrip(".").encode()).digest()


class Memories:
    """The memories of the user group. Every method takes the person first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_all(self, user_id: UserId, limit: int = 1000) -> Sequence[UserMemory]:
        """The live memories, newest first."""
        async with self._database.scope(user_id=user_id) as connection:
            return [_read(row) for row in await connection.fetch(query("list_memories"), user_id, limit)]

    async def find_related(self, user_id: UserId, text: str, limit: int, audience: Audience) -> Sequence[UserMemory]:
        """The live memories that share most with a text, best first: those that this audience may hear."""
        is_private = audience is Audience.PRIVATE
        async with self._database.scope(user_id=user_id) as connection:
            rows = await connection.fetch(query("search_memories"), user_id, text, limit, is_private)
            return [_read(row) for row in rows]

    async def load_new_words(self, user_id: UserId, session_id: SessionId, limit: int) -> Sequence[Message]:
        """What the person said in a session since it was last read for facts, in order."""
        async with self._database.scope(user_id=user_id, session_id=session_id) as connection:
            rows = await connection.fetch(query("load_new_words"), session_id, user_id, limit)
            return [read_message(session_id, row) for row in rows]

    async def apply(
        self,
        user_id: UserId,
        changes: Sequence[FactChange],
        *,
        agent_id: AgentId,
        audience: Audience,
        read_up_to: tuple[SessionId, int],
    ) -> int:
        """Store believed changes and how far was read, in one transaction. Returns how many facts changed.

        A fact said in front of others may be used in front of others; one said in private stays private, and so does
        what it becomes. Words that are older than a fact neither end nor replace it.
        """
        session_id, seq = read_up_to
        visibility = "thread" if audience is Audience.SHARED else "private"
        changed = 0
        async with self._database.scope(user_id=user_id, session_id=session_id) as connection:
            await connection.fetchrow(query("lock_user"), user_id)
            for change in changes:
                changed += await _apply(connection, user_id, change, agent_id, visibility)
            await connection.execute(query("move_watermark"), session_id, user_id, seq)
        return changed


async def _apply(
    connection: Connection, user_id: UserId, change: FactChange, agent_id: AgentId, visibility: str
) -> int:
    superseded: str | None = None
    if change.known is not None:
        superseded = change.known.memory_id
        ended = await connection.fetchrow(query("end_memory"), user_id, superseded, change.evidence.at)
        if change.op == "retire":
            if ended is not None:
                await connection.execute(query("add_tombstone"), user_id, ended["hash"], change.evidence.at)
            return int(ended is not None)
        if change.known.visibility == "private":
            visibility = "private"
    digest = fact_hash(change.text)
    if change.slot is not None:
        older = await connection.fetchrow(query("end_slot"), user_id, change.slot, digest, change.evidence.at)
        superseded = older["memory_id"] if older else superseded
    row = await connection.fetchrow(
        query("add_memory"),
        user_id,
        new_memory_id(),
        change.text,
        digest,
        list(change.topics),
        change.slot,
        visibility,
        agent_id,
        None,
        change.evidence.session_id,
        change.evidence.seq,
        superseded,
        change.evidence.at,
    )
    return int(row is not None)


def _read(row: Record) -> UserMemory:
    return UserMemory(
        memory_id=MemoryId(row["memory_id"]),
        user_id=UserId(row["user_id"]),
        memory=row["memory"],
        topics=tuple(row["topics"]),
        slot=row["slot"],
        visibility=row["visibility"],
        agent_id=row["agent_id"],
        team_id=row["team_id"],
        input=row["input"],
        feedback=row["feedback"],
        source_session_id=row["source_session_id"],
        source_seq=row["source_seq"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
