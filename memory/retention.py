"""Deletes what is past its time, a bounded number of rows at once; each call says how many it found."""

from collections.abc import Sequence

from agent.ids import AgentId
from memory.database import Database
from memory.queries import query


class Expiry:
    """The store's old data. `database` may be slow: nobody waits for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expire_sessions(self, days: float, limit: int) -> int:
        """Sessions in which nothing was done for so long, with all that was said and done there."""
        return await self._expire_sessions(days, limit, None, None)

    async def expire_sessions_of(
        self, agents: Sequence[AgentId], days: float, since_days: float | None, limit: int
    ) -> int:
        """The same of these agents' sessions alone; those silent for `since_days` only if that is none."""
        return await self._expire_sessions(days, limit, list(agents), since_days)

    async def _expire_sessions(
        self, days: float, limit: int, agents: list[AgentId] | None, since_days: float | None
    ) -> int:
        rows = await self._database.fetch(query("list_old_sessions"), days, limit, agents, since_days)
        for row in rows:
            await self._database.fetchrow(query("expire_session"), row["session_id"], days)
        return len(rows)

    async def expire_files(self, days: float, limit: int) -> int:
        """Files that were sent so long ago; the messages stay."""
        return len(await self._database.fetch(query("expire_files"), days, limit))

    async def expire_memories(self, days: float, limit: int) -> int:
        """Facts about people that were neither changed nor used for so long; pinned ones stay."""
        return await self._expire_facts(days, limit, is_history=False)

    async def expire_memory_history(self, days: float, limit: int) -> int:
        """Facts that ended so long ago."""
        return await self._expire_facts(days, limit, is_history=True)

    async def _expire_facts(self, days: float, limit: int, *, is_history: bool) -> int:
        rows = await self._database.fetch(query("list_old_memories"), days, is_history, limit)
        for row in rows:
            async with self._database.scope(user_id=row["user_id"]) as connection:
                await connection.fetch(query("expire_memories"), row["user_id"], row["memory_ids"])
        return sum(len(row["memory_ids"]) for row in rows)
