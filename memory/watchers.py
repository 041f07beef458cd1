"""The register of who watches what, and the questions that processes put to each other through the database."""

from collections.abc import Collection

from agent.ids import SessionId, TaskId, WorkerId
from memory.database import Database
from memory.queries import query


class Watchers:
    """The register, as one worker sees it."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self._worker_id = worker_id

    async def add(self, sessions: Collection[SessionId]) -> None:
        """People watch these sessions here."""
        await self._database.execute(query("add_watchers"), self._worker_id, list(sessions))

    async def remove(self, sessions: Collection[SessionId]) -> None:
        """Nobody watches these sessions here any more."""
        await self._database.execute(query("remove_watchers"), self._worker_id, list(sessions))

    async def list_others(self) -> dict[SessionId, set[WorkerId]]:
        """What is watched in other processes."""
        found: dict[SessionId, set[WorkerId]] = {}
        for row in await self._database.fetch(query("list_watchers"), self._worker_id):
            found.setdefault(SessionId(row["session_id"]), set()).add(WorkerId(row["worker_id"]))
        return found

    async def load_heads(self, sessions: Collection[SessionId]) -> dict[SessionId, int]:
        """The number of the newest durable event of each session that exists."""
        rows = await self._database.fetch(query("load_heads"), list(sessions))
        return {SessionId(row["session_id"]): row["head"] for row in rows}

    async def ask_to_stop(self, session_id: SessionId, task_id: TaskId) -> WorkerId | None:
        """Ask the process that runs a task to stop it. None: it does not run anywhere."""
        row = await self._database.fetchrow(query("ask_to_stop"), session_id, task_id)
        return WorkerId(row["owner"]) if row else None

    async def list_to_stop(self) -> list[tuple[SessionId, TaskId]]:
        """The tasks that others asked this worker to stop."""
        rows = await self._database.fetch(query("list_to_stop"), self._worker_id)
        return [(SessionId(row["session_id"]), TaskId(row["task_id"])) for row in rows]
