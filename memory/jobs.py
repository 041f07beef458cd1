"""Durable work off the reply path: taken by one worker at a time, tried again until it is done or given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.ids import AgentId, SessionId, UserId
from memory.database import Database
from memory.queries import query

EXTRACT = "extract"
TITLE = "title"
LOCKED_S = 120.0
"""Longer than any one piece of work may take; a worker that dies leaves it to others then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. `attempts` counts from 1; `version` tells whether it was asked for again meanwhile."""

    kind: str
    session_id: SessionId
    user_id: UserId
    agent_id: AgentId
    version: int
    attempts: int


class Jobs:
    """The queue of durable work of some kinds."""

    def __init__(self, database: Database, kinds: Sequence[str] = (EXTRACT,)) -> None:
        self._database = database
        self._kinds = list(kinds)

    async def take(self) -> Job | None:
        """The job that has been due longest; it is nobody else's for two minutes."""
        row = await self._database.fetchrow(query("take_job"), LOCKED_S, self._kinds)
        return Job(**row) if row else None

    async def end(self, job: Job, *, has_more: bool = False) -> None:
        """Done, unless there is more of it, or it was asked for again meanwhile; then it stays, as if never tried."""
        key = (job.kind, job.session_id, job.user_id)
        await self._database.execute(query("end_job"), *key, job.version, has_more)

    async def delay(self, job: Job, after_s: float, note: str) -> None:
        """Try again later, and not before. `note` is for operators and holds no text of people."""
        await self._database.execute(query("delay_job"), job.kind, job.session_id, job.user_id, after_s, note)

    async def next_in(self) -> float | None:
        """Seconds until the next job is due; none when there is none."""
        row = await self._database.fetchrow(query("next_job_in"), self._kinds)
        return None if row is None else row[0]
