"""The facts that were drawn from one message, forgotten: as if it had never been said."""

from agent.ids import SessionId, UserId
from memory.database import Connection
from memory.queries import query


async def forget_drawn(connection: Connection, user_id: UserId, session_id: SessionId, seq: int) -> None:
    """Delete the facts of a message, and what they were merged into; what either took the place of is true again.

    Without tombstones: the message's new words may say the same. In the person's scope and under their lock.
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
