"""The order in which the locks of one person's ids are taken.

Whoever has an id that became another follows it: they hold the old one's lock while they wait for the new one's. So an
id is locked after those that became it, or two would wait for each other.
"""

from agent.ids import UserId
from memory.database import Connection
from memory.queries import query


async def lock_person(connection: Connection, user_id: UserId) -> list[UserId]:
    """All ids of the person, the current one last. Nobody writes under one of them until the transaction ends."""
    locked: list[UserId] = []
    for one in await _list_former(connection, user_id):
        await connection.fetchrow(query("lock_person"), one)
        locked.append(one)
    await connection.fetchrow(query("lock_person"), user_id)
    for one in await _list_former(connection, user_id):
        if one not in locked:  # linked in between
            await connection.fetchrow(query("lock_person"), one)
            locked.append(one)
    return [*locked, user_id]


async def _list_former(connection: Connection, user_id: UserId) -> list[UserId]:
    return sorted(UserId(row["user_id"]) for row in await connection.fetch(query("list_former_ids"), user_id))
