"""Which processes are alive, by the database's clock, and what becomes of the work of those that are not."""

import math
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

    async def beat(self) -> bool:
        """Say that this worker is alive. True: it had been declared dead, and is known anew."""
        return await self._database.fetchrow(query("beat"), self.worker_id) is not None

    async def recover(self, *, lease_s: float, grace_s: float = 3.0, awake_s: float = math.inf) -> Recovery:
        """Free what dead workers held.

        A worker is dead after `lease_s` without a beat, or after `grace_s` when nobody holds its lock either. One that
        has not beaten since this one was silent itself, `awake_s` ago, gets `lease_s` from then on: whatever kept this
        one silent may have kept that one, too. What another worker is freeing at the same time is left to it.
        """
        times = lease_s, grace_s, min(awake_s, lease_s)
        row = await self._database.fetchrow(query("recover_leases"), self.worker_id, *times)
        assert row is not None, "the statement always gives one row"
        return Recovery(workers=row["workers"], sessions=row["sessions"], others=row["others"])

    async def list_owned(self) -> set[tuple[SessionId, int]]:
        """The leases that this worker holds: each a session and its epoch."""
        rows = await self._database.fetch(query("list_owned"), self.worker_id)
        return {(SessionId(row["session_id"]), row["epoch"]) for row in rows}

    async def free(self, leases: Collection[tuple[SessionId, int]]) -> None:
        """Give back leases that this worker holds without working on them, if they are still the same."""
        sessions, epochs = [session_id for session_id, _ in leases], [epoch for _, epoch in leases]
        await self._database.fetch(query("free_sessions"), self.worker_id, sessions, epochs)

    async def leave(self) -> None:
        """This worker ends in good order. What it still holds is free, and its attempts at it do not count."""
        await self._database.execute(query("remove_worker"), self.worker_id)
