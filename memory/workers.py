"""Which processes are alive, by the database's clock, and what becomes of the work of those that are not."""

from collections.abc import Collection
from dataclasses import dataclass

from agent.ids import SessionId, WorkerId
from memory.database import Database
from memory.queries import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How many workers were dead, how many sessions they held, and how many others are alive."""

    workers: int
    sessions: int
    others: int


class Workers:
    """The register of workers, as one of them."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        self._database = database
        self.worker_id = worker_id

    async def beat(self) -> None:
        """Say that this worker is alive."""
        await self._database.execute(query("beat"), self.worker_id)

    async def recover(self, *, lease_s: float, grace_s: float = 3.0) -> Recovery:
        """Free what dead workers held.

        A worker is dead after `lease_s` without a beat, or after `grace_s` when nobody holds its lock either.
        """
        row = await self._database.fetchrow(query("recover_leases"), self.worker_id, lease_s, grace_s)
        assert row is not None, "the statement always gives one row"
        return Recovery(workers=row["workers"], sessions=row["sessions"], others=row["others"])

    async def list_owned(self) -> set[SessionId]:
        """The sessions whose lease this worker holds."""
        return {SessionId(row["session_id"]) for row in await self._database.fetch(query("list_owned"), self.worker_id)}

    async def free(self, sessions: Collection[SessionId]) -> None:
        """Give back sessions that this worker holds without working on them."""
        await self._database.fetch(query("free_sessions"), self.worker_id, list(sessions))

    async def leave(self) -> None:
        """This worker ends in good order."""
        await self._database.execute(query("remove_worker"), self.worker_id)
