"""A memory written back as a file has it: under its own id, with its own times."""

from typing import Literal, TypeAlias

from agent.ids import UserId
from agent.records import UserMemory
from memory.database import Connection
from memory.memories import fact_hash
from memory.queries import query

Result: TypeAlias = Literal["added", "replaced", "skipped"]
RESULTS: tuple[Result, ...] = ("added", "replaced", "skipped")


async def restore_memory(connection: Connection, user_id: UserId, memory: UserMemory) -> Result:
    """Write one memory, inside the person's scope and under their lock.

    A live one is left out where the same is remembered under another id, or something newer stands in its slot.
    Raises asyncpg's `UniqueViolationError` for an id that is another person's.
    """
    digest = fact_hash(memory.memory)
    if memory.valid_to is None:
        same = await connection.fetchrow(query("find_live_memory_by_hash"), user_id, digest)
        if same is not None and same["memory_id"] != memory.memory_id:
            return "skipped"
        if memory.slot is not None and not await _takes_slot(connection, user_id, memory, memory.slot):
            return "skipped"
    row = await connection.fetchrow(query("restore_memory"), user_id, *_values(memory, digest))
    assert row is not None, "the statement gives its row, or raises"
    return "added" if row["is_new"] else "replaced"


async def _takes_slot(connection: Connection, user_id: UserId, memory: UserMemory, slot: str) -> bool:
    row = await connection.fetchrow(query("find_live_memory_in_slot"), user_id, slot, memory.memory_id)
    if row is not None and row["valid_from"] > memory.valid_from:
        return False
    await connection.fetchrow(query("vacate_slot"), user_id, slot, memory.memory_id)
    return True


def _values(memory: UserMemory, digest: bytes) -> tuple[object, ...]:
    return (
        memory.memory_id,
        memory.memory,
        digest,
        list(memory.topics),
        memory.slot,
        memory.visibility,
        memory.is_pinned,
        memory.agent_id,
        memory.team_id,
        memory.input,
        memory.feedback,
        memory.source_session_id,
        memory.source_seq,
        memory.supersedes,
        memory.replaced_by,
        memory.model,
        memory.last_used_at,
        memory.created_at,
        memory.updated_at,
        memory.valid_to,
        memory.valid_from,
    )
