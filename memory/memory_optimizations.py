"""Memories merged into fewer, in one transaction, and parted again as they were."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from agent.errors import MemoryConflictError, MemoryNotFoundError
from agent.ids import MemoryId, UserId, new_memory_id
from agent.memory_merging import Optimization, PlannedMerge
from memory.database import Connection, Database
from memory.memories import fact_hash
from memory.memory_scope import open_for_writing
from memory.queries import query


class MemoryOptimizations:
    """What made memories fewer, newest last. Every method takes the person first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, user_id: UserId, planned: Optimization) -> str:
        """Do the merges; the result names them for `undo`. Facts that were told meanwhile stay.

        Raises `MemoryConflictError` when a memory that is to be merged was changed or deleted since it was looked at.
        """
        optimization_id = f"opt_{secrets.token_hex(16)}"
        async with open_for_writing(self._database, user_id) as connection:
            made = [await _merge(connection, user_id, merge) for merge in planned.merges]
            await connection.execute(
                query("add_optimization"),
                user_id,
                optimization_id,
                planned.strategy,
                made,
                planned.count_before,
                planned.count_after,
                planned.tokens_before,
                planned.tokens_after,
            )
        return optimization_id

    async def undo(self, user_id: UserId, optimization_id: str | None = None) -> Sequence[MemoryId]:
        """Part what the newest optimisation merged; the result are the memories that are live again.

        What was changed or deleted since stays as it is. Raises `MemoryNotFoundError` when there is nothing to undo,
        and `MemoryConflictError` for one that is not the newest.
        """
        async with open_for_writing(self._database, user_id) as connection:
            newest = await connection.fetchrow(query("find_newest_optimization"), user_id)
            if newest is None:
                raise MemoryNotFoundError("optimization_id: there is no optimization to undo")
            if optimization_id not in (None, newest["optimization_id"]):
                raise MemoryConflictError(f"optimization_id: expected the newest, {newest['optimization_id']}")
            gone = await connection.fetch(query("delete_merged"), user_id, newest["made"])
            revived = await connection.fetch(query("revive_merged"), user_id, [row["memory_id"] for row in gone])
            await connection.execute(query("delete_optimization"), user_id, newest["optimization_id"])
        return [MemoryId(row["memory_id"]) for row in revived]


async def _merge(connection: Connection, user_id: UserId, merge: PlannedMerge) -> MemoryId:
    memory_id, draft = new_memory_id(), merge.draft
    ids = [source.memory_id for source in merge.sources]
    ended = await connection.fetch(
        query("end_merged"), user_id, memory_id, ids, [source.updated_at for source in merge.sources]
    )
    if len(ended) < len(ids):
        raise MemoryConflictError("the memories were changed while they were looked at; try again")
    await connection.execute(
        query("put_merged"),
        user_id,
        memory_id,
        draft.memory,
        fact_hash(draft.memory),
        list(draft.topics),
        draft.slot,
        draft.visibility,
        draft.is_pinned,
        draft.agent_id,
        max(source.valid_from for source in merge.sources),
        datetime.now(UTC),
    )
    return memory_id
