"""Memories deleted for good: those a person names, with their history, and those drawn from a message that is gone.

In the person's scope and under their lock.
"""

from collections.abc import Sequence
from datetime import datetime

from agent.ids import MemoryId, SessionId, UserId
from agent.memories import Forgotten
from memory.database import Connection
from memory.queries import query


async def forget_memories(
    connection: Connection, user_id: UserId, memory_ids: Sequence[MemoryId], said_at: datetime | None = None
) -> Forgotten:
    """Delete memories and their older versions; ids that are not there are left out of the result.

    What is history and says the same goes along, and what either was merged into; the others that this was made of live
    again. Words from before `said_at`, or from before now, do not bring them back.
    """
    twins = await connection.fetch(query("find_ended_twins"), user_id, list(memory_ids))
    doomed = [*memory_ids, *(row["memory_id"] for row in twins)]
    merged = await connection.fetch(query("find_merged_of"), user_id, doomed)
    rows = await connection.fetch(query("delete_memories"), user_id, doomed, said_at)
    rows += await connection.fetch(query("delete_merged_of"), user_id, [row["memory_id"] for row in merged], said_at)
    whole = [row["memory_id"] for row in merged if row["is_whole"]]
    await connection.fetch(query("revive_merged"), user_id, whole)
    gone = {MemoryId(row["memory_id"]) for row in rows}
    named = tuple(dict.fromkeys(memory_id for memory_id in memory_ids if memory_id in gone))
    return Forgotten(memory_ids=named, versions=len(gone) - len(named))


async def forget_drawn(connection: Connection, user_id: UserId, session_id: SessionId, seq: int) -> None:
    """Delete the facts of a message, and what they were merged into; what either took the place of is true again.

    Without tombstones: the message's new words may say the same.
    """
    rows = await connection.fetch(query("slack_list_drawn"), user_id, session_id, seq)
    drawn = [row["memory_id"] for row in rows]
    merged = await connection.fetch(query("find_merged_of"), user_id, drawn)
    await connection.execute(query("drop_facts"), user_id, [row["memory_id"] for row in merged])
    await connection.fetch(query("revive_merged"), user_id, [row["memory_id"] for row in merged if row["is_whole"]])
    displaced = await connection.fetch(query("slack_list_displaced"), user_id, drawn)
    await connection.execute(query("drop_facts"), user_id, drawn)
    await connection.executemany(
        query("slack_restore_displaced"),
        [(user_id, row["memory_id"], row["replaced_by"], row["is_free"]) for row in displaced],
    )
